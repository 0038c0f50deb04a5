"""Everybody who tries every door."""

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.states import Role
from tests.cast import Cast, make_account, make_challenge

ELSEWHERE = "elsewhere"
NOBODY = "nobody"
MEMBERS = frozenset({"researcher", "team_lead", "colleague"})
TEAM = frozenset({"team_lead", "colleague"})
# Whoever holds a role in the test challenge; the operator is an admin of every challenge.
STAFF: dict[Role, frozenset[str]] = {
    Role.REVIEWER: frozenset({"reviewer"}),
    Role.LEAD: frozenset({"lead"}),
    Role.LOGISTICS: frozenset({"logistics"}),
    Role.HOST: frozenset({"host"}),
    Role.TRIAGER: frozenset({"triager"}),
    Role.FINANCE: frozenset({"finance"}),
    Role.ADMIN: frozenset({"admin", "operator"}),
}
# Has every role, but in another challenge.
ROVER = "rover"
SIGNED_IN = frozenset({"stranger", "applicant", ROVER}) | MEMBERS | frozenset[str]().union(*STAFF.values())
PEOPLE = (NOBODY, *sorted(SIGNED_IN))


def gather(session: Session, cast: Cast) -> dict[str, Account | None]:
    """Their accounts by name; nobody has none."""
    make_challenge(session, ELSEWHERE, "Another Challenge")
    extra = {
        "operator": make_account(session, "Olga Operator", Role.ADMIN, scope="*"),
        ROVER: make_account(session, "Rex Rover", *Role, scope=ELSEWHERE),
    }
    return {name: None if name == NOBODY else extra.get(name) or getattr(cast, name) for name in PEOPLE}
