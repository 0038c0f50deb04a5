"""Finding accounts and their roles."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import EVERYWHERE, Role
from portal.core.errors import NotFound


def roles_of(session: Session, account_id: int) -> dict[str, frozenset[Role]]:
    """The roles of an account by scope."""
    held: dict[str, set[Role]] = defaultdict(set)
    granted = sa.select(RoleGrant.scope, RoleGrant.role).where(RoleGrant.account_id == account_id)
    for scope, role in session.execute(granted):
        held[scope].add(role)
    return {scope: frozenset(roles) for scope, roles in held.items()}


def by_email(session: Session, email: str) -> Account | None:
    """The account that signs in with this address."""
    return session.scalars(sa.select(Account).where(Account.email == email.strip().lower())).one_or_none()


def account(session: Session, account_id: int) -> Account:
    """One account. Raises NotFound."""
    found = session.get(Account, account_id)
    if found is None:
        raise NotFound("account")
    return found


def holders(session: Session, role: Role, scope: str) -> Sequence[Account]:
    """The active accounts that hold a role in a challenge, by address."""
    return session.scalars(
        sa.select(Account)
        .where(
            Account.active,
            Account.id.in_(
                sa.select(RoleGrant.account_id).where(RoleGrant.role == role, RoleGrant.scope.in_([scope, EVERYWHERE]))
            ),
        )
        .order_by(Account.email)
    ).all()


def staff(session: Session, scope: str) -> Sequence[RoleGrant]:
    """Every grant that holds in a challenge, with its account, by address and role."""
    return session.scalars(
        sa.select(RoleGrant)
        .join(RoleGrant.account)
        .options(sa.orm.contains_eager(RoleGrant.account))
        .where(RoleGrant.scope.in_([scope, EVERYWHERE]))
        .order_by(Account.email, RoleGrant.role)
    ).all()


def exported(session: Session, account_id: int) -> dict[str, object]:
    """What this room keeps of a person; secrets stay where they are."""
    found = account(session, account_id)
    return {
        "email": found.email,
        "name": found.name,
        "time_zone": found.zone,
        "created_at": found.created_at,
        "confirmed_at": found.confirmed_at,
        "password_set": found.password is not None,
        "codes_from_an_app": found.tf_primary_method is not None,
        "passkeys": [
            {"name": key.name, "added_at": key.create_datetime, "last_used_at": key.lastuse_datetime}
            for key in found.webauthn
        ],
        "roles": {scope: sorted(roles) for scope, roles in roles_of(session, account_id).items()},
    }
