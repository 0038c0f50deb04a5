"""What a report is called."""

import re


def prefix(slug: str) -> str:
    """The letters of a challenge's references: azure-sphere-2020 → ASR (R for report)."""
    return "".join(word[0] for word in re.findall(r"[a-z]+", slug.lower())).upper()[:6] + "R"


def reference(slug: str, number: int) -> str:
    """ASR-0001."""
    return f"{prefix(slug)}-{number:04}"
