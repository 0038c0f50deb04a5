"""What applicants are told about the selection."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.rules import spoken
from portal.applications.states import ApplicationState, Decision
from portal.challenges.models import Challenge
from portal.core import outbox
from portal.core.outbox import OutgoingMail

TEMPLATES = {
    Decision.INVITE: "selection/invited",
    Decision.WAITLIST: "selection/waitlisted",
    Decision.DECLINE: "selection/declined",
}


def context_of(
    application: Application, account: Account, challenge: Challenge, answer_by: datetime | None, **more: str
) -> dict[str, object]:
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
    outbox.post(
        session, template, to=account.email, key=f"application:{application.id}:{occasion}", at=at,
        context=context_of(application, account, application.challenge, application.answer_by, **more),
    )  # fmt: skip


def preview(application: Application, challenge: Challenge, decision: Decision, answer_by: datetime | None,
            at: datetime) -> OutgoingMail:  # fmt: skip
    """The mail that a wave would send, not in the outbox."""
    account = application.account
    context: Mapping[str, object] = context_of(application, account, challenge, answer_by)
    return OutgoingMail(
        template=TEMPLATES[decision], to=account.email, context=dict(context), dedupe_key="preview", created_at=at
    )


def _still_invited(session: Session, mail: OutgoingMail) -> bool:
    found = session.get(Application, mail.context.get("application"), populate_existing=True)
    return found is not None and found.state is ApplicationState.INVITED


outbox.guard("selection/reminder", _still_invited)
