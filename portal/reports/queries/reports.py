"""Reports: of a participant, and of a challenge for its triagers."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.core.errors import NotFound
from portal.reports import states
from portal.reports.models import KeySet, Note, Receipt, Report, ReportEvent
from portal.reports.queries.apart import not_own
from portal.reports.states import ReportState

_WITH = (
    joinedload(Report.participant),
    joinedload(Report.scenario),
    joinedload(Report.key_set),
    joinedload(Report.assignee),
)
_WHOLE = (
    *_WITH,
    joinedload(Report.challenge),
    joinedload(Report.submitted_by),
    joinedload(Report.duplicate_of),
    joinedload(Report.replaces),
    joinedload(Report.release),
    joinedload(Report.build_row),
    joinedload(Report.reproduced_on),
    joinedload(Report.achieved_scenario),
    joinedload(Report.key_set).selectinload(KeySet.members),
)


def of_participant(session: Session, participant_id: int) -> Sequence[Report]:
    """The participant's reports, the newest first, without drafts that were given up."""
    return session.scalars(
        sa.select(Report)
        .options(*_WITH)
        .where(
            Report.participant_id == participant_id,
            sa.or_(Report.state != ReportState.WITHDRAWN, Report.received_at.is_not(None)),
        )
        .order_by(Report.number.desc())
    ).all()


def _one(session: Session, where: tuple[sa.ColumnElement[bool], ...]) -> Report:
    found = session.scalars(sa.select(Report).options(*_WHOLE).where(*where)).one_or_none()
    if found is None:
        raise NotFound("report")
    return found


def own(session: Session, participant_id: int, ref: str) -> Report:
    """One of the participant's reports. Raises NotFound."""
    return _one(session, (Report.participant_id == participant_id, Report.ref == ref))


def of_challenge(session: Session, challenge_id: int, ref: str) -> Report:
    """A report that has arrived, for triagers. Raises NotFound."""
    return _one(session, (Report.challenge_id == challenge_id, Report.ref == ref, Report.received_at.is_not(None)))


def of_others(session: Session, challenge_id: int, ref: str, *, reader: int) -> Report:
    """The same, but none of a participant to whom the reader belongs: they name none of their own. Raises NotFound."""
    arrived = (Report.challenge_id == challenge_id, Report.ref == ref, Report.received_at.is_not(None))
    return _one(session, (*arrived, not_own(reader)))


def some(session: Session, challenge_id: int, refs: Sequence[str], *, reader: int) -> Sequence[Report]:
    """Reports that have arrived, by their references, without those of a participant to whom the reader belongs."""
    where = (Report.challenge_id == challenge_id, Report.ref.in_(refs), Report.received_at.is_not(None))
    rows = sa.select(Report).options(*_WHOLE).where(*where, not_own(reader)).order_by(Report.number)
    return session.scalars(rows).all()


def _arrived(challenge_id: int) -> sa.Select[Report]:
    return sa.select(Report).where(Report.challenge_id == challenge_id, Report.received_at.is_not(None))


def waiting(session: Session, challenge_id: int, *, reader: int) -> tuple[int, datetime | None]:
    """How many reports of others wait for a first answer, and since when the oldest does."""
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Report.received_at)).where(
            Report.challenge_id == challenge_id, Report.state == ReportState.RECEIVED, not_own(reader)
        )
    ).one()
    return count, oldest


def nobodys(session: Session, challenge_id: int, *, reader: int) -> tuple[int, datetime | None]:
    """How many reports of others wait that nobody is responsible for, and since when the oldest does."""
    return _pile(session, challenge_id, reader, Report.state.in_(states.OPEN), Report.assignee_id.is_(None))


def appeals(session: Session, challenge_id: int, *, reader: int) -> tuple[int, datetime | None]:
    """How many appeals of others wait, and since when the oldest does."""
    return _pile(session, challenge_id, reader, Report.state == ReportState.APPEALED)


def _pile(
    session: Session, challenge_id: int, reader: int, *which: sa.ColumnElement[bool]
) -> tuple[int, datetime | None]:
    counted = sa.select(sa.func.count(), sa.func.min(Report.state_since))
    count, oldest = session.execute(counted.where(Report.challenge_id == challenge_id, not_own(reader), *which)).one()
    return count, oldest


def late(session: Session, challenge_id: int, at: datetime, *, reader: int) -> int:
    """How many reports of others have let their clock run out."""
    counted = sa.select(sa.func.count()).select_from(Report)
    return session.scalars(
        counted.where(Report.challenge_id == challenge_id, Report.due_at < at, not_own(reader))
    ).one()


def submitted(session: Session, challenge_id: int) -> Sequence[Report]:
    """Every report that has arrived and was not withdrawn, in order of arrival: what results are counted from."""
    return session.scalars(
        _arrived(challenge_id).options(*_WITH).where(Report.state != ReportState.WITHDRAWN).order_by(Report.number)
    ).all()


# Lines that tell with which other reports one hangs together.
_TOGETHER = ("join", "allow-later", "reconsider")


def events(session: Session, report: Report, *, told_only: bool, impartial: bool = True) -> Sequence[ReportEvent]:
    """The timeline, the oldest first; for the researcher only what the team tells.

    To a triager who is not `impartial` nothing is told of other reports.
    """
    rows = sa.select(ReportEvent).options(joinedload(ReportEvent.actor)).where(ReportEvent.report_id == report.id)
    if told_only:
        rows = rows.where(ReportEvent.told)
    if not impartial:
        rows = rows.where(ReportEvent.what.not_in(_TOGETHER))
    return session.scalars(rows.order_by(ReportEvent.id)).all()


def notes(session: Session, report: Report) -> Sequence[Note]:
    """What triagers wrote among themselves, the oldest first."""
    return session.scalars(
        sa.select(Note).options(joinedload(Note.account)).where(Note.report_id == report.id).order_by(Note.id)
    ).all()


def receipt(session: Session, report: Report) -> Receipt:
    """The signed receipt. Raises NotFound before the report has arrived."""
    found = session.get(Receipt, report.id)
    if found is None:
        raise NotFound("receipt")
    return found


def draft(session: Session, report_id: int) -> Report:
    """A report with what its moves need, for jobs."""
    return _one(session, (Report.id == report_id,))


def abandoned(session: Session, before: datetime) -> Sequence[Report]:
    """Drafts that were begun before `before` and never submitted."""
    return session.scalars(
        sa.select(Report).where(Report.state == ReportState.UPLOADING, Report.state_since < before).limit(100)
    ).all()


def sealed_again(session: Session, report: Report) -> Report | None:
    """The report that stands for one that could not be decrypted."""
    return session.scalars(sa.select(Report).where(Report.replaces_id == report.id)).one_or_none()


def replaceable(session: Session, participant_id: int) -> Sequence[Report]:
    """The participant's reports that could not be decrypted and have not been sealed again."""
    again = sa.select(Report.replaces_id).where(
        Report.replaces_id.is_not(None), Report.participant_id == participant_id
    )
    return session.scalars(
        sa.select(Report)
        .where(
            Report.participant_id == participant_id, Report.state == ReportState.UNREADABLE, Report.id.not_in(again)
        )
        .order_by(Report.number)
    ).all()  # fmt: skip
