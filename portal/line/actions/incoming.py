"""Taking in a mail: once, for whom it is from and to where it belongs, or not at all. Strangers are never answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.rules import canonical_email
from portal.challenges.models import Member
from portal.core import audit, outbox
from portal.core.errors import Refused
from portal.line import bounces
from portal.line.actions.conversations import Draft, write
from portal.line.actions.mails import tell_to_seal
from portal.line.addresses import Addresses, ForgedToken, Named
from portal.line.letters import LARGEST, Body, Letter, Unreadable
from portal.line.models import Conversation, Incoming, Message
from portal.line.queries import incoming
from portal.line.quoting import own_words
from portal.line.rules import KEEP_INCOMING, KEEP_SENDER, LONGEST, MOST_AN_HOUR
from portal.line.states import Outcome, Via

CUT = "\n\n[The rest of this mail was too long and was left out.]"


class Place(NamedTuple):
    """Where a mail lies: the mailbox, the validity of its numbers (RFC 3501, 2.3.1.1), the number."""

    mailbox: str
    validity: int
    uid: int


@dataclass(slots=True)
class Verdict:
    """What becomes of a mail, and what is known of it by then."""

    outcome: Outcome
    conversation: Conversation | None = None
    member: Member | None = None
    digest: str | None = None
    message: Message | None = None
    sender: str | None = None


def receive(session: Session, letter: Letter | None, place: Place, *, addresses: Addresses, at: datetime) -> Incoming:
    """Look at a mail for the first time; None is one that could not be made out. Safe twice by its place."""
    try:
        verdict = _judge(session, letter, addresses, at) if letter else Verdict(Outcome.UNREADABLE)
    except Unreadable:
        verdict = Verdict(Outcome.UNREADABLE)
    conversation, member = verdict.conversation, verdict.member
    noted = Incoming(
        mailbox=place.mailbox, validity=place.validity, uid=place.uid, digest=verdict.digest, at=at,
        outcome=verdict.outcome, challenge_id=conversation.challenge_id if conversation else None,
        conversation_id=conversation.id if conversation else None, account_id=member.account_id if member else None,
        message_id=verdict.message.id if verdict.message else None, sender=verdict.sender,
    )  # fmt: skip
    session.add(noted)
    session.flush()
    return noted


def _judge(session: Session, letter: Letter, addresses: Addresses, at: datetime) -> Verdict:
    """Machines first, then whose mail it is, then what it says."""
    if bounces.is_report(letter):
        return Verdict(_take_back(session, letter, addresses, at))
    if letter.automatic(addresses.host):
        return Verdict(Outcome.AUTOMATIC)
    try:
        named = _named(letter, addresses)
    except ForgedToken:
        return Verdict(Outcome.FORGED)
    if named is None:
        return Verdict(Outcome.UNADDRESSED)
    found = incoming.place_of(session, named)
    if found is None:
        return Verdict(Outcome.NO_PLACE)
    verdict = Verdict(Outcome.OTHER_SENDER, *found)
    if not _is_from(letter, found[1]):
        verdict.member, verdict.sender = None, letter.sender[:254]
        return verdict
    _judge_own(session, letter, verdict, addresses, at)
    return verdict


def _named(letter: Letter, addresses: Addresses) -> Named | None:
    """What the first address of the line names. Raises ForgedToken where there are only forged ones."""
    forged = False
    for address in letter.recipients:
        try:
            named = addresses.read(address)
        except ForgedToken:
            forged = True
            continue
        if named is not None:
            return named
    if forged:
        raise ForgedToken
    return None


def _is_from(letter: Letter, member: Member) -> bool:
    """Whether From, and the envelope where it is known, is the member's confirmed address."""
    own = member.account.canonical_email
    envelope = letter.envelope
    return canonical_email(letter.sender) == own and (envelope is None or canonical_email(envelope) == own)


def _judge_own(session: Session, letter: Letter, verdict: Verdict, addresses: Addresses, at: datetime) -> None:
    """What becomes of a member's own mail."""
    assert verdict.member is not None
    assert verdict.conversation is not None
    digest = letter.digest
    if incoming.repeated(session, digest):
        verdict.outcome = Outcome.REPEATED
        return
    verdict.digest = digest
    if incoming.came_lately(session, verdict.member.account_id, at) >= MOST_AN_HOUR:
        verdict.outcome = Outcome.TOO_MANY
        return
    body = None if letter.size > LARGEST else letter.body()
    if body is None or body.encrypted or body.attachments:
        tell_to_seal(session, verdict.conversation, verdict.member, at=at)
    if body is None:
        verdict.outcome = Outcome.TOO_LARGE
    elif body.encrypted:
        verdict.outcome = Outcome.ENCRYPTED
    else:
        _take(session, letter, body, verdict, addresses, at)


def _take(
    session: Session, letter: Letter, body: Body, verdict: Verdict, addresses: Addresses, at: datetime
) -> None:  # fmt: skip
    text = own_words(body.text[: 10 * LONGEST], addresses.ours)
    if not text.strip():
        verdict.outcome = Outcome.EMPTY
        return
    if len(text) > LONGEST:
        text = text[: LONGEST - len(CUT)] + CUT
    draft = Draft(
        text=text, key=letter.digest, subject=_subject(letter.subject), via=Via.MAIL, left_out=body.attachments,
        mail_id=letter.message_id,
    )  # fmt: skip
    assert verdict.member is not None
    try:
        verdict.message = write(session, verdict.member, draft, at=at)
        verdict.outcome = Outcome.TAKEN
    except Refused:
        verdict.outcome = Outcome.TOO_MANY


def _subject(subject: str) -> str:
    """What the sender says it is about; an answer to our own mail says nothing new."""
    return "" if subject.lower().startswith(("re:", "aw:", "sv:", "antw:", "res:")) else subject


def _take_back(session: Session, letter: Letter, addresses: Addresses, at: datetime) -> Outcome:
    """Note that a mail of ours did not arrive after all, so that it stands among those that could not be delivered."""
    told = bounces.returned(letter, addresses.host)
    mail = incoming.sent_mail(session, told.token, told.recipient) if told else None
    if told is None or mail is None or not outbox.returned(session, mail, told.reason):
        return Outcome.AUTOMATIC
    audit.record(session, "line:mail-returned", f"mail:{mail.id}", by=None, at=at, scope=mail.scope)
    return Outcome.RETURNED


def forget(session: Session, *, at: datetime) -> int:
    """Forget old records of mails that became no message, and addresses that nobody has looked at for a month."""
    gone = session.execute(
        sa.delete(Incoming)
        .where(Incoming.at < at - KEEP_INCOMING, Incoming.message_id.is_(None))
        .execution_options(synchronize_session=False)
    )
    cleared = session.execute(
        sa.update(Incoming)
        .where(Incoming.at < at - KEEP_SENDER, Incoming.sender.is_not(None))
        .values(sender=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(gone, CursorResult)
    assert isinstance(cleared, CursorResult)
    return gone.rowcount + cleared.rowcount
