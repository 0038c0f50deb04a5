"""Mails about applications that did not arrive: sent again, or told in another way."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.challenges.models import Challenge
from portal.core import audit, outbox
from portal.core.errors import Conflict, Invalid
from portal.core.outbox import OutgoingMail
from portal.selection.queries import delivery

GONE = "Somebody has just dealt with this mail. Look at the list again."


def send_again(session: Session, mail: OutgoingMail, application: Application, *, by: int, at: datetime) -> None:
    """Give a mail another ten tries, to the address that the applicant has now. Raises Conflict."""
    if not outbox.send_again(session, mail, at, to=application.account.email):
        raise Conflict(GONE)
    _note(session, mail, application, "send-again", by=by, at=at)


def settle(session: Session, mail: OutgoingMail, application: Application, note: str, *, by: int, at: datetime) -> None:
    """Note how the applicant was told instead. Their application stays as it is. Raises Invalid, Conflict."""
    if not note.strip():
        raise Invalid({"note": "Say how they were told."})
    if not outbox.settle(session, mail, note.strip()[:500]):
        raise Conflict(GONE)
    _note(session, mail, application, "settle-mail", by=by, at=at, reason=note.strip()[:500])


def note_returned(
    session: Session, challenge: Challenge, address: str, reason: str, *, by: int, at: datetime
) -> OutgoingMail:
    """Note that the last mail to an address came back after it had been sent. Raises Invalid where none had."""
    mail = delivery.last_sent(session, challenge, address.strip().lower())
    if mail is None or not outbox.returned(session, mail, reason.strip()[:500] or "It came back."):
        raise Invalid({"address": "No mail about an application of this challenge has gone to this address."})
    audit.record(
        session, "selection:mail-returned", str(mail.subject), by=by, at=at, scope=challenge.slug,
        after={"mail": mail.id}, reason=reason.strip()[:500] or None,
    )  # fmt: skip
    return mail


def _note(
    session: Session, mail: OutgoingMail, application: Application, verb: str, *, by: int, at: datetime,
    reason: str | None = None,
) -> None:  # fmt: skip
    session.expire(mail)
    audit.record(
        session, f"selection:{verb}", f"application:{application.id}", by=by, at=at, scope=application.challenge.slug,
        after={"mail": mail.id, "template": mail.template}, reason=reason,
    )  # fmt: skip
