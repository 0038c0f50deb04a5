"""Codes for a scanner, drawn as SVG elements without styles."""

from markupsafe import Markup


def qr_svg(text: str) -> Markup:
    """A QR code with its quiet zone, as large as its frame; a fifteenth of it may be smudged."""
    import segno  # most pages draw none

    code = segno.make(text, error="m", micro=False)
    drawn: str = code.svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=4)
    return Markup(drawn)  # noqa: S704 - drawn by segno from modules alone
