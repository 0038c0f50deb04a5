"""Sealed files and the session keys that were wrapped for others, with their reports."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.reports.models import KeySetMember, Message, Report, Rewrap, Upload
from portal.reports.queries.apart import not_own
from portal.reports.states import MessageState, UploadState
from portal.reports.states.rewraps import RewrapState


class Progress(NamedTuple):
    """How many sealed files there are, and how many of them which member cannot open, by fingerprint."""

    total: int
    by_member: dict[str, int]


def _complete(challenge_id: int, reader: int) -> sa.ColumnElement[bool]:
    """Whether a file is whole and of a report that has arrived, and is no participant's to whom the reader belongs."""
    arrived = sa.and_(Report.challenge_id == challenge_id, Report.received_at.is_not(None))
    return sa.and_(arrived, _handed_over(), not_own(reader))


def _handed_over() -> sa.ColumnElement[bool]:
    """Whether a file has come whole, and its message, if it is one's, was sent."""
    unsent = sa.exists().where(Message.id == Upload.message_id, Message.state != MessageState.SENT)
    return sa.and_(Upload.state == UploadState.COMPLETE, ~unsent)


def _opens(member: KeySetMember) -> sa.ColumnElement[bool]:
    """Whether a file is sealed to one of a member's keys, or was wrapped for it: what rules.lacking says of one file.

    The walker's list of recipients is searched as text: a key id in quotes can be nothing else there.
    """
    recipients = sa.cast(Upload.walker["recipients"], sa.Text)
    wrapped = sa.exists().where(
        Rewrap.upload_id == Upload.id, Rewrap.key_id.in_(member.key_ids), Rewrap.state == RewrapState.STANDING
    )
    return sa.or_(*(recipients.contains(f'"{key_id}"') for key_id in member.key_ids), wrapped)


def page(
    session: Session, challenge_id: int, ref: str | None, after: str | None, limit: int,
    lacking: Sequence[KeySetMember] = (), *, reader: int,
) -> Page[Upload]:  # fmt: skip
    """Complete files of reports of others, with their reports, the oldest first. Raises NotFound.

    With `lacking`, only files that one of these members cannot open.
    """
    rows = sa.select(Upload).join(Upload.report).options(contains_eager(Upload.report))
    rows = rows.where(_complete(challenge_id, reader))
    if ref:
        rows = rows.where(Report.ref == ref)
    if lacking:
        rows = rows.where(sa.or_(*(~_opens(member) for member in lacking)))
    return keyset(session, rows, order=[(Upload.created_at, "asc"), (Upload.id, "asc")], after=after, limit=limit)


def progress(session: Session, challenge_id: int, members: Sequence[KeySetMember], *, reader: int) -> Progress:
    """How far all files of others are opened to each member: one statement and one row, however many there are."""
    counts = [sa.func.count().filter(sa.not_(_opens(member))) for member in members]
    rows = sa.select(sa.func.count(), *counts).select_from(Upload).join(Upload.report)
    rows = rows.where(_complete(challenge_id, reader))
    total, *found = session.execute(rows).one()
    return Progress(total, {member.fingerprint: count for member, count in zip(members, found, strict=True)})


def waiting(session: Session, challenge_id: int, members: Sequence[KeySetMember], *, reader: int) -> int:
    """How many files of others some member cannot open."""
    rows = sa.select(sa.func.count()).select_from(Upload).join(Upload.report)
    shut = sa.or_(sa.false(), *(sa.not_(_opens(member)) for member in members))
    return session.scalars(rows.where(_complete(challenge_id, reader), shut)).one()


def shut_to(
    session: Session, challenge_id: int, member: KeySetMember, limit: int, *, reader: int
) -> list[tuple[str, int]]:
    """The first reports of others of which a member cannot open everything, by number: reference and count."""
    rows = (
        sa.select(Report.ref, sa.func.count())
        .select_from(Upload)
        .join(Upload.report)
        .where(_complete(challenge_id, reader), sa.not_(_opens(member)))
        .group_by(Report.number, Report.ref)
        .order_by(Report.number)
        .limit(limit)
    )
    return [(ref, count) for ref, count in session.execute(rows)]


def of_uploads(session: Session, upload_ids: Iterable[str]) -> dict[str, list[Rewrap]]:
    """What was wrapped for each of several files and counts, in order."""
    found: dict[str, list[Rewrap]] = {each: [] for each in upload_ids}
    rows = sa.select(Rewrap).where(Rewrap.upload_id.in_(list(found)), Rewrap.state == RewrapState.STANDING)
    for row in session.scalars(rows.order_by(Rewrap.id)):
        found[row.upload_id].append(row)
    return found


def of_upload(session: Session, upload_id: str) -> Sequence[Rewrap]:
    """What was wrapped for one file and counts, in order."""
    return of_uploads(session, [upload_id])[upload_id]


def wrapped(session: Session, upload_id: str, sha256: str) -> Rewrap:
    """What was wrapped for one file, by the hash of its packet, whether it counts or not. Raises NotFound."""
    rows = session.scalars(
        sa.select(Rewrap)
        .options(joinedload(Rewrap.by), joinedload(Rewrap.upload).joinedload(Upload.report))
        .where(Rewrap.upload_id == upload_id)
        .order_by(Rewrap.id)
    ).all()
    found = [each for each in rows if hashlib.sha256(each.packet).hexdigest() == sha256]
    if not found:
        raise NotFound("packet")
    return found[-1]


def refuted_packets(session: Session, upload_id: str, key_id: str) -> Sequence[bytes]:
    """The packets of which it was said that they do not open a file."""
    return session.scalars(
        sa.select(Rewrap.packet).where(
            Rewrap.upload_id == upload_id, Rewrap.key_id == key_id, Rewrap.state == RewrapState.REFUTED
        )
    ).all()


def refuted(session: Session, challenge_id: int, limit: int, *, reader: int) -> Sequence[Rewrap]:
    """The last ones of which it was said that they do not open a file of others, with who made them and who said so."""
    return session.scalars(
        sa.select(Rewrap)
        .join(Rewrap.upload)
        .join(Upload.report)
        .options(
            contains_eager(Rewrap.upload).contains_eager(Upload.report), joinedload(Rewrap.by),
            joinedload(Rewrap.refuted_by),
        )
        .where(Report.challenge_id == challenge_id, Rewrap.state == RewrapState.REFUTED, not_own(reader))
        .order_by(Rewrap.state_since.desc(), Rewrap.id.desc())
        .limit(limit)
    ).all()  # fmt: skip


def owners(session: Session, fingerprint: str) -> set[int]:
    """The accounts whose certificate it is, by any key set."""
    rows = sa.select(KeySetMember.account_id).where(
        KeySetMember.fingerprint == fingerprint, KeySetMember.account_id.is_not(None)
    )
    return {each for each in session.scalars(rows) if each is not None}


def wrapped_of(session: Session, report_id: int) -> set[str]:
    """The ids of a report's sealed files, its messages among them, for which something was wrapped."""
    ids = session.scalars(sa.select(Upload.id).where(Upload.report_id == report_id, _handed_over()))
    return {upload_id for upload_id, rows in of_uploads(session, ids).items() if rows}


def object_of(session: Session, challenge_id: int, upload_id: str, *, reader: int) -> Upload:
    """One complete file of a report of others. Raises NotFound."""
    found = session.scalars(
        sa.select(Upload)
        .join(Upload.report)
        .options(contains_eager(Upload.report))
        .where(_complete(challenge_id, reader), Upload.id == upload_id)
    ).one_or_none()
    if found is None:
        raise NotFound("file")
    return found
