"""The links of a report, each decided by itself, as lines for a terminal."""

from portal.triage.client import Json
from portal.triage.text import plain


def counted(report: Json) -> str:
    """How many links a report has and how many of them wait for a decision; empty where it is one whole."""
    links = report.get("links") or []
    if not links:
        return ""
    waiting = sum(link.get("state") == "open" for link in links)
    number = f"{len(links)} link{'' if len(links) == 1 else 's'}"
    return f"{number}, {waiting} undecided" if waiting else f"{number}, all decided"


def told(report: Json) -> list[str]:
    """Each link with its state, and what that names: who was first, the known issue, the layer, the release."""
    return [_told(link) for link in report.get("links") or []]


def _told(link: Json) -> str:
    state = str(link.get("state") or "").replace("_", " ")
    named = next((link[name] for name in ("duplicate_of", "known_issue", "mitigating_layer", "fixed_release")
                  if link.get(name)), None)  # fmt: skip
    decided = "undecided" if state == "open" else f"{state} ({named})" if named else state
    return plain(f"link {link.get('number')}: {decided}  {link.get('title') or ''}")
