"""Who is responsible for a report."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import outbox
from portal.core.errors import Refused
from portal.reports.actions.timeline import changed
from portal.reports.models import Note, Report
from portal.reports.queries import apart, assigning


def assign(
    session: Session, report: Report, assignee_id: int | None, *, by: int | None, at: datetime, hand_over: str = ""
) -> bool:
    """Make a triager responsible, or nobody; whether that changed anything.

    `hand_over` is a word to whoever takes over, kept among the notes. The new one learns of it by mail. Raises Refused
    for a triager who takes part with the report's own participant.
    """
    if assignee_id is not None and apart.takes_part(session, report, assignee_id):
        raise Refused("This triager takes part with the participant whose report it is. Choose another one.")
    if hand_over and by is not None:
        session.add(Note(report_id=report.id, account_id=by, at=at, text=hand_over))
    if report.assignee_id == assignee_id:
        session.flush()
        return False
    before, report.assignee_id = report.assignee_id, assignee_id
    changed(session, report, "assign", {"assignee": before}, {"assignee": assignee_id}, by=by, at=at)
    if assignee_id is not None and assignee_id != by:
        _tell(session, report, assignee_id, at)
    return True


def _tell(session: Session, report: Report, assignee_id: int, at: datetime) -> None:
    to = session.scalars(sa.select(Account.email).where(Account.id == assignee_id)).one()
    key = f"report:{report.id}:assigned:{assignee_id}:{at.isoformat()}"
    context = {"slug": report.challenge.slug, "ref": report.ref}
    outbox.post(session, "reports/assigned", to=to, key=key, at=at, context=context)


def assign_to_least(session: Session, report: Report, *, at: datetime) -> None:
    """Give a report that has arrived to the triager with the fewest, if the challenge wants that and there is one."""
    if not assigning.is_automatic(session, report.challenge_id):
        return
    chosen = assigning.least_loaded(session, report)
    if chosen is not None:
        assign(session, report, chosen, by=None, at=at)


def let_go(session: Session, report: Report, *, at: datetime) -> None:
    """Take a report from somebody who is no triager any more."""
    assign(session, report, None, by=None, at=at)
