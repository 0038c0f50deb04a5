"""Sealed messages, their readers and their certificates."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from portal.accounts.models import Account
from portal.challenges.models import Member, Participant
from portal.challenges.states import ParticipantState
from portal.core.errors import NotFound
from portal.reports import rules, states
from portal.reports.models import (
    KeySet,
    Message,
    MessageReader,
    Reading,
    ReplyTemplate,
    Report,
    ReportEvent,
    ReportReader,
    ResearcherCertificate,
    Upload,
)
from portal.reports.queries.apart import not_own
from portal.reports.queries.uploads import LIVE
from portal.reports.states import CertificateState, MessageState, ReportState, Side, UploadState
from portal.reports.walker import Recipients

ASKED_FOR_CERTIFICATE = "ask-certificate"


class Written(NamedTuple):
    """A message that was sent, its sealed bytes, and the researchers' certificates that open it."""

    message: Message
    upload: Upload
    certificates: list[ResearcherCertificate]


def thread(session: Session, report_id: int) -> list[Written]:
    """The messages about a report that were sent, in their order; three statements, however many there are."""
    rows = session.execute(
        sa.select(Message, Upload)
        .join(Upload, sa.and_(Upload.message_id == Message.id, Upload.state == UploadState.COMPLETE))
        .options(joinedload(Message.author), joinedload(Upload.key_set).selectinload(KeySet.members))
        .where(Message.report_id == report_id, Message.state == MessageState.SENT)
        .order_by(Message.number)
    ).all()
    held: dict[int, list[ResearcherCertificate]] = {message.id: [] for message, _ in rows}
    links = session.execute(
        sa.select(MessageReader.message_id, ResearcherCertificate)
        .join(ResearcherCertificate, ResearcherCertificate.id == MessageReader.certificate_id)
        .where(MessageReader.message_id.in_(list(held)))
        .order_by(ResearcherCertificate.id)
    )
    for message_id, certificate in links:
        held[message_id].append(certificate)
    return [Written(message, upload, held[message.id]) for message, upload in rows]


def sent(session: Session, report: Report, number: int) -> Upload:
    """The sealed bytes of a message that was sent. Raises NotFound."""
    found = session.scalars(
        sa.select(Upload)
        .join(Message, Message.id == Upload.message_id)
        .where(
            Message.report_id == report.id, Message.number == number, Message.state == MessageState.SENT,
            Upload.state == UploadState.COMPLETE,
        )
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("message")
    return found


def own_message(session: Session, report: Report, number: int, author_id: int) -> Message:
    """A message that the person has begun or sent. Raises NotFound."""
    found = session.scalars(
        sa.select(Message).where(
            Message.report_id == report.id, Message.number == number, Message.author_id == author_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound("message")
    return found


def begun(session: Session, report_id: int, author_id: int) -> Message | None:
    """The message that the person has begun and not sent."""
    return session.scalars(
        sa.select(Message).where(
            Message.report_id == report_id, Message.author_id == author_id, Message.state == MessageState.UPLOADING
        )
    ).one_or_none()


def counted(session: Session, report_id: int, side: Side) -> int:
    """How many messages one side has written about a report."""
    rows = sa.select(sa.func.count()).select_from(Message)
    return session.scalars(rows.where(Message.report_id == report_id, Message.side == side)).one()


def newest(session: Session, report_id: int, side: Side) -> int:
    """The number of the last message that one side has sent, 0 where it has sent none."""
    last = session.scalars(
        sa.select(sa.func.max(Message.number)).where(
            Message.report_id == report_id, Message.side == side, Message.state == MessageState.SENT
        )
    ).one()
    return last or 0


def live_upload(session: Session, message_id: int) -> Upload | None:
    """The bytes of a message, on their way or arrived."""
    return session.scalars(
        sa.select(Upload)
        .options(joinedload(Upload.report), joinedload(Upload.key_set))
        .where(Upload.message_id == message_id, Upload.state.in_(LIVE))
        .execution_options(populate_existing=True)
    ).one_or_none()


def teams_upload(session: Session, challenge_id: int, upload_id: str, account_id: int) -> Upload:
    """What a triager sends of a message. Raises NotFound."""
    found = session.scalars(
        sa.select(Upload)
        .join(Message, Message.id == Upload.message_id)
        .join(Report, Report.id == Upload.report_id)
        .options(joinedload(Upload.report))
        .where(
            Upload.id == upload_id, Upload.owner_id == account_id, Message.side == Side.TEAM,
            Report.challenge_id == challenge_id, not_own(account_id),
        )
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("upload")
    return found


def _reading(report: Report) -> sa.ColumnElement[bool]:
    chosen = sa.select(ReportReader.account_id).where(ReportReader.report_id == report.id)
    return sa.or_(Member.account_id == report.submitted_by_id, Member.account_id.in_(chosen))


def readers(session: Session, report: Report) -> Sequence[Account]:
    """Who reads what the team writes: the one who sent the report and whom the participant chose, while members."""
    return session.scalars(
        sa.select(Account)
        .join(Member, Member.account_id == Account.id)
        .join(Participant, Participant.id == Member.participant_id)
        .where(
            Member.participant_id == report.participant_id, Participant.state == ParticipantState.ACTIVE,
            Account.active, _reading(report),
        )
        .order_by(Member.id)
    ).all()  # fmt: skip


def certificates_of(session: Session, account_ids: Sequence[int], at: datetime) -> Sequence[ResearcherCertificate]:
    """The certificates of these people to which one can seal now."""
    return session.scalars(
        sa.select(ResearcherCertificate)
        .options(joinedload(ResearcherCertificate.account))
        .where(
            ResearcherCertificate.account_id.in_(list(account_ids)),
            ResearcherCertificate.state == CertificateState.LIVE,
            sa.or_(ResearcherCertificate.expires_at.is_(None), ResearcherCertificate.expires_at > at),
        )
        .order_by(ResearcherCertificate.id)
    ).all()


def readers_certificates(session: Session, report: Report, at: datetime) -> Sequence[ResearcherCertificate]:
    """The certificates to which the team seals what it writes about a report."""
    return certificates_of(session, [each.id for each in readers(session, report)], at)


def wanted(session: Session, upload: Upload, sets: Sequence[KeySet], at: datetime) -> tuple[Recipients, ...]:
    """To whom a file has to be sealed, for each key set that counts: a team's message to its readers as well."""
    message = session.get(Message, upload.message_id) if upload.message_id else None
    if message is None or message.side is Side.RESEARCHER:
        return tuple(rules.recipients(each, at) for each in sets)
    report = session.get_one(Report, upload.report_id)
    certificates = readers_certificates(session, report, at)
    return tuple(rules.wanted(each, certificates, at) for each in sets)


def certificates(session: Session, account_id: int) -> Sequence[ResearcherCertificate]:
    """All certificates of a person, the newest first."""
    return session.scalars(
        sa.select(ResearcherCertificate)
        .where(ResearcherCertificate.account_id == account_id)
        .order_by(ResearcherCertificate.id.desc())
    ).all()


def certificate_in(session: Session, account_id: int, state: CertificateState) -> ResearcherCertificate | None:
    """A person's certificate that is offered, or live. There is one at most."""
    return session.scalars(
        sa.select(ResearcherCertificate).where(
            ResearcherCertificate.account_id == account_id, ResearcherCertificate.state == state
        )
    ).one_or_none()


def open_reports(session: Session, account_id: int) -> Sequence[Report]:
    """The reports under way whose messages from the team the person reads."""
    chosen = sa.select(ReportReader.report_id).where(ReportReader.account_id == account_id)
    return session.scalars(
        sa.select(Report)
        .options(selectinload(Report.challenge))
        .where(
            sa.or_(Report.submitted_by_id == account_id, Report.id.in_(chosen)), Report.received_at.is_not(None),
            Report.state.in_(states.OPEN),
        )
        .order_by(Report.id)
    ).all()  # fmt: skip


def asked_for_certificate(session: Session, report_ids: Sequence[int]) -> set[int]:
    """The reports about which the team wants to write and cannot yet."""
    rows = sa.select(ReportEvent.report_id).where(
        ReportEvent.report_id.in_(list(report_ids)), ReportEvent.what == ASKED_FOR_CERTIFICATE
    )
    return set(session.scalars(rows))


def reading(session: Session, report_id: int, account_id: int) -> Reading | None:
    """How far somebody has read."""
    return session.get(Reading, (report_id, account_id), populate_existing=True)


def seen(session: Session, report: Report, side: Side) -> int:
    """Up to which number anybody of one side has read."""
    furthest = sa.select(sa.func.max(Reading.number)).where(Reading.report_id == report.id, of_side(report, side))
    return session.scalars(furthest).one() or 0


def of_side(report: Report, side: Side) -> sa.ColumnElement[bool]:
    """Whose mark of reading is that of somebody of one side."""
    members = sa.select(Member.account_id).where(Member.participant_id == report.participant_id)
    return Reading.account_id.in_(members) if side is Side.RESEARCHER else Reading.account_id.not_in(members)


def unread(session: Session, report_ids: Sequence[int], account_id: int, side: Side) -> dict[int, int]:
    """How many messages of `side` the person has not read, by report; reports without any are left out."""
    read = sa.select(Reading).where(Reading.account_id == account_id).subquery()
    rows = session.execute(
        sa.select(Message.report_id, sa.func.count())
        .outerjoin(read, read.c.report_id == Message.report_id)
        .where(
            Message.report_id.in_(list(report_ids)), Message.side == side, Message.state == MessageState.SENT,
            Message.number > sa.func.coalesce(read.c.number, 0),
        )
        .group_by(Message.report_id)
    )  # fmt: skip
    return dict(rows.all())


def unanswered(session: Session, challenge_id: int, *, reader: int) -> tuple[int, datetime | None]:
    """About how many reports of others the researcher has had the last word, and since when the oldest waits."""
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Message.sent_at))
        .join(Report, Report.id == Message.report_id)
        .where(Report.challenge_id == challenge_id, *_last_words(), not_own(reader))
    ).one()
    return count, oldest


def last_word() -> sa.ColumnElement[bool]:
    """Whether the researcher has had the last word about the report of the outer statement."""
    return sa.select(Message.id).where(Message.report_id == Report.id, *_last_words()).exists()


def _last_words() -> list[sa.ColumnElement[bool]]:
    """That a message is the last one about its report, is the researcher's, and can still be answered."""
    later = aliased(Message)
    after = sa.select(later.id).where(
        later.report_id == Message.report_id, later.number > Message.number, later.state == MessageState.SENT
    )
    return [
        Report.state != ReportState.WITHDRAWN, Message.side == Side.RESEARCHER, Message.state == MessageState.SENT,
        ~after.exists(),
    ]  # fmt: skip


def templates(session: Session, challenge_id: int, *, active_only: bool = False) -> Sequence[ReplyTemplate]:
    """The reply templates of a challenge by code."""
    rows = sa.select(ReplyTemplate).where(ReplyTemplate.challenge_id == challenge_id)
    if active_only:
        rows = rows.where(ReplyTemplate.active)
    return session.scalars(rows.order_by(ReplyTemplate.code)).all()


def template_of(session: Session, challenge_id: int, code: str) -> ReplyTemplate:
    """One template. Raises NotFound."""
    found = session.scalars(
        sa.select(ReplyTemplate).where(ReplyTemplate.challenge_id == challenge_id, ReplyTemplate.code == code)
    ).one_or_none()
    if found is None:
        raise NotFound("template")
    return found


def reasons_given(session: Session, challenge_id: int, *, reader: int) -> dict[str, int]:
    """How often each reason went with a message about a report of others."""
    rows = session.execute(
        sa.select(Message.reason, sa.func.count())
        .join(Report, Report.id == Message.report_id)
        .where(
            Report.challenge_id == challenge_id,
            Message.reason.is_not(None),
            Message.state == MessageState.SENT,
            not_own(reader),
        )
        .group_by(Message.reason)
    )
    return {str(code): count for code, count in rows}
