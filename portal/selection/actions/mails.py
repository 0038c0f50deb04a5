"""What applicants are told about the selection."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.rules import spoken
from portal.applications.states import ApplicationState, Decision
from portal.challenges.models import Challenge
from portal.core import outbox
from portal.core.outbox import OutgoingMail
from portal.selection.models import WaveEntry, WaveLetter

TEMPLATES = {
    Decision.INVITE: "selection/invited",
    Decision.WAITLIST: "selection/waitlisted",
    Decision.DECLINE: "selection/declined",
}
# Whatever the lead has written instead of one of these.
WRITTEN = "selection/written"
Letters = Mapping[Decision, WaveLetter]


def context_of(
    application: Application, account: Account, challenge: Challenge, answer_by: datetime | None, **more: str
) -> dict[str, Any]:
    """What a mail may say, the same for the preview and for what is sent."""
    return {
        "application": application.id,
        "challenge": challenge.title,
        "slug": challenge.slug,
        "name": application.name,
        "answer_by": spoken(answer_by, account.zone) if answer_by else "",
        **more,
    }


def tell(
    session: Session, application: Application, template: str, occasion: str, *, at: datetime, **more: str
) -> None:
    """Write to the applicant, once for each occasion. Whoever has left the portal is left in peace."""
    account = application.account
    if not account.active:
        return
    context = context_of(application, account, application.challenge, application.answer_by, **more)
    outbox.post(
        session, template, to=account.email, key=f"application:{application.id}:{occasion}", at=at, context=context,
        subject=f"application:{application.id}", scope=application.challenge.slug,
    )  # fmt: skip


def letters_of(session: Session, wave_id: int) -> Letters:
    """What the lead wrote for a wave, by kind of answer."""
    rows = session.scalars(sa.select(WaveLetter).where(WaveLetter.wave_id == wave_id))
    return {row.decision: row for row in rows}


def answer_of(
    entry: WaveEntry, challenge: Challenge, answer_by: datetime | None, letters: Letters, at: datetime
) -> dict[str, Any]:
    """The mail of one answer, as the row of the outbox that it becomes."""
    application, letter = entry.application, letters.get(entry.decision)
    until = answer_by if entry.decision is Decision.INVITE else None
    context = context_of(application, application.account, challenge, until)
    if letter:
        told = {"subject": letter.subject, "body": letter.body}
        context |= {"letter": told, "decision": entry.decision.value}
    return outbox.row(
        WRITTEN if letter else TEMPLATES[entry.decision], to=application.account.email, at=at, context=context,
        key=f"application:{application.id}:wave:{entry.wave_id}", subject=f"application:{application.id}",
        scope=challenge.slug,
    )  # fmt: skip


def preview(
    entry: WaveEntry, challenge: Challenge, answer_by: datetime | None, letters: Letters, at: datetime
) -> OutgoingMail:
    """The mail that a wave would send, not in the outbox."""
    return OutgoingMail(**answer_of(entry, challenge, answer_by, letters, at))


def _still_invited(session: Session, mail: OutgoingMail) -> bool:
    found = session.get(Application, mail.context.get("application"), populate_existing=True)
    return found is not None and found.state is ApplicationState.INVITED


outbox.guard("selection/reminder", _still_invited)
