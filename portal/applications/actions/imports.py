"""Taking over applications from a file: kept first, confirmed by a person, then made in chunks."""

import secrets
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.rules import canonical_email
from portal.applications.models import Application, Import, Revision, Step, application_scenario
from portal.applications.queries.exchange import accounts_of, taken_mailboxes
from portal.applications.rules.exchange import Checked, Entry
from portal.applications.states import ApplicationState, ImportState
from portal.challenges.models import Challenge
from portal.challenges.queries import current_agreement
from portal.core import audit, outbox
from portal.core.errors import Conflict, Refused
from portal.core.tables import Fault, Sheet

# So many rows become applications in one transaction; meanwhile nobody else can write on SQLite, for a third of a
# second or so.
CHUNK = 250
FAULTS_KEPT = 500


def keep_import(
    session: Session, challenge: Challenge, filename: str, data: bytes, sheet: Sheet, checked: Checked, *,
    by: int, at: datetime,
) -> Import:  # fmt: skip
    """Keep a file that was read and checked until somebody says what shall become of it. Nothing else happens."""
    made = Import(
        challenge_id=challenge.id, by_id=by, created_at=at, state=ImportState.CHECKED, state_since=at,
        filename=filename[-120:] or "applications", content=zlib.compress(data, 6), rows=len(sheet.rows),
        good=len(checked.good), faults=[list(fault) for fault in checked.faults[:FAULTS_KEPT]],
        fault_count=len(checked.faults),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def confirm_import(session: Session, kept: Import, *, skip_faulty: bool, by: int, at: datetime) -> None:
    """Have the good rows become applications; the worker makes them. Raises Refused, Conflict."""
    if not kept.good:
        raise Refused("There is no row that could become an application.")
    if kept.fault_count and not skip_faulty:
        raise Refused("Some rows are faulty. Correct the file, or say that they shall be left out.")
    _pass(session, kept, ImportState.CHECKED, ImportState.RUNNING, at)
    _note(session, kept, "applications:import", by, at, {"rows": kept.rows, "good": kept.good})


def discard_import(session: Session, kept: Import, *, by: int | None, at: datetime) -> None:
    """Put a file away unused, and forget what it holds. Raises Conflict."""
    _pass(session, kept, ImportState.CHECKED, ImportState.DISCARDED, at, content=None, faults=[])
    _note(session, kept, "applications:discard-import", by, at, {"rows": kept.rows})


def finish_import(session: Session, kept: Import, *, at: datetime) -> None:
    """Say that all rows have been dealt with, and forget the file. Raises Conflict."""
    _pass(session, kept, ImportState.RUNNING, ImportState.DONE, at, content=None)
    _note(session, kept, "applications:imported", kept.by_id, at, {"made": kept.made})


def _pass(
    session: Session, kept: Import, source: ImportState, target: ImportState, at: datetime, **values: object
) -> None:
    changed = session.execute(
        sa.update(Import)
        .where(Import.id == kept.id, Import.state == source)
        .values(state=target, state_since=at, **values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Somebody has just dealt with this file. Look at it again.")
    session.refresh(kept)


def _note(session: Session, kept: Import, tag: str, by: int | None, at: datetime, told: dict[str, Any]) -> None:
    after = {"file": kept.filename, **told}
    audit.record(session, tag, f"import:{kept.id}", by=by, at=at, scope=kept.challenge.slug, after=after)


def take_over(
    session: Session, kept: Import, entries: Sequence[Entry], *, begin: int, end: int, at: datetime
) -> list[Fault]:
    """Make the good rows among those from `begin` to `end` of the file applications; what came in between is told.

    The rows are those that submitting by hand would have left, but for who did it. Raises Conflict where another
    worker has dealt with them.
    """
    made = _not_taken(session, kept, entries)
    changed = session.execute(
        sa.update(Import)
        .where(Import.id == kept.id, Import.state == ImportState.RUNNING, Import.done == begin)
        .values(done=end, made=Import.made + len(made))
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Another worker takes these rows over.")
    if made:
        _make(session, kept, made, at)
    late = {entry.line for entry in entries} - {entry.line for entry in made}
    return [Fault(line, "email", "This mailbox has applied in the meantime.") for line in sorted(late)]


def _not_taken(session: Session, kept: Import, entries: Sequence[Entry]) -> list[Entry]:
    taken = taken_mailboxes(session, kept.challenge_id, [entry.mailbox for entry in entries])
    fresh: dict[str, Entry] = {}
    for entry in entries:
        if entry.mailbox not in taken:
            fresh.setdefault(entry.mailbox, entry)
    return list(fresh.values())


def _make(session: Session, kept: Import, entries: Sequence[Entry], at: datetime) -> None:
    emails = [entry.email for entry in entries]
    before = accounts_of(session, emails)
    accounts = before | _make_accounts(session, [entry for entry in entries if entry.email not in before], at)
    agreement = current_agreement(session, kept.challenge_id)
    rows = [
        _application(kept, accounts[entry.email], entry, agreement.id if agreement else None, at) for entry in entries
    ]
    made = sa.insert(Application).returning(Application.id, sort_by_parameter_order=True)
    pairs = list(zip(session.scalars(made, rows), entries, strict=True))
    session.execute(
        sa.insert(application_scenario),
        [
            {"application_id": number, "scenario_id": scenario}
            for number, entry in pairs
            for scenario in sorted(entry.content.scenario_ids)
        ],
    )
    session.execute(sa.insert(Revision), [_revision(number, entry, at) for number, entry in pairs])
    session.execute(sa.insert(Step), [_step(kept, number, at) for number, _ in pairs])
    mails = [_mail(kept, number, entry, entry.email not in before, at) for number, entry in pairs]
    outbox.post_all(session, mails)
    for number, entry in pairs:
        audit.record(
            session, "applications:submit", f"application:{number}", by=kept.by_id, at=at, scope=kept.challenge.slug,
            after={"state": ApplicationState.SUBMITTED, "import": kept.id, "line": entry.line},
        )  # fmt: skip


def _make_accounts(session: Session, entries: Sequence[Entry], at: datetime) -> dict[str, int]:
    """Accounts without a password, whose addresses nobody has confirmed."""
    if not entries:
        return {}
    rows = [
        {"email": entry.email, "canonical_email": canonical_email(entry.email), "name": entry.content.name,
         "zone": "UTC", "created_at": at, "active": True, "fs_uniquifier": secrets.token_hex(32)}
        for entry in entries
    ]  # fmt: skip
    made = sa.insert(Account).returning(Account.id, sort_by_parameter_order=True)
    found = dict(zip([entry.email for entry in entries], session.scalars(made, rows), strict=True))
    for number in found.values():
        audit.record(session, "accounts:create", f"account:{number}", by=None, at=at)
    return found


def _application(kept: Import, account_id: int, entry: Entry, agreement_id: int | None, at: datetime) -> dict[str, Any]:
    return entry.content.columns() | {
        "challenge_id": kept.challenge_id, "account_id": account_id, "canonical_email": entry.mailbox,
        "state": ApplicationState.SUBMITTED, "state_since": at, "created_at": at, "saved_at": at,
        "submitted_at": entry.submitted_at, "version": 1, "agreement_id": agreement_id, "flags": [], "screening": {},
        "needs_kit": entry.no_kit_because is None, "no_kit_because": entry.no_kit_because,
        "rnd": secrets.randbelow(2**31),
    }  # fmt: skip


def _revision(number: int, entry: Entry, at: datetime) -> dict[str, Any]:
    return {"application_id": number, "number": 1, "at": at, "content": entry.content.snapshot()}


def _step(kept: Import, number: int, at: datetime) -> dict[str, Any]:
    return {
        "application_id": number, "at": at, "state": ApplicationState.SUBMITTED, "by_id": kept.by_id,
        "reason": f"Imported from {kept.filename}",
    }  # fmt: skip


def _mail(kept: Import, number: int, entry: Entry, new: bool, at: datetime) -> dict[str, Any]:
    challenge = kept.challenge
    told = {"challenge": challenge.title, "slug": challenge.slug, "name": entry.content.name, "email": entry.email}
    return outbox.row(
        "applications/imported", to=entry.email, at=at, context={**told, "new": new}, scope=challenge.slug,
        key=f"application:{number}:imported", subject=f"application:{number}",
    )  # fmt: skip
