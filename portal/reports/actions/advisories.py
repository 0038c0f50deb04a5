"""Writing, publishing and revising advisories: who writes does not publish."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Build, Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import NotFound, Refused
from portal.core.moves import Move, take
from portal.reports import states
from portal.reports.actions.timeline import note, tell_researcher
from portal.reports.models import Advisory, AdvisoryBuild, AdvisoryFlaw, AdvisoryRevision, Report
from portal.reports.queries import advisories as queries
from portal.reports.queries import disclosing, reports, upstream
from portal.reports.rules import advisories as rules
from portal.reports.states import AdvisoryState, Affected


@dataclass(frozen=True, slots=True)
class Words:
    """What is typed about an advisory; `details` are Markdown, `change` is the line of the history."""

    title: str
    summary: str
    details: str
    vendor: str
    product: str
    change: str = "First publication."


class Particulars(NamedTuple):
    """What is typed about one flaw; builds are given by the numbers of their rows."""

    title: str
    text: str
    cve: str | None = None
    cwe: str | None = None
    cvss: str | None = None
    affected: tuple[int, ...] = ()
    fixed: tuple[int, ...] = ()


def begin(session: Session, challenge: Challenge, words: Words, prefix: str, *, by: int, at: datetime) -> Advisory:
    """A new advisory under the next number of the year. Raises Conflict if two begin at once."""
    year = at.astimezone(UTC).year
    number = queries.next_number(session, year)
    made = Advisory(
        challenge_id=challenge.id, year=year, number=number, ident=rules.identity(prefix, year, number),
        state=AdvisoryState.DRAFT, state_since=at, created_at=at, written_by_id=by, **asdict(words),
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    _record(session, challenge, made, "begin-advisory", by=by, at=at)
    return made


def write(session: Session, challenge: Challenge, found: Advisory, words: Words, *, by: int, at: datetime) -> None:
    """Say it better. Only a draft is written in."""
    _check_draft(found)
    for name, value in asdict(words).items():
        setattr(found, name, value)
    found.written_by_id = by
    session.flush()
    _record(session, challenge, found, "write-advisory", by=by, at=at)


def cover(
    session: Session, challenge: Challenge, found: Advisory, report_id: int, given: Particulars, *, by: int,
    at: datetime,
) -> AdvisoryFlaw:  # fmt: skip
    """Say what a report told of; said again, in new words. Raises Invalid, NotFound, Conflict.

    Said first without a CVE id, it takes the one that a case at another party has for the report.
    """
    _check_draft(found)
    if report_id not in {each.id for each in queries.fit(session, challenge.id)}:
        raise NotFound("report")
    builds = _builds(session, challenge, given)
    flaw, cve = next((each for each in found.flaws if each.report_id == report_id), None), given.cve or None
    if flaw is None:
        cve = cve or _assigned(session, report_id)
        position = max((each.position for each in found.flaws), default=0) + 1
        flaw = AdvisoryFlaw(advisory_id=found.id, report_id=report_id, position=position)
        session.add(flaw)
    flaw.title, flaw.text = given.title, given.text
    flaw.cve, flaw.cwe, flaw.cvss = cve, given.cwe or None, given.cvss or None
    found.written_by_id = by
    with conflicts():
        session.flush()
    session.execute(sa.delete(AdvisoryBuild).where(AdvisoryBuild.flaw_id == flaw.id))
    session.add_all(AdvisoryBuild(flaw_id=flaw.id, build_id=number, status=status) for number, status in builds)
    session.flush()
    _record(session, challenge, found, "cover-report", by=by, at=at)
    return flaw


def _assigned(session: Session, report_id: int) -> str | None:
    """The CVE id that other parties' cases have for a report, if it is one alone."""
    known = upstream.cves_of(session, session.get_one(Report, report_id))
    return known[0] if len(known) == 1 else None


def _builds(session: Session, challenge: Challenge, given: Particulars) -> list[tuple[int, Affected]]:
    wanted = {*given.affected, *given.fixed}
    rows = sa.select(Build.id, Build.name).where(Build.challenge_id == challenge.id, Build.id.in_(wanted))
    names = dict(session.execute(rows).all())
    if set(names) != wanted:
        raise NotFound("build")
    both = sorted(names[number] for number in set(given.affected) & set(given.fixed))
    rules.check_flaw(given.cve or None, given.cwe or None, given.cvss or None, both)
    return [
        *((number, Affected.KNOWN_AFFECTED) for number in sorted(given.affected)),
        *((number, Affected.FIXED) for number in sorted(given.fixed)),
    ]


def uncover(session: Session, challenge: Challenge, found: Advisory, report_id: int, *, by: int, at: datetime) -> None:
    """Leave a report out of it."""
    _check_draft(found)
    flaw = next((each for each in found.flaws if each.report_id == report_id), None)
    if flaw is None:
        raise NotFound("report")
    session.execute(sa.delete(AdvisoryBuild).where(AdvisoryBuild.flaw_id == flaw.id))
    session.execute(sa.delete(AdvisoryFlaw).where(AdvisoryFlaw.id == flaw.id))
    found.written_by_id = by
    session.flush()
    _record(session, challenge, found, "leave-report-out", by=by, at=at)


def _check_draft(found: Advisory) -> None:
    if found.state is not AdvisoryState.DRAFT:
        raise Refused(f"It is {found.state}: nothing in it can be changed now.")


def move(
    session: Session, challenge: Challenge, found: Advisory, step: Move[AdvisoryState], *, by: int, at: datetime
) -> None:
    """Take a step. Publishing makes a version that never changes, and is for somebody else than who wrote last.

    Raises Refused where something is missing, Conflict where somebody was first.
    """
    if step is states.PUBLISH:
        _publish(session, challenge, found, by=by, at=at)
        return
    if step is states.READY:
        rules.check_ready(queries.text_of(found))
    values = {"change": "", "written_by_id": by} if step is states.REVISE else {}
    take(session, found, step, at=at, **values)
    _record(session, challenge, found, f"{step.name}-advisory", by=by, at=at)


def _publish(session: Session, challenge: Challenge, found: Advisory, *, by: int, at: datetime) -> None:
    text = queries.text_of(found)
    rules.check_ready(text)
    embargo, missing = disclosing.latest_embargo(session, text.report_ids)
    rules.check_publish(found.written_by_id, by, missing)
    number = len(found.revisions) + 1
    visible = rules.visible_from(embargo, at)
    last = found.revisions[-1].at if found.revisions else None
    made = AdvisoryRevision(
        advisory_id=found.id, number=number, at=max(visible, last) if last else visible,
        summary=found.change or "A new version.", content=text.kept(), written_by_id=found.written_by_id,
        approved_by_id=by, approved_at=at,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    take(session, found, states.PUBLISH, at=at)
    _record(session, challenge, found, "publish-advisory", by=by, at=at)
    _tell(session, [flaw.report_id for flaw in text.flaws], f"advisory:{found.id}:{number}", by=by, at=at)


def _tell(session: Session, report_ids: Sequence[int], key: str, *, by: int, at: datetime) -> None:
    for number in report_ids:
        report: Report = reports.draft(session, number)
        note(session, report, "publish-advisory", by=by, at=at)
        tell_researcher(session, report, "moved", key, at=at)


def _record(session: Session, challenge: Challenge, found: Advisory, verb: str, *, by: int, at: datetime) -> None:
    audit.record(
        session, f"reports:{verb}", f"advisory:{found.id}", by=by, at=at, scope=challenge.slug,
        after={"ident": found.ident, "state": found.state.value},
    )  # fmt: skip
