"""Sealed files and the session keys that were wrapped for others, with their reports."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.reports.models import Message, Report, Rewrap, Upload
from portal.reports.states import MessageState, UploadState


class Sealed(NamedTuple):
    """One complete sealed file, and every key id that can open it."""

    upload_id: str
    ref: str
    number: int
    key_ids: frozenset[str]


def _complete(challenge_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(Report.challenge_id == challenge_id, Report.received_at.is_not(None), _handed_over())


def _handed_over() -> sa.ColumnElement[bool]:
    """Whether a file has come whole, and its message, if it is one's, was sent."""
    unsent = sa.exists().where(Message.id == Upload.message_id, Message.state != MessageState.SENT)
    return sa.and_(Upload.state == UploadState.COMPLETE, ~unsent)


def page(session: Session, challenge_id: int, ref: str | None, after: str | None, limit: int) -> Page[Upload]:
    """Complete files of reports that have arrived, with their reports, the oldest first. Raises NotFound."""
    rows = sa.select(Upload).join(Upload.report).options(contains_eager(Upload.report)).where(_complete(challenge_id))
    if ref:
        rows = rows.where(Report.ref == ref)
    return keyset(session, rows, order=[(Upload.created_at, "asc"), (Upload.id, "asc")], after=after, limit=limit)


def everything(session: Session, challenge_id: int) -> list[Sealed]:
    """All of them with the key ids that open them, by report and number; two statements, however many there are."""
    added = sa.select(Rewrap.upload_id, Rewrap.key_id).join(Upload, Upload.id == Rewrap.upload_id).join(Upload.report)
    wrapped: dict[str, set[str]] = {}
    for upload_id, key_id in session.execute(added.where(_complete(challenge_id))):
        wrapped.setdefault(upload_id, set()).add(key_id)
    rows = (
        sa.select(Upload.id, Report.ref, Upload.number, Upload.walker["recipients"])
        .join(Upload.report)
        .where(_complete(challenge_id))
        .order_by(Report.number, Upload.number, Upload.created_at)
    )
    return [
        Sealed(upload_id, ref, number, frozenset(recipients or ()) | wrapped.get(upload_id, set()))
        for upload_id, ref, number, recipients in session.execute(rows)
    ]


def of_uploads(session: Session, upload_ids: Iterable[str]) -> dict[str, list[Rewrap]]:
    """What was wrapped for each of several files, in order."""
    found: dict[str, list[Rewrap]] = {each: [] for each in upload_ids}
    for row in session.scalars(sa.select(Rewrap).where(Rewrap.upload_id.in_(list(found))).order_by(Rewrap.id)):
        found[row.upload_id].append(row)
    return found


def of_upload(session: Session, upload_id: str) -> Sequence[Rewrap]:
    """What was wrapped for one file, in order."""
    return of_uploads(session, [upload_id])[upload_id]


def wrapped_of(session: Session, report_id: int) -> set[str]:
    """The ids of a report's sealed files, its messages among them, for which something was wrapped."""
    ids = session.scalars(sa.select(Upload.id).where(Upload.report_id == report_id, _handed_over()))
    return {upload_id for upload_id, rows in of_uploads(session, ids).items() if rows}


def object_of(session: Session, challenge_id: int, upload_id: str) -> Upload:
    """One complete file of a report of the challenge that has arrived. Raises NotFound."""
    found = session.scalars(
        sa.select(Upload)
        .join(Upload.report)
        .options(contains_eager(Upload.report))
        .where(_complete(challenge_id), Upload.id == upload_id)
    ).one_or_none()
    if found is None:
        raise NotFound("file")
    return found
