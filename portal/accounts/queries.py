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
    for scope, role in session.execute(
        sa.select(RoleGrant.scope, RoleGrant.role).where(RoleGrant.account_id == account_id)
    ).tuples():
        held[scope].add(role)
    return {scope: frozenset(roles) for scope, roles in held.items()}


def by_email(session: Session, email: str) -> Account | None:
    """The account that signs in with this address."""
    return session.scalars(
        sa.select(Account).where(sa.func.lower(Account.email) == email.strip().lower())
    ).one_or_none()


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
