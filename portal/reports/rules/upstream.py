"""Cases at other parties: when a report may be passed on, and when somebody must ask again."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from portal.core.errors import Refused
from portal.reports import states
from portal.reports.models import PassingOn, Report, UpstreamCase
from portal.reports.rules.advisories import CVE
from portal.reports.states import UpstreamState

# For how long a party may be silent, and how long before its end an embargo is looked at.
SILENCE, BEFORE_END = timedelta(days=7), timedelta(days=7)
MOST_CVES = 20


def cve_ids(text: str) -> list[str]:
    """The CVE ids in a text, each once, in their order. Raises ValueError with a sentence for what is none."""
    found = list(dict.fromkeys(re.findall(r"[^\s,;]+", text.upper())))
    wrong = [each for each in found if not CVE.fullmatch(each)]
    if wrong:
        raise ValueError(f"{wrong[0][:40]} is no CVE id. They look like CVE-2020-16119.")
    if len(found) > MOST_CVES:
        raise ValueError(f"At most {MOST_CVES} ids.")
    return found


def instant_of(local: datetime, zone: str) -> datetime:
    """An hour on the clocks of a zone. Raises ValueError for one that they leave out."""
    found = local.replace(tzinfo=ZoneInfo(zone))
    if found.astimezone(ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        raise ValueError("The clocks leave out this hour on that day. Choose another one.")
    return found


def check_passed_on(reports: Sequence[Report], consents: Mapping[int, PassingOn]) -> None:
    """Whether the researchers let the team pass their reports on. Raises Refused."""
    for report in reports:
        said = consents.get(report.id)
        if said is None:
            raise Refused(f"The researcher of {report.ref} has not said yet whether it may be passed on. Ask first.")
        if not said.allowed:
            raise Refused(f"The researcher of {report.ref} does not want it to be passed on.")


def quiet_since(case: UpstreamCase, at: datetime) -> datetime | None:
    """Since when a party has been silent for too long; None where it has not."""
    last = case.heard_at or case.reported_at
    return last if case.state in states.UPSTREAM_OPEN and last is not None and last + SILENCE <= at else None


def public_from(case: UpstreamCase) -> datetime | None:
    """From which instant on everybody may be told of a case; None where that is not known.

    Its page has to be known, and its embargo over. Where no embargo was agreed on, it is public once the party has
    fixed or refused it.
    """
    if not case.public_page or case.state is UpstreamState.DRAFTED:
        return None
    if case.embargo_until is not None:
        return case.embargo_until
    return None if case.state in states.UPSTREAM_OPEN else case.state_since


def name_of(case: UpstreamCase) -> str:
    """How a case is named to everybody: by its party, and by what they or we call it."""
    return f"{case.party.name}: {case.their_reference or case.title}"


def ends_soon(case: UpstreamCase, at: datetime) -> bool:
    """Whether an embargo ends within days."""
    end = case.embargo_until
    return end is not None and at <= end <= at + BEFORE_END
