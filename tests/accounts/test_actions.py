"""What is done to accounts."""

from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import actions, personal, queries
from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.core import outbox
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import OutgoingMail
from tests.cast import NOON, SLUG, Cast


def tags(session: Session) -> list[str]:
    session.commit()
    return [entry.tag for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))]


def test_an_address_has_one_account_in_whatever_case(session: Session) -> None:
    made = actions.create_account(session, "Ann@Example.org", password_hash=None, at=NOON, name="Ann")
    assert (made.email, made.confirmed_at) == ("ann@example.org", None)

    with pytest.raises(Conflict):
        actions.create_account(session, "ANN@example.org", password_hash=None, at=NOON)


def test_a_role_is_granted_once_with_its_reason(session: Session, cast: Cast) -> None:
    before = cast.stranger.fs_uniquifier
    for _ in range(2):
        actions.grant_role(session, cast.stranger, Role.HOST, SLUG, by=cast.admin.id, at=NOON, reason="Joins the team")

    assert queries.roles_of(session, cast.stranger.id) == {SLUG: {Role.HOST}}
    assert cast.stranger.fs_uniquifier != before
    assert tags(session) == ["accounts:grant-role"]
    (entry,) = session.scalars(sa.select(AuditEntry))
    assert (entry.actor_id, entry.scope, entry.detail["reason"]) == (cast.admin.id, SLUG, "Joins the team")


def test_no_role_for_an_address_that_is_not_confirmed(session: Session, cast: Cast) -> None:
    cast.stranger.confirmed_at = None

    with pytest.raises(Refused, match="not been confirmed"):
        actions.grant_role(session, cast.stranger, Role.HOST, SLUG, by=cast.admin.id, at=NOON)


def test_a_withdrawn_role_ends_the_sessions(session: Session, cast: Cast) -> None:
    before = cast.host.fs_uniquifier
    for _ in range(2):
        actions.withdraw_role(session, cast.host, Role.HOST, SLUG, by=cast.admin.id, at=NOON, reason="Left")

    assert queries.roles_of(session, cast.host.id) == {}
    assert cast.host.fs_uniquifier != before
    assert tags(session) == ["accounts:withdraw-role"]


def test_nobody_withdraws_their_own_admin_role(session: Session, cast: Cast) -> None:
    with pytest.raises(Refused):
        actions.withdraw_role(session, cast.admin, Role.ADMIN, SLUG, by=cast.admin.id, at=NOON)

    assert queries.roles_of(session, cast.admin.id) == {SLUG: {Role.ADMIN}}


def test_erasing_leaves_a_row_that_tells_nothing(session: Session, cast: Cast) -> None:
    account = cast.stranger
    email, number = account.email, account.id
    account.password, account.tf_primary_method, account.mf_recovery_codes = "hash", "authenticator", ["one"]
    account.tf_last_counter = 53_000_000
    outbox.post(session, "accounts/welcome", to=email, key="x", at=NOON)

    actions.erase_account(session, account, typed=email, at=NOON)
    session.commit()

    assert queries.by_email(session, email) is None
    left = session.get_one(Account, number)
    values = {column.key: getattr(left, column.key) for column in Account.__table__.columns}
    del values["fs_uniquifier"], values["created_at"], values["confirmed_at"]
    assert values == {
        "id": number, "email": f"erased-{number}@invalid", "canonical_email": f"erased-{number}@invalid", "name": "",
        "zone": "UTC", "erased_at": NOON, "password": None, "active": False, "fs_webauthn_user_handle": None,
        "mf_recovery_codes": [], "tf_primary_method": None, "tf_totp_secret": None,
        "tf_last_counter": None,
    }  # fmt: skip
    assert session.scalars(sa.select(OutgoingMail)).all() == []
    assert tags(session) == ["accounts:erase"]


def test_erasing_needs_the_address_typed(session: Session, cast: Cast) -> None:
    with pytest.raises(Invalid):
        actions.erase_account(session, cast.stranger, typed="x@example.org", at=NOON)


def test_who_holds_a_role_is_not_erased(session: Session, cast: Cast) -> None:
    with pytest.raises(Refused, match="role"):
        actions.erase_account(session, cast.host, typed=cast.host.email, at=NOON)


def test_a_room_may_object(session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def object_(_session: Session, _account: int, _at: datetime) -> str:
        return "There is a parcel on its way to you."

    monkeypatch.setattr(personal, "objections", [object_])
    with pytest.raises(Refused, match="a parcel"):
        actions.erase_account(session, cast.stranger, typed=cast.stranger.email, at=NOON)


def test_the_database_refuses_an_erased_account_that_could_sign_in(session: Session, cast: Cast) -> None:
    cast.stranger.erased_at = NOON
    with pytest.raises(sa.exc.IntegrityError, match="erased_is_inactive"):
        session.flush()
    session.rollback()


def test_grants_of_a_challenge_are_listed_with_those_that_hold_everywhere(session: Session, cast: Cast) -> None:
    session.add(RoleGrant(account_id=cast.stranger.id, role=Role.ADMIN, scope="*", granted_at=NOON))
    session.add(RoleGrant(account_id=cast.applicant.id, role=Role.HOST, scope="another", granted_at=NOON))
    session.flush()

    found = [(grant.account.email, grant.scope) for grant in queries.staff(session, SLUG)]

    assert ("sam-stranger@example.org", "*") in found
    assert "ada-applicant@example.org" not in [email for email, _ in found]
