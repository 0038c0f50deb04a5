"""A researcher's side: begin a report, add files, submit, withdraw."""

import uuid
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge, Member, Participant
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.core.moves import hold, take
from portal.reports import receipts, rules, states
from portal.reports.actions.assigning import assign_to_least
from portal.reports.actions.links import add_links
from portal.reports.actions.signed import note_receipt, remember_key
from portal.reports.actions.timeline import note, tell_researcher, tell_triagers
from portal.reports.models import Message, Report, Upload
from portal.reports.queries import builds, clocks, keys, known, reports
from portal.reports.queries import uploads as files
from portal.reports.refusals import TooLarge
from portal.reports.states import MessageState, ReportKind, ReportState, Severity, UploadState


class Particulars(NamedTuple):
    """What stays in clear of a report, as its sender gives it."""

    title: str
    severity: Severity
    build: str
    kind: ReportKind = ReportKind.FULL
    capability: str | None = None
    scenario_id: int | None = None
    links: tuple[rules.LinkText, ...] = ()


def begin_report(session: Session, challenge: Challenge, member: Member, given: Particulars, *, at: datetime) -> Report:
    """Begin a report; it is nothing to anybody else until it is submitted.

    Raises Refused where it is too late, KeyExpired.
    """
    rules.check_begin(challenge, at, again=bool(reports.replaceable(session, member.participant_id)))
    rules.check_open(keys.current_set(session), at)
    # One at a time within a challenge, so that numbers have no gaps and no two reports want the same.
    session.execute(sa.select(Challenge.id).where(Challenge.id == challenge.id).with_for_update())
    last = session.scalars(sa.select(sa.func.max(Report.number)).where(Report.challenge_id == challenge.id)).one()
    number = (last or 0) + 1
    report = Report(
        challenge_id=challenge.id,
        number=number,
        ref=rules.reference(challenge.slug, number),
        participant_id=member.participant_id,
        submitted_by_id=member.account_id,
        title=given.title,
        kind=given.kind,
        capability=given.capability if given.kind is ReportKind.ASSUMING else None,
        scenario_id=given.scenario_id,
        claimed=given.severity,
        build=given.build,
        build_id=builds.named(session, challenge.id, given.build),
        state=ReportState.UPLOADING,
        state_since=at,
        created_at=at,
    )
    session.add(report)
    session.flush()
    subject = f"report:{report.id}"
    audit.record(session, "reports:begin", subject, by=member.account_id, at=at, scope=challenge.slug)
    if given.links:
        add_links(session, report, given.links, by=member.account_id, at=at)
    return report


def begin_upload(
    session: Session, report: Report, limits: rules.Limits, *, body: bool, length: int | None, by: int, at: datetime
) -> Upload:
    """Announce one file of a report; its bytes come later. Raises TooLarge, KeyExpired, Refused, Conflict."""
    hold(session, report)
    if report.state is not ReportState.UPLOADING:
        raise Refused("The report has been submitted. Begin a new one for more files.")
    if length is not None and length > limits.file:
        raise TooLarge(limits.file)
    _check_send(session, report, at)
    rules.check_open(keys.current_set(session), at)
    live = files.of_report(session, report.id)
    if body and any(each.number == 0 for each in live):
        raise Conflict("The report has a body already. Remove that file first.")
    rules.check_room(limits, live, held_by(session, report.participant_id), length)
    upload = Upload(
        id=str(uuid.uuid4()),
        report_id=report.id,
        owner_id=by,
        number=0 if body else files.next_number(session, report.id),
        length=length,
        created_at=at,
        expires_at=at + rules.KEEP_OPEN,
    )
    session.add(upload)
    with conflicts():
        session.flush()
    return upload


def held_by(session: Session, participant_id: int) -> int:
    """How many bytes a participant's files take, which nobody adds to until this transaction ends."""
    session.execute(sa.select(Participant.id).where(Participant.id == participant_id).with_for_update(key_share=True))
    return files.held(session, participant_id)


def _check_send(session: Session, report: Report, at: datetime) -> None:
    rules.check_send(report.challenge, at, again=bool(reports.replaceable(session, report.participant_id)))


def remove_upload(session: Session, upload: Upload, *, by: int, at: datetime) -> None:
    """Take one file away from a report or message that has not been sent. Raises Refused, Conflict."""
    if upload.message_id:
        message = session.get_one(Message, upload.message_id)
        hold(session, message)
        if message.state is MessageState.SENT:
            raise Refused("The message has been sent; nothing of it is taken back.")
    else:
        hold(session, upload.report)
    if not upload.message_id and upload.report.state is not ReportState.UPLOADING:
        raise Refused("The report has been submitted; its files stay with it. Withdraw the report instead.")
    if upload.state not in files.LIVE:
        return
    end_upload(session, upload.id, UploadState.REMOVED, at=at, states=files.LIVE)
    audit.record(session, "reports:remove-file", f"upload:{upload.id}", by=by, at=at)


def end_upload(
    session: Session,
    upload_id: str,
    state: UploadState,
    *still: sa.ColumnElement[bool],
    at: datetime,
    states: tuple[UploadState, ...] = (UploadState.OPEN,),
    refusal: dict[str, str] | None = None,
) -> bool:
    """End a file without success; a job collects its pieces. Whether this call was the one that ended it.

    `still` is what must hold besides its being in one of `states`.
    """
    ended = session.execute(
        sa.update(Upload)
        .where(Upload.id == upload_id, Upload.state.in_(states), *still)
        .values(state=state, ended_at=at, refusal=refusal, sha256=None, key_set_id=None, swept=False)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(ended, sa.CursorResult)
    return ended.rowcount == 1


def submit(session: Session, report: Report, signer: receipts.Signer, *, by: int, at: datetime) -> None:
    """Hand the report in: it gets its receipt, and the triagers learn of it.

    Raises Refused while a file is missing, and where it is too late.
    """
    hold(session, report)
    _check_send(session, report, at)
    uploads = files.of_report(session, report.id)
    body = rules.check_complete(uploads)
    assert body.key_set is not None
    found = rules.timing(clocks.calendar(session, report.challenge), ReportState.RECEIVED, at, ())
    take(
        session, report, states.SUBMIT, at=at, received_at=at, key_set_id=body.key_set_id, clock_since=at,
        due_at=found.due_at if found else None, warn_at=found.warn_at if found else None,
    )  # fmt: skip
    listed = known.listed(session, report.challenge_id)
    receipt = receipts.make(signer, report, uploads, body.key_set, listed, at=at)
    session.add(receipt)
    remember_key(session, signer, at=at)
    note_receipt(session, report, receipt, by=by, at=at)
    note(session, report, states.SUBMIT.name, by=by, at=at)
    sealed_to = {"key_set": body.key_set.number, "fingerprints": [each.fingerprint for each in body.key_set.members]}
    sealed_to["known_issues"] = listed._asdict()
    tell_researcher(session, report, "receipt", "receipt", at=at, more=sealed_to)
    tell_triagers(session, report, "received", "received", at=at)
    assign_to_least(session, report, at=at)


def withdraw(session: Session, report: Report, *, by: int, at: datetime) -> None:
    """Take a report back before it is confirmed. Raises Refused, Conflict."""
    take(session, report, states.WITHDRAW, at=at, due_at=None, warn_at=None, paused_seconds=rules.paused(report, at))
    for upload in files.of_report(session, report.id) if report.received_at is None else ():
        end_upload(session, upload.id, UploadState.REMOVED, at=at, states=files.LIVE)
    event = note(session, report, states.WITHDRAW.name, by=by, at=at)
    if report.received_at is not None:
        tell_triagers(session, report, "moved_staff", f"event:{event.id}", at=at)


def give_up(session: Session, report: Report, *, at: datetime) -> None:
    """Let a draft go that nobody went on with. Raises Conflict."""
    take(session, report, states.EXPIRE, at=at)
    note(session, report, states.EXPIRE.name, by=None, at=at)
