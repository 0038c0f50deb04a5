"""What the lead makes of a cluster."""


def numbers(values: list[str]) -> list[int]:
    """The numbers among what a page sent."""
    return [int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 10]
