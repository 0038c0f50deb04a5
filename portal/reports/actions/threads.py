"""Sealed messages about a report: begin one, send its bytes, hand it over, read it."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import Move, hold, take
from portal.reports import rules, states
from portal.reports.actions import own, triage
from portal.reports.actions.drafts import end_upload, held_by
from portal.reports.actions.notices import tell_of_message, tell_to_give_certificate
from portal.reports.actions.timeline import note
from portal.reports.models import (
    Message,
    MessageReader,
    Reading,
    ReplyTemplate,
    Report,
    ReportReader,
    Upload,
)
from portal.reports.queries import keys, threads
from portal.reports.queries import uploads as files
from portal.reports.refusals import TooLarge
from portal.reports.states import MessageState, ReportState, Side, UploadState
from portal.reports.states.threads import SEND


def begin_message(
    session: Session, report: Report, side: Side, limits: rules.Limits, *, by: int, at: datetime
) -> Message:
    """Begin a message, or go on with the one that this person has begun. Raises KeyExpired, Refused, Conflict."""
    rules.check_writable(report)
    rules.check_open(keys.current_set(session), at)
    # One at a time within a report, so that no two messages want the same number.
    session.execute(sa.select(Report.id).where(Report.id == report.id).with_for_update())
    if side is Side.TEAM:
        rules.check_readers(threads.readers_certificates(session, report, at))
    found = threads.begun(session, report.id, by)
    if found:
        return found
    rules.check_number(limits, threads.counted(session, report.id, side))
    last = session.scalars(sa.select(sa.func.max(Message.number)).where(Message.report_id == report.id)).one()
    made = Message(
        report_id=report.id, number=(last or 0) + 1, side=side, author_id=by, state=MessageState.UPLOADING,
        state_since=at, begun_at=at,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    return made


def begin_message_upload(
    session: Session, report: Report, message: Message, limits: rules.Limits, *, length: int | None, at: datetime
) -> Upload:
    """Announce the sealed bytes of a message; earlier ones of it are let go.

    Raises TooLarge, KeyExpired, Refused, Conflict.
    """
    hold(session, message)
    if message.state is MessageState.SENT:
        raise Refused("The message has been sent. Begin another one.")
    if length is not None and length > limits.message:
        raise TooLarge(limits.message)
    rules.check_open(keys.current_set(session), at)
    earlier = threads.live_upload(session, message.id)
    if earlier:
        end_upload(session, earlier.id, UploadState.REMOVED, at=at, states=files.LIVE)
    held = held_by(session, report.participant_id) if message.side is Side.RESEARCHER else 0
    rules.check_room(limits, (), held, length)
    upload = Upload(
        id=str(uuid.uuid4()), report_id=report.id, message_id=message.id, owner_id=message.author_id,
        number=message.number, length=length, created_at=at, expires_at=at + rules.KEEP_OPEN,
    )  # fmt: skip
    session.add(upload)
    with conflicts():
        session.flush()
    return upload


def let_go_unsent(session: Session, upload_id: str, message_id: int, *, at: datetime) -> bool:
    """End the whole bytes of a message that nobody has sent; whether they were. Sealed anew, it can still be sent."""
    # Sending waits for this, or this for sending: no message is sent without its bytes.
    unsent = sa.select(Message.id).where(Message.id == message_id, Message.state == MessageState.UPLOADING)
    if session.scalars(unsent.with_for_update()).one_or_none() is None:
        return False
    return end_upload(session, upload_id, UploadState.EXPIRED, at=at, states=(UploadState.COMPLETE,))


def send_message(
    session: Session,
    report: Report,
    message: Message,
    *,
    template: ReplyTemplate | None = None,
    step: tuple[Move[ReportState], rules.Outcome] | None = None,
    by: int,
    at: datetime,
) -> None:
    """Hand a message over once its bytes have arrived whole; sending it again changes nothing.

    `step` is a move that goes with it, in the same transaction: triage's, or the researcher's answer. Raises Refused,
    Invalid, Conflict.
    """
    if message.state is MessageState.SENT:
        return
    hold(session, message)
    rules.check_writable(report)
    upload = threads.live_upload(session, message.id)
    if upload is None or upload.state is not UploadState.COMPLETE:
        raise Refused("The sealed message has not wholly arrived yet. Let the upload finish, then send it.")
    certificates = threads.readers_certificates(session, report, at)
    reached = rules.reached(rules.sealed_to(upload), certificates)
    if message.side is Side.TEAM and (not certificates or len(reached) < len(certificates)):
        raise Conflict("The researcher's certificate has just changed. Seal the message again, to the new one.")
    if message.side is Side.RESEARCHER:
        reached = rules.reached(rules.sealed_to(upload), threads.certificates(session, by))
    words = {"reason": template.code, "reason_words": template.title} if template else {}
    take(session, message, SEND, at=at, sent_at=at, **words)
    session.add_all(MessageReader(message_id=message.id, certificate_id=each.id) for each in reached)
    told = f"Message {message.number}" + (f": {template.title}" if template else "")
    note(session, report, f"message-{message.side}", by=by, at=at, message=told)
    _unread_again(session, report, message)
    if step:
        _step(session, report, message, *step, by=by, at=at)
    tell_of_message(session, report, message.side, at=at)


def _step(
    session: Session, report: Report, message: Message, move: Move[ReportState], outcome: rules.Outcome, *, by: int,
    at: datetime,
) -> None:  # fmt: skip
    if message.side is Side.TEAM:
        triage.move(session, report, move, outcome, by=by, at=at)
        return
    if move is not states.ANSWER:
        raise Invalid({"move": "The only step that goes with your message is an answer to the team's question."})
    if report.state not in move.sources:
        raise Refused("The team has not asked for anything now. Send the message without calling it the answer.")
    own.move(session, report, move, None, by=by, at=at, tell=False)


def read(session: Session, report: Report, number: int, *, by: int) -> None:
    """Note how far somebody has read. They never say less than before."""
    _read_up_to(session, report.id, by, min(number, max(threads.newest(session, report.id, side) for side in Side)))


def _unread_again(session: Session, report: Report, message: Message) -> None:
    """Set the other side's marks back below a message that got its number earlier than later ones were read.

    Nothing else shows it as new, and no mail would go out about it.
    """
    session.execute(
        sa.update(Reading)
        .where(Reading.report_id == report.id, Reading.number >= message.number)
        .where(threads.of_side(report, rules.other(message.side)))
        .values(number=message.number - 1)
        .execution_options(synchronize_session=False)
    )


def _read_up_to(session: Session, report_id: int, account_id: int, number: int) -> None:
    kept = threads.reading(session, report_id, account_id)
    if kept is None:
        session.add(Reading(report_id=report_id, account_id=account_id, number=number))
    else:
        kept.number = max(kept.number, number)
    session.flush()


def ask_for_certificate(session: Session, report: Report, *, by: int, at: datetime) -> None:
    """Tell those who would read that the team wants to write and cannot. Raises Refused where it can."""
    rules.check_writable(report)
    readers = threads.readers(session, report)
    if threads.certificates_of(session, [each.id for each in readers], at):
        raise Refused("There is a certificate already: portal-triage reply seals to it.")
    if threads.asked_for_certificate(session, [report.id]):
        raise Refused("They have been asked already. It stands among their tasks.")
    note(session, report, threads.ASKED_FOR_CERTIFICATE, by=by, at=at)
    for account in readers:
        tell_to_give_certificate(session, report, account, at=at)


def choose_readers(
    session: Session, report: Report, team: list[Member], chosen: set[int], *, by: int, at: datetime
) -> None:
    """Choose who reads the team's messages beside the one who sent the report: members of the same participant."""
    allowed = {member.account_id for member in team if member.participant_id == report.participant_id}
    wanted = (chosen & allowed) - {report.submitted_by_id}
    before = set(session.scalars(sa.select(ReportReader.account_id).where(ReportReader.report_id == report.id)))
    if wanted == before:
        return
    session.execute(sa.delete(ReportReader).where(ReportReader.report_id == report.id))
    session.add_all(ReportReader(report_id=report.id, account_id=each) for each in sorted(wanted))
    note(session, report, "readers", by=by, at=at)
