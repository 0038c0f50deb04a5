"""What is done to accounts."""

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.models import Account, RoleGrant
from portal.accounts.queries import by_email
from portal.accounts.rules import canonical_email, clean_name, is_zone
from portal.accounts.states import Role
from portal.core import audit
from portal.core.errors import Conflict, Invalid, Refused


def create_account(
    session: Session, email: str, *, password_hash: str | None, at: datetime, name: str = "", confirmed: bool = False
) -> Account:
    """A new account. Raises Conflict if the address has one."""
    if by_email(session, email):
        raise Conflict(f"There is an account for {email} already.")
    account = Account(
        email=email.strip(), canonical_email=canonical_email(email), name=clean_name(name), password=password_hash,
        created_at=at, confirmed_at=at if confirmed else None, active=True, fs_uniquifier=secrets.token_hex(32),
    )  # fmt: skip
    session.add(account)
    session.flush()
    audit.record(session, "accounts:create", f"account:{account.id}", by=None, at=at)
    return account


def grant_role(
    session: Session, account: Account, role: Role, scope: str, *, by: int | None, at: datetime, reason: str = ""
) -> None:
    """Give a role; one that is held already stays as it is."""
    if session.get(RoleGrant, (account.id, role, scope)):
        return
    session.add(RoleGrant(account_id=account.id, role=role, scope=scope, granted_at=at, granted_by_id=by))
    session.flush()
    after = {"role": role, "scope": scope}
    audit.record(
        session, "accounts:grant-role", f"account:{account.id}", by=by, at=at, scope=scope, after=after, reason=reason
    )


def withdraw_role(
    session: Session, account: Account, role: Role, scope: str, *, by: int, at: datetime, reason: str = ""
) -> None:
    """Take a role back, and with it every session of the account. Raises Refused for the last admin."""
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
    audit.record(
        session,
        "accounts:change-profile",
        f"account:{account.id}",
        by=account.id,
        at=at,
        before=before,
        after={"zone": zone},
    )
