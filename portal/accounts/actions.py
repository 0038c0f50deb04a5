"""What is done to accounts."""

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.accounts.models import Account, RoleGrant
from portal.accounts.queries import by_email
from portal.accounts.rules import canonical_email, clean_name, is_zone
from portal.accounts.states import Role
from portal.core import audit
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import OutgoingMail


def create_account(
    session: Session, email: str, *, password_hash: str | None, at: datetime, name: str = "", confirmed: bool = False
) -> Account:
    """A new account. Raises Conflict if the address has one."""
    if by_email(session, email):
        raise Conflict(f"There is an account for {email} already.")
    account = Account(
        email=email.strip().lower(), canonical_email=canonical_email(email), name=clean_name(name),
        password=password_hash, created_at=at, confirmed_at=at if confirmed else None, active=True,
        fs_uniquifier=secrets.token_hex(32),
    )  # fmt: skip
    session.add(account)
    session.flush()
    audit.record(session, "accounts:create", f"account:{account.id}", by=None, at=at)
    return account


def grant_role(
    session: Session, account: Account, role: Role, scope: str, *, by: int | None, at: datetime, reason: str = ""
) -> None:
    """Give a role; one that is held already stays as it is. Raises Refused for an account that cannot sign in.

    What a person may do changes, so their sessions end, except where they did it themselves.
    """
    if session.get(RoleGrant, (account.id, role, scope)):
        return
    if not account.active or account.confirmed_at is None:
        raise Refused("This account cannot sign in yet: its address has not been confirmed.")
    if by != account.id:
        account.fs_uniquifier = secrets.token_hex(32)
    session.add(RoleGrant(account_id=account.id, role=role, scope=scope, granted_at=at, granted_by_id=by))
    session.flush()
    after = {"role": role, "scope": scope}
    audit.record(
        session, "accounts:grant-role", f"account:{account.id}", by=by, at=at, scope=scope, after=after, reason=reason
    )


def withdraw_role(
    session: Session, account: Account, role: Role, scope: str, *, by: int, at: datetime, reason: str = ""
) -> None:
    """Take a role back, and with it every session of the account. Raises Refused for one's own admin role."""
    if role is Role.ADMIN and by == account.id:
        raise Refused("Nobody withdraws their own admin role: ask another admin.")
    gone = session.execute(
        sa.delete(RoleGrant).where(RoleGrant.account_id == account.id, RoleGrant.role == role, RoleGrant.scope == scope)
    )
    assert isinstance(gone, CursorResult)
    if gone.rowcount:
        account.fs_uniquifier = secrets.token_hex(32)
        before = {"role": role, "scope": scope}
        audit.record(
            session,
            "accounts:withdraw-role",
            f"account:{account.id}",
            by=by,
            at=at,
            scope=scope,
            before=before,
            reason=reason,
        )


def change_profile(session: Session, account: Account, *, name: str, zone: str, at: datetime) -> None:
    """What a person says of themselves. Raises Invalid."""
    if not is_zone(zone):
        raise Invalid({"zone": "Choose a time zone from the list."})
    before = {"zone": account.zone}
    account.name, account.zone = clean_name(name), zone
    _note(session, "accounts:change-profile", account, at, before=before, after={"zone": zone})


def end_sessions(session: Session, account: Account, *, at: datetime) -> None:
    """Sign a person out everywhere, here too."""
    account.fs_uniquifier = secrets.token_hex(32)
    _note(session, "accounts:end-sessions", account, at)


def erase_account(session: Session, account: Account, *, typed: str, at: datetime) -> None:
    """Forget a person. What stays is a row without name, address or means to sign in, to which other rows point.

    Raises Invalid unless `typed` is the account's address, Refused while a room objects.
    """
    if typed.strip().lower() != account.email:
        raise Invalid({"email": "This is not the address of your account."})
    objection = personal.objection_to_erasing(session, account.id, at)
    if objection:
        raise Refused(objection)
    for erase in personal.erasers:
        erase(session, account.id, at)
    session.execute(sa.delete(OutgoingMail).where(OutgoingMail.to == account.email))
    account.email = account.canonical_email = f"erased-{account.id}@invalid"
    account.name, account.zone = "", "UTC"
    account.password = account.tf_primary_method = account.tf_totp_secret = account.mf_recovery_codes = None
    account.tf_last_counter = None
    account.fs_webauthn_user_handle = None
    account.webauthn.clear()
    account.active, account.erased_at = False, at
    account.fs_uniquifier = secrets.token_hex(32)
    _note(session, "accounts:erase", account, at)


def _note(session: Session, tag: str, account: Account, at: datetime, **told: Any) -> None:
    audit.record(session, tag, f"account:{account.id}", by=account.id, at=at, **told)
