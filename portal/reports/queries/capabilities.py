"""Finding capabilities, who assumes and who gives them, and reports that go together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.core.errors import NotFound
from portal.reports import states
from portal.reports.models import Capability, JoinedReports, Report, ReportLink
from portal.reports.queries.apart import not_own, participations
from portal.reports.states import LinkState


@dataclass(slots=True)
class Place:
    """A capability with the reports that assume it, and the links that give it."""

    capability: Capability
    assumed: list[Report] = field(default_factory=list)
    given: list[ReportLink] = field(default_factory=list)

    def offers(self, joined: set[tuple[int, int]]) -> list[tuple[Report, Report]]:
        """Pairs that could go together and do not yet: who gives, who assumes."""
        return [
            (link.report, report)
            for report in self.assumed
            for link in self.given
            if link.report_id != report.id and (link.report_id, report.id) not in joined
        ]


def all_of(session: Session, challenge_id: int) -> Sequence[Capability]:
    """The challenge's list, by code."""
    return session.scalars(
        sa.select(Capability)
        .options(joinedload(Capability.scenario))
        .where(Capability.challenge_id == challenge_id)
        .order_by(Capability.code)
    ).all()


def one(session: Session, challenge_id: int, code: str) -> Capability:
    """One of them by its code. Raises NotFound."""
    found = session.scalars(
        sa.select(Capability).where(Capability.challenge_id == challenge_id, Capability.code == code)
    ).one_or_none()
    if found is None:
        raise NotFound("capability")
    return found


def places(session: Session, challenge_id: int, *, reader: int | None = None) -> list[Place]:
    """Every capability with what assumes and what gives it; a link that came to nothing gives nothing.

    The reader's own reports are left out, where one is named.
    """
    others = [not_own(reader)] if reader else []
    found = {each.id: Place(each) for each in all_of(session, challenge_id)}
    assumed = session.scalars(
        sa.select(Report)
        .options(joinedload(Report.participant))
        .where(
            Report.challenge_id == challenge_id, Report.capability_id.is_not(None), Report.state.not_in(states.FALLEN),
            *others,
        )
        .order_by(Report.number)
    )  # fmt: skip
    for report in assumed:
        found[report.capability_id or 0].assumed.append(report)
    given = session.scalars(
        sa.select(ReportLink)
        .join(ReportLink.report)
        .options(joinedload(ReportLink.report).joinedload(Report.participant))
        .where(
            Report.challenge_id == challenge_id, ReportLink.gives_id.is_not(None),
            ReportLink.state.in_((LinkState.OPEN, *states.GOOD_LINKS)), Report.state.not_in(states.FALLEN), *others,
        )
        .order_by(Report.number, ReportLink.position)
    )  # fmt: skip
    for link in given:
        found[link.gives_id or 0].given.append(link)
    return list(found.values())


def joined(session: Session, challenge_id: int, *, reader: int) -> Sequence[JoinedReports]:
    """Reports of a challenge that go together, without the reader's own."""
    rows = session.scalars(
        sa.select(JoinedReports)
        .join(JoinedReports.capability)
        .options(
            joinedload(JoinedReports.giving).joinedload(Report.participant),
            joinedload(JoinedReports.assuming).joinedload(Report.participant), joinedload(JoinedReports.capability),
        )
        .where(Capability.challenge_id == challenge_id)
        .order_by(JoinedReports.at, JoinedReports.giving_id, JoinedReports.assuming_id)
    ).all()  # fmt: skip
    return _of_others(rows, participations(session, reader))


def _of_others(rows: Sequence[JoinedReports], mine: Collection[int]) -> list[JoinedReports]:
    return [each for each in rows if not {each.giving.participant_id, each.assuming.participant_id} & set(mine)]


def with_report(session: Session, report: Report, *, reader: int | None = None) -> Sequence[JoinedReports]:
    """What goes together with a report: for a triager all but their own, for its researcher what is theirs too."""
    rows = (
        sa.select(JoinedReports)
        .options(
            joinedload(JoinedReports.giving), joinedload(JoinedReports.assuming), joinedload(JoinedReports.capability)
        )
        .where(sa.or_(JoinedReports.giving_id == report.id, JoinedReports.assuming_id == report.id))
        .order_by(JoinedReports.at)
    )
    found = session.scalars(rows).all()
    if reader is not None:
        return _of_others(found, participations(session, reader))
    return [each for each in found if each.giving.participant_id == each.assuming.participant_id]
