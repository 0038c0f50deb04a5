"""Files and their chunks."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.core.errors import NotFound
from portal.reports.models import Chunk, Message, Report, Upload
from portal.reports.states import MessageState, ReportState, Side, UploadState

LIVE = (UploadState.OPEN, UploadState.COMPLETE)


def of_report(session: Session, report_id: int) -> Sequence[Upload]:
    """The live files of a report: the body, then the attachments."""
    return session.scalars(
        sa.select(Upload)
        .options(joinedload(Upload.key_set))
        .where(Upload.report_id == report_id, Upload.message_id.is_(None), Upload.state.in_(LIVE))
        .order_by(Upload.number)
    ).all()


def of_reports(session: Session, report_ids: Iterable[int]) -> dict[int, list[Upload]]:
    """The complete files of several reports in one statement."""
    found: dict[int, list[Upload]] = {number: [] for number in report_ids}
    rows = sa.select(Upload).where(
        Upload.report_id.in_(list(found)), Upload.message_id.is_(None), Upload.state == UploadState.COMPLETE
    )
    for upload in session.scalars(rows.order_by(Upload.number)):
        found[upload.report_id].append(upload)
    return found


def file_of(session: Session, report: Report, number: int) -> Upload:
    """One complete file of a report. Raises NotFound."""
    found = session.scalars(
        sa.select(Upload).where(
            Upload.report_id == report.id, Upload.message_id.is_(None), Upload.number == number,
            Upload.state == UploadState.COMPLETE,
        )
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("file")
    return found


def own(session: Session, upload_id: str, participant_id: int) -> Upload:
    """A file of the participant, in whatever state. Raises NotFound."""
    found = session.scalars(
        sa.select(Upload)
        .join(Upload.report)
        .outerjoin(Message, Message.id == Upload.message_id)
        .options(contains_eager(Upload.report))
        .where(Upload.id == upload_id, Report.participant_id == participant_id, _not_the_teams())
    ).one_or_none()
    if found is None:
        raise NotFound("upload")
    return found


def counted_for(session: Session, upload: Upload) -> int | None:
    """The participant of whose room a file takes: all do but the team's messages."""
    rows = sa.select(Report.participant_id).join(Upload, Upload.report_id == Report.id)
    rows = rows.outerjoin(Message, Message.id == Upload.message_id)
    return session.scalars(rows.where(Upload.id == upload.id, _not_the_teams())).one_or_none()


def held(session: Session, participant_id: int, besides: str = "") -> int:
    """How many bytes the participant's files and messages take, or will take where that is known.

    `besides` is the id of a file that is left out.
    """
    size = sa.func.sum(sa.func.coalesce(Upload.length, Upload.position))
    found = session.scalars(
        sa.select(size)
        .join(Report, Report.id == Upload.report_id)
        .outerjoin(Message, Message.id == Upload.message_id)
        .where(
            Report.participant_id == participant_id, Upload.state.in_(LIVE), Report.state != ReportState.WITHDRAWN,
            Upload.id != besides, _not_the_teams(),
        )
    ).one()  # fmt: skip
    return int(found or 0)


def _not_the_teams() -> sa.ColumnElement[bool]:
    return sa.or_(Upload.message_id.is_(None), Message.side == Side.RESEARCHER)


def next_number(session: Session, report_id: int) -> int:
    """The number of the next attachment. Numbers of removed ones are not given again."""
    own = (Upload.report_id == report_id, Upload.message_id.is_(None))
    last = session.scalars(sa.select(sa.func.max(Upload.number)).where(*own)).one()
    return (last or 0) + 1


def chunks(session: Session, upload_id: str) -> Sequence[Chunk]:
    """The pieces of a file in their order."""
    return session.scalars(sa.select(Chunk).where(Chunk.upload_id == upload_id).order_by(Chunk.position)).all()


def named(session: Session, keys: Sequence[str]) -> set[str]:
    """Which of these keys of the store chunks have."""
    return set(session.scalars(sa.select(Chunk.key).where(Chunk.key.in_(keys)))) if keys else set()


def expired(session: Session, at: datetime) -> Sequence[str]:
    """Uploads that nobody has gone on with."""
    return session.scalars(
        sa.select(Upload.id).where(Upload.state == UploadState.OPEN, Upload.expires_at < at).limit(100)
    ).all()


def unsent(session: Session, before: datetime) -> Sequence[tuple[str, int]]:
    """The bytes that were whole before of messages that were not sent: the ids of file and message."""
    rows = (
        sa.select(Upload.id, Message.id)
        .join(Message, Message.id == Upload.message_id)
        .where(
            Upload.state == UploadState.COMPLETE, Upload.ended_at < before, Message.state == MessageState.UPLOADING
        )
        .limit(100)
    )  # fmt: skip
    return [(upload_id, message_id) for upload_id, message_id in session.execute(rows)]


def unswept(session: Session, before: datetime) -> Sequence[str]:
    """Uploads that ended before, whose place in the store has not been searched for stray pieces."""
    return session.scalars(
        sa.select(Upload.id).where(~Upload.swept, Upload.ended_at < before).order_by(Upload.ended_at).limit(200)
    ).all()
