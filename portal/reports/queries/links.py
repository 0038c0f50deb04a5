"""Finding links, who was first, and what looks alike."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from portal.core.errors import NotFound
from portal.reports import rules, states
from portal.reports.models import DuplicateException, Receipt, Report, ReportLink
from portal.reports.queries.apart import not_own
from portal.reports.queries.reports import of_others
from portal.reports.states import LinkState, ReportState

NEAR, MOST = timedelta(days=60), 300
_WITH = (
    joinedload(ReportLink.duplicate_of),
    joinedload(ReportLink.duplicate_link),
    joinedload(ReportLink.known_issue),
    joinedload(ReportLink.achieved_scenario),
)


def of_report(session: Session, report_id: int, *, anew: bool = False) -> Sequence[ReportLink]:
    """The links of a report in the order of its chain; `anew` where those that were read before may have changed."""
    rows = sa.select(ReportLink).options(*_WITH).where(ReportLink.report_id == report_id)
    rows = rows.order_by(ReportLink.position, ReportLink.number)
    return session.scalars(rows, execution_options={"populate_existing": anew}).all()


def of_reports(session: Session, report_ids: Iterable[int]) -> dict[int, list[ReportLink]]:
    """The links of several reports in one statement, each in the order of its chain."""
    found: dict[int, list[ReportLink]] = {number: [] for number in report_ids}
    rows = sa.select(ReportLink).options(*_WITH).where(ReportLink.report_id.in_(list(found)))
    for link in session.scalars(rows.order_by(ReportLink.position, ReportLink.number)):
        found[link.report_id].append(link)
    return found


def numbered(session: Session, report_id: int, number: int) -> ReportLink:
    """One link of a report. Raises NotFound."""
    found = session.scalars(
        sa.select(ReportLink).options(*_WITH).where(ReportLink.report_id == report_id, ReportLink.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("link")
    return found


def target(
    session: Session, challenge_id: int, ref: str, number: int | None, *, reader: int
) -> tuple[Report, ReportLink | None]:
    """The report, and perhaps the link of it, that a triager names. Raises NotFound, also for one of their own."""
    report = of_others(session, challenge_id, ref, reader=reader)
    return report, numbered(session, report.id, number) if number else None


def first_of(session: Session, report: Report, link: ReportLink | None = None) -> tuple[Report, ReportLink | None]:
    """A duplicate's first, however many duplicates lie between. Raises Refused where they go round in a circle."""
    seen: set[tuple[int, int | None]] = set()
    while (report.id, link.id if link else None) not in seen:
        seen.add((report.id, link.id if link else None))
        following = (link.duplicate_of_id, link.duplicate_link_id) if link else (report.duplicate_of_id, None)
        if following[0] is None:
            return report, link
        report = session.get_one(Report, following[0])
        link = session.get_one(ReportLink, following[1]) if following[1] else None
    return report, link


def excepted(session: Session, report_id: int, first_id: int) -> bool:
    """Whether a lead has allowed that a report be a duplicate of a later one."""
    return session.get(DuplicateException, (report_id, first_id)) is not None


def similar(session: Session, report: Report, *, reader: int) -> list[rules.Looks]:
    """Other reports of the challenge that look alike from what is in clear, the most alike and the oldest first.

    The reader's own are left out.
    """
    assert report.received_at is not None
    rows = session.scalars(
        sa.select(Report)
        .options(joinedload(Report.participant), joinedload(Report.scenario))
        .where(
            Report.challenge_id == report.challenge_id, Report.id != report.id,
            Report.received_at.between(report.received_at - NEAR, report.received_at + NEAR),
            Report.state.not_in(states.FALLEN), not_own(reader),
        )
        .order_by(Report.number)
        .limit(MOST)
    )  # fmt: skip
    found = [looks for other in rows if (looks := rules.alike(report, other))]
    return sorted(found, key=lambda looks: (-len(looks.reasons), rules.arrival(looks.report)))


def adrift(session: Session, challenge_id: int) -> Sequence[Report]:
    """Reports that are, whole or in part, duplicates of one that fell away: withdrawn, or not to be decrypted."""
    first = aliased(Report)
    whole = sa.exists().where(first.id == Report.duplicate_of_id, first.state.in_(states.FALLEN))
    part = sa.exists().where(
        ReportLink.report_id == Report.id, first.id == ReportLink.duplicate_of_id, first.state.in_(states.FALLEN)
    )
    return session.scalars(
        sa.select(Report)
        .where(Report.challenge_id == challenge_id, sa.or_(whole, part))
        .order_by(Report.state_since, Report.id)
    ).all()


def open_in_confirmed() -> sa.ColumnElement[bool]:
    """Whether the report of the outer statement is confirmed but has links on which nobody has decided."""
    there = sa.select(ReportLink.id).where(ReportLink.report_id == Report.id, ReportLink.state == LinkState.OPEN)
    return sa.and_(
        Report.state.in_((ReportState.CONFIRMED, ReportState.FIXING, ReportState.FIXED)), there.exists()
    )  # fmt: skip


def undecided(session: Session, challenge_id: int, *, reader: int) -> int:
    """How many reports of others are confirmed but have links on which nobody has decided."""
    counted = sa.select(sa.func.count(Report.id))
    return session.scalars(
        counted.where(Report.challenge_id == challenge_id, open_in_confirmed(), not_own(reader))
    ).one()


def receipt_of(session: Session, report_id: int) -> Receipt | None:
    """A report's receipt, if it has arrived."""
    return session.get(Receipt, report_id)


def receipts_of(session: Session, report_ids: Collection[int]) -> dict[int, Receipt]:
    """The receipts of several reports, by report."""
    rows = session.scalars(sa.select(Receipt).where(Receipt.report_id.in_(report_ids))) if report_ids else ()
    return {receipt.report_id: receipt for receipt in rows}
