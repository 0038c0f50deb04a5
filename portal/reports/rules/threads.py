"""Who may write about a report, how much, and to whom it has to be sealed."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from portal.core.errors import Invalid, Refused
from portal.reports.models import KeySet, Report, ResearcherCertificate, Upload
from portal.reports.rules.keys import recipients
from portal.reports.rules.limits import Limits
from portal.reports.states import ReportState, Side
from portal.reports.walker import Recipients

# Between two mails about unread messages of one report to one person.
QUIET = timedelta(hours=1)
MOST_TRIES = 5
_SHUT = (ReportState.UPLOADING, ReportState.WITHDRAWN)
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_writable(report: Report) -> None:
    """Whether messages about a report may be written at all. Raises Refused."""
    if report.received_at is None:
        raise Refused("The report has not arrived yet. Send it first; messages come afterwards.")
    if report.state in _SHUT:
        raise Refused("The report is withdrawn. What was written can be read, and nothing more is written.")


def check_number(limits: Limits, written: int) -> None:
    """Whether one side may write one more message. Raises Refused."""
    if written >= limits.messages:
        raise Refused(f"There are {limits.messages} messages from you already. Ask for a call instead.")


def check_readers(certificates: Sequence[ResearcherCertificate]) -> None:
    """Whether the team can write to anybody of the participant. Raises Refused."""
    if not certificates:
        raise Refused(
            "The researcher has given no certificate, so nothing can be sealed to them. Ask them for one on the "
            "report's page: they get one neutral mail."
        )


def wanted(key_set: KeySet, certificates: Sequence[ResearcherCertificate], at: datetime | None = None) -> Recipients:
    """To whom a message has to be sealed: everybody of the key set, and each of these readers."""
    base = recipients(key_set, at)
    readers = tuple(
        (
            f"{each.name or each.fingerprint} (a reader; their certificate is on the report's page)",
            frozenset(each.key_ids),
        )
        for each in certificates
    )
    return Recipients(base.number, base.members + readers)


def sealed_to(upload: Upload) -> list[str]:
    """The key ids of a file's recipients, as the walker met them."""
    return list((upload.walker or {}).get("recipients", []))


def reached(key_ids: Sequence[str], certificates: Sequence[ResearcherCertificate]) -> list[ResearcherCertificate]:
    """The certificates among these to which something for `key_ids` is sealed."""
    return [each for each in certificates if not frozenset(each.key_ids).isdisjoint(key_ids)]


def other(side: Side) -> Side:
    """The side that is written to."""
    return Side.TEAM if side is Side.RESEARCHER else Side.RESEARCHER


def check_code(code: str) -> str:
    """A reason code: small letters, digits and hyphens. Raises Invalid."""
    if not _CODE.fullmatch(code) or len(code) > 40:
        raise Invalid({"code": "Small letters, digits and hyphens: needs-better-proof."})
    return code
