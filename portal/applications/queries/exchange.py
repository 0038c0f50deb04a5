"""What import and export need to know."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload, undefer, undefer_group

from portal.accounts.models import Account
from portal.applications.models import Application, Import
from portal.applications.queries.questions import questions
from portal.applications.rules.exchange import Known, as_object
from portal.applications.states import VISIBLE, ApplicationState, ImportState
from portal.challenges.models import Scenario
from portal.core.db import set_reading
from portal.core.errors import NotFound

BATCH = 500


def known(session: Session, challenge_id: int, *, with_taken: bool = True) -> Known:
    """What the rows of a file are held against. The questions stay readable after the transaction."""
    codes = session.execute(sa.select(Scenario.code, Scenario.id).where(Scenario.challenge_id == challenge_id))
    asked = questions(session, challenge_id)
    scenarios, taken = dict(codes.all()), taken_mailboxes(session, challenge_id) if with_taken else set[str]()
    for question in asked:
        session.expunge(question)
    return Known(scenarios, asked, taken)


def taken_mailboxes(session: Session, challenge_id: int, among: Sequence[str] | None = None) -> set[str]:
    """The mailboxes that have an application, in whatever state, or whose account has; `among` asks for these only."""
    rows = sa.select(Application.canonical_email, Account.canonical_email).join(
        Account, Account.id == Application.account_id
    )
    rows = rows.where(Application.challenge_id == challenge_id, Application.state != ApplicationState.ERASED)
    if among is not None:
        either = sa.or_(Application.canonical_email.in_(among), Account.canonical_email.in_(among))
        rows = rows.where(either)
    return {email for pair in session.execute(rows) for email in pair}


def accounts_of(session: Session, emails: Sequence[str]) -> dict[str, int]:
    """The accounts that sign in with these addresses."""
    rows = session.execute(sa.select(Account.email, Account.id).where(Account.email.in_(emails)))
    return dict(rows.all())


def exported(engine: sa.Engine, challenge_id: int) -> Iterator[dict[str, object]]:
    """Every submitted application of a challenge, whole, in batches of two statements.

    It is written out while it is read, after the request that asked for it has ended: it has a session of its own, and
    no transaction is open while a reader takes their time.
    """
    last = 0
    while True:
        set_reading(True)
        with Session(engine) as session:
            told = _batch(session, challenge_id, last)
        set_reading(False)
        yield from told
        if len(told) < BATCH:
            return
        last = told[-1]["id"]


def _batch(session: Session, challenge_id: int, last: int) -> list[dict[str, Any]]:
    rows = session.execute(
        sa.select(Application, Account.email)
        .join(Account, Account.id == Application.account_id)
        .options(undefer_group("text"), undefer(Application.no_kit_because), selectinload(Application.scenarios))
        .where(Application.challenge_id == challenge_id, Application.state.in_(VISIBLE), Application.id > last)
        .order_by(Application.id)
        .limit(BATCH)
    ).all()
    return [as_object(application, email) for application, email in rows]


def imports(session: Session, challenge_id: int) -> Sequence[Import]:
    """The files that were brought in, the last one first."""
    return session.scalars(
        sa.select(Import).where(Import.challenge_id == challenge_id).order_by(Import.id.desc()).limit(50)
    ).all()


def import_of(session: Session, challenge_id: int, import_id: int) -> Import:
    """One file with what is wrong with it. Raises NotFound."""
    found = session.scalars(
        sa.select(Import)
        .options(undefer(Import.faults))
        .where(Import.id == import_id, Import.challenge_id == challenge_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound("import")
    return found


def running_imports(session: Session) -> Sequence[int]:
    """The files that are being taken over."""
    return session.scalars(sa.select(Import.id).where(Import.state == ImportState.RUNNING).order_by(Import.id)).all()


def unconfirmed(session: Session, before: datetime) -> Sequence[Import]:
    """The files that wait for a confirmation since before an instant."""
    return session.scalars(
        sa.select(Import).where(Import.state == ImportState.CHECKED, Import.state_since < before).order_by(Import.id)
    ).all()
