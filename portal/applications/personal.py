"""What applications keep of a person, and when it is forgotten."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.applications import queries
from portal.applications.actions import erase_application
from portal.applications.rules import content_of
from portal.core.outbox import OutgoingMail

RETENTION_DAYS = 90


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """What the person told, now and each time that it was submitted, and how it stands.

    What the staff means to answer is not theirs to read.
    """
    return {
        "applications": [
            {
                "challenge": application.challenge.slug, "state": application.state,
                "state_since": application.state_since, "submitted_at": application.submitted_at,
                **content_of(application).snapshot(),
                "scenarios": [scenario.code for scenario in application.scenarios],
                "revisions": [
                    {"number": row.number, "at": row.at, **row.content}
                    for row in queries.revisions(session, application.id)
                ],
            }
            for application in queries.of_account(session, account_id)
        ]
    }  # fmt: skip


def erase(session: Session, account_id: int, at: datetime) -> None:
    """Forget what the person told; the state, the country and the times stay."""
    for application in queries.of_account(session, account_id):
        # What was written to an address that the account has no more.
        session.execute(sa.delete(OutgoingMail).where(OutgoingMail.subject == f"application:{application.id}"))
        erase_application(session, application, at=at)


personal.exporters["applications"] = exported
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Applications: who, links, experience, plan, answers",
        "To choose who takes part.",
        f"Until you erase your account; without a place {RETENTION_DAYS} days after the challenge. "
        "State, country and times stay for the statistics.",
    )
)
personal.kept.append(
    personal.Kept(
        "Files of applications from elsewhere",
        "To check them before they are taken over.",
        "Until they are taken over or put away, and for a day at most.",
    )
)
