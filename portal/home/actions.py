"""What the staff do in the engine room."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.core import audit, outbox
from portal.core.errors import Conflict
from portal.core.outbox import MailState, OutgoingMail


def send_again(session: Session, mail: OutgoingMail, *, by: int, at: datetime) -> None:
    """Give a dead letter ten more tries. Raises Conflict where it is none, or not any more."""
    if mail.state is not MailState.FAILED:
        raise Conflict(f"Only a dead letter is sent again; this one is {mail.state}.")
    outbox.send_again(session, mail, at)
    session.expire(mail)
    audit.record(session, "home:send-mail-again", f"mail:{mail.id}", by=by, at=at)
