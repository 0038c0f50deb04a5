"""Advisories: as the team writes them, and what is public of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from portal.challenges.models import Challenge
from portal.core.errors import NotFound
from portal.reports.models import Advisory, AdvisoryBuild, AdvisoryChange, AdvisoryFlaw, AdvisoryRevision, Report
from portal.reports.queries.disclosing import embargoes
from portal.reports.rules.advisories import Flaw, Product, Text
from portal.reports.states import AdvisoryState, Affected, ReportState

_WHOLE = (
    joinedload(Advisory.challenge),
    selectinload(Advisory.flaws).options(
        joinedload(AdvisoryFlaw.report), selectinload(AdvisoryFlaw.builds).joinedload(AdvisoryBuild.build)
    ),
    selectinload(Advisory.revisions),
)


def of_challenge(session: Session, challenge_id: int) -> Sequence[Advisory]:
    """Every advisory of a challenge, the newest first."""
    return session.scalars(
        sa.select(Advisory).options(*_WHOLE).where(Advisory.challenge_id == challenge_id).order_by(Advisory.id.desc())
    ).all()


def one(session: Session, challenge_id: int, advisory_id: int) -> Advisory:
    """One of them as it is now. Raises NotFound."""
    found = session.scalars(
        sa.select(Advisory)
        .options(*_WHOLE)
        .where(Advisory.challenge_id == challenge_id, Advisory.id == advisory_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound("advisory")
    return found


def next_number(session: Session, year: int) -> int:
    """The number of the next advisory of a year, over all challenges."""
    last = session.scalars(sa.select(sa.func.max(Advisory.number)).where(Advisory.year == year)).one()
    return (last or 0) + 1


def last_names(session: Session, challenge_id: int) -> tuple[str, str] | None:
    """Vendor and product of the challenge's last advisory."""
    row = session.execute(
        sa.select(Advisory.vendor, Advisory.product)
        .where(Advisory.challenge_id == challenge_id)
        .order_by(Advisory.id.desc())
        .limit(1)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def text_of(found: Advisory) -> Text:
    """What it says as it is being written."""
    flaws = tuple(_flaw(each) for each in found.flaws)
    return Text(found.title, found.summary, found.details, found.vendor, found.product, flaws)


def _flaw(row: AdvisoryFlaw) -> Flaw:
    builds: dict[Affected, tuple[Product, ...]] = {
        status: tuple(Product(each.build.id, each.build.name) for each in row.builds if each.status is status)
        for status in Affected
    }
    return Flaw(
        report_id=row.report_id, title=row.title, text=row.text, cve=row.cve, cwe=row.cwe, cvss=row.cvss,
        affected=builds[Affected.KNOWN_AFFECTED], fixed=builds[Affected.FIXED], release=row.report.fixed_release,
        fixed_on=row.report.fixed_on,
    )  # fmt: skip


def fit(session: Session, challenge_id: int) -> Sequence[Report]:
    """The reports that an advisory can cover: those that triage has confirmed."""
    states = (ReportState.CONFIRMED, ReportState.FIXING, ReportState.FIXED, ReportState.CLOSED)
    return session.scalars(
        sa.select(Report).where(Report.challenge_id == challenge_id, Report.state.in_(states)).order_by(Report.number)
    ).all()


def waiting(session: Session, challenge_id: int) -> tuple[int, datetime | None]:
    """How many advisories wait for somebody to publish them, and since when the oldest does."""
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Advisory.state_since)).where(
            Advisory.challenge_id == challenge_id, Advisory.state == AdvisoryState.READY
        )
    ).one()
    return count, oldest


class Out(NamedTuple):
    """A version that everybody may read, and since when."""

    version: AdvisoryRevision
    since: datetime


def public(
    session: Session, at: datetime, *, challenge_id: int | None = None, ident: str | None = None
) -> list[tuple[Advisory, list[Out]]]:
    """What everybody may read at an instant: advisories with those of their versions that are out.

    A version is out when its hour has come, the results of its challenge are out, and no report that it covers is
    under embargo: since the last of these. One that a later version was ahead of never comes out. The latest advisory
    comes first.
    """
    rows = (
        sa.select(Advisory, AdvisoryRevision)
        .join(Advisory.challenge)
        .join(AdvisoryRevision, AdvisoryRevision.advisory_id == Advisory.id)
        .options(contains_eager(Advisory.challenge))
        .where(AdvisoryRevision.at <= at, Challenge.results_released_at <= at)
        .order_by(Advisory.year.desc(), Advisory.number.desc(), AdvisoryRevision.number)
    )
    if challenge_id is not None:
        rows = rows.where(Advisory.challenge_id == challenge_id)
    if ident is not None:
        rows = rows.where(Advisory.ident == ident)
    found = session.execute(rows).all()
    covered = {each.id: Text.read(each.content).report_ids for _, each in found}
    until = embargoes(session, {number for ids in covered.values() for number in ids})
    out: dict[Advisory, list[Out]] = {}
    for row, each in found:
        since = _since(row.challenge, each, covered[each.id], until)
        if since is not None and since <= at:
            out.setdefault(row, []).append(Out(each, since))
    return [(row, _in_order(versions)) for row, versions in out.items()]


def _in_order(versions: Sequence[Out]) -> list[Out]:
    """Those versions of an advisory that no later one was ahead of."""
    kept: list[Out] = []
    for each in reversed(versions):
        if not kept or each.since <= kept[-1].since:
            kept.append(each)
    return kept[::-1]


def changes(session: Session, advisory_ids: Iterable[int]) -> dict[int, list[datetime]]:
    """At which instants advisories are noted to have changed without a version, the earliest first."""
    rows = session.execute(
        sa.select(AdvisoryChange.advisory_id, AdvisoryChange.at)
        .where(AdvisoryChange.advisory_id.in_(list(advisory_ids)))
        .order_by(AdvisoryChange.at)
    )
    found: dict[int, list[datetime]] = {}
    for number, at in rows:
        found.setdefault(number, []).append(at)
    return found


def hours(session: Session, challenge: Challenge) -> dict[int, datetime]:
    """From which instant the last version of each advisory of a challenge is out, by the numbers of their rows.

    It is known once two people have set when the results come out.
    """
    rows = session.scalars(
        sa.select(AdvisoryRevision)
        .join(Advisory, Advisory.id == AdvisoryRevision.advisory_id)
        .where(Advisory.challenge_id == challenge.id)
        .order_by(AdvisoryRevision.advisory_id, AdvisoryRevision.number)
    )
    last = {each.advisory_id: each for each in rows}
    covered = {number: Text.read(each.content).report_ids for number, each in last.items()}
    until = embargoes(session, {number for ids in covered.values() for number in ids})
    found = {number: _since(challenge, each, covered[number], until) for number, each in last.items()}
    return {number: since for number, since in found.items() if since is not None}


def _since(
    challenge: Challenge, version: AdvisoryRevision, covered: frozenset[int], until: Mapping[int, datetime]
) -> datetime | None:
    """From when on a version is out; None where that is not known."""
    if challenge.results_released_at is None or not covered <= until.keys():
        return None
    return max(version.at, challenge.results_released_at, *(until[number] for number in covered))
