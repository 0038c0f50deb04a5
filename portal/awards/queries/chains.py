"""The chain that an award belongs to: its links, those of the reports that are joined to it, and who gets what."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.accounts.states import Role
from portal.awards import rules, states
from portal.awards.models import Award, AwardShare
from portal.awards.queries.awards import visible
from portal.awards.states import AwardState
from portal.reports.models import JoinedReports, Report, ReportLink
from portal.reports.queries import capabilities
from portal.reports.queries import links as chains
from portal.reports.queries.apart import is_impartial, not_own


class Piece(NamedTuple):
    """What is awarded, or not, by itself: a link of a report, or a report without links. The awards stand, or wait."""

    report: Report
    link: ReportLink | None
    awards: Sequence[Award]


class Chain(NamedTuple):
    """The pieces in their order, what joins their reports, and whether something may be kept from whoever looks."""

    pieces: Sequence[Piece]
    joins: Sequence[JoinedReports]
    kept: bool


def chain_of(session: Session, report: Report, roles: Collection[Role], *, reader: int) -> Chain | None:
    """The chain of a report as these roles may see it; None where it is one whole that hangs together with nothing.

    Reports of participants to whom the reader belongs are left out, and what hangs together by them alone.
    """
    joins = capabilities.joined(session, report.challenge_id, reader=reader)
    numbers = rules.together(report.id, [(each.giving_id, each.assuming_id) for each in joins])
    links = chains.of_reports(session, numbers)
    if len(numbers) == 1 and not links[report.id]:
        return None
    found = _reports(session, numbers, reader)
    shown = [found[number] for number in numbers if number in found]
    given = _awards(session, list(found), roles)
    pieces = [piece for each in shown for piece in _pieces(each, links[each.id], given)]
    named = [each for each in joins if {each.giving_id, each.assuming_id} <= found.keys()]
    return Chain(pieces, named, kept=not is_impartial(session, report.challenge_id, reader))


def _reports(session: Session, numbers: Sequence[int], reader: int) -> dict[int, Report]:
    rows = sa.select(Report).options(joinedload(Report.participant)).where(Report.id.in_(numbers), not_own(reader))
    return {report.id: report for report in session.scalars(rows)}


def _awards(session: Session, numbers: Sequence[int], roles: Collection[Role]) -> Sequence[Award]:
    """What stands and what waits for a second person, as far as these roles may see it."""
    live = [state for state in visible(roles) if state in states.GRANTED | {AwardState.PROPOSED}]
    rows = sa.select(Award).where(Award.report_id.in_(numbers), Award.state.in_(live))
    shares = selectinload(Award.shares).joinedload(AwardShare.account)
    return session.scalars(rows.options(shares).order_by(Award.id)).all()


def _pieces(report: Report, links: Sequence[ReportLink], given: Sequence[Award]) -> list[Piece]:
    mine = [award for award in given if award.report_id == report.id]
    whole = [award for award in mine if not award.part]
    found = [Piece(report, link, [award for award in mine if award.part == link.label]) for link in links]
    return [Piece(report, None, whole), *found] if whole or not links else found


def lines_of(session: Session, report: Report, link: ReportLink | None) -> list[str]:
    """What the working says of the chain: the link, and what its participant's own reports give to each other."""
    count = len(chains.of_report(session, report.id))
    found = [f"{link.label.capitalize()} of {count} of {report.ref}: {link.title}"] if link else []
    joins = capabilities.with_report(session, report)
    return [*found, *(f"{j.giving.ref} gives {j.capability.code}, which {j.assuming.ref} assumes" for j in joins)]
