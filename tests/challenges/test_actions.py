"""What is done to challenges: course, agreement, participants, teams."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges import actions, queries
from portal.challenges.models import Member, MemberInvitation, Scenario, Signature
from portal.challenges.rules import Outline
from portal.challenges.states import MemberRole, ParticipantKind, ParticipantState, ScenarioKind
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.mail import render
from portal.core.outbox import OutgoingMail
from tests.cast import NOON, SLUG, TEXT, Cast

Mails = Callable[[], list[OutgoingMail]]
OUTLINE = Outline(
    title="Another", summary="Short.", rules="Be kind.", zone="Europe/Berlin", places=10, currency="EUR",
    announced_on=date(2020, 6, 1), apply_from=datetime(2020, 6, 2, tzinfo=UTC),
    apply_until=datetime(2020, 6, 30, tzinfo=UTC), starts_on=date(2020, 7, 1), ends_on=date(2020, 9, 30),
)  # fmt: skip


def tags(session: Session) -> list[str]:
    session.commit()
    return [entry.tag for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))]


# Challenges and scenarios


def test_a_challenge_is_created(session: Session, cast: Cast) -> None:
    made = actions.create_challenge(session, "another", OUTLINE, by=cast.admin.id, at=NOON)

    assert queries.challenge_by_slug(session, "another") is made
    assert (made.title, made.zone, made.apply_from) == ("Another", "Europe/Berlin", datetime(2020, 6, 2, tzinfo=UTC))
    assert tags(session) == ["challenges:create"]


@pytest.mark.parametrize("slug", ["", "a", "Upper", "with space", "-x-", "jobs", "mail", "audit", "keys", "x" * 65])
def test_no_challenge_with_such_a_slug(session: Session, cast: Cast, slug: str) -> None:
    with pytest.raises(Invalid) as caught:
        actions.create_challenge(session, slug, OUTLINE, by=None, at=NOON)
    assert set(caught.value.messages) == {"slug"}


def test_a_slug_is_taken_once(session: Session, cast: Cast) -> None:
    with pytest.raises(Conflict, match="of this name"):
        actions.create_challenge(session, SLUG, OUTLINE, by=None, at=NOON)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("zone", "Mars/Olympus"),
        ("places", 0),
        ("currency", "usd"),
        ("apply_until", datetime(2020, 6, 1, tzinfo=UTC)),
        ("ends_on", date(2020, 6, 30)),
    ],
)
def test_every_fault_of_an_outline_is_told_by_field(session: Session, cast: Cast, field: str, value: object) -> None:
    with pytest.raises(Invalid) as caught:
        actions.change_challenge(session, cast.challenge, replace(OUTLINE, **{field: value}), by=1, at=NOON)  # type: ignore[arg-type]
    assert set(caught.value.messages) == {field}


def test_a_change_is_noted_with_what_changed(session: Session, cast: Cast) -> None:
    actions.change_challenge(session, cast.challenge, OUTLINE, by=cast.lead.id, at=NOON)
    actions.change_challenge(session, cast.challenge, OUTLINE, by=cast.lead.id, at=NOON)

    assert tags(session) == ["challenges:change"]
    (entry,) = session.scalars(sa.select(AuditEntry))
    assert entry.detail["before"]["places"] == "50"
    assert entry.detail["after"]["places"] == "10"
    assert entry.detail["after"]["rules"] == "changed"


def test_scenarios_are_added_at_the_end_and_said_better(session: Session, cast: Cast) -> None:
    kind = ScenarioKind.GENERAL
    made = actions.add_scenario(
        session, cast.challenge, code="G3", title="Alter the firewall", kind=kind, reward="$500", by=1, at=NOON
    )
    assert [scenario.code for scenario in cast.challenge.scenarios] == ["H1", "G1", "G2", "G3"]

    for _ in range(2):
        actions.change_scenario(session, made, title="Alter it", kind=kind, reward="$600", by=1, at=NOON)

    assert (made.title, made.reward) == ("Alter it", "$600")
    assert tags(session) == ["challenges:add-scenario", "challenges:change-scenario"]


def test_a_code_is_taken_once(session: Session, cast: Cast) -> None:
    with pytest.raises(Conflict, match="this code"):
        actions.add_scenario(
            session, cast.challenge, code="G1", title="x", kind=ScenarioKind.GENERAL, reward="x", by=1, at=NOON
        )


def test_a_scenario_of_another_challenge_is_not_found(session: Session, cast: Cast) -> None:
    other = actions.create_challenge(session, "another", OUTLINE, by=None, at=NOON)
    scenario = session.scalars(sa.select(Scenario).limit(1)).one()

    with pytest.raises(NotFound):
        queries.scenario_of(session, other, scenario.id)


# The agreement


def test_a_new_version_is_told_to_everybody_who_takes_part(session: Session, cast: Cast, mails: Mails) -> None:
    made = actions.publish_agreement(
        session, cast.challenge, title="Agreement", body="New text.\r\nTwo lines.", by=cast.lead.id, at=NOON
    )

    assert (made.version, made.body) == (2, "New text.\nTwo lines.\n")
    assert made.sha256 == hashlib.sha256(b"New text.\nTwo lines.\n").hexdigest()
    assert tags(session) == ["challenges:publish-agreement"]
    assert sorted(mail.to for mail in mails()) == sorted(
        account.email for account in (cast.researcher, cast.team_lead, cast.colleague)
    )


def test_the_same_text_is_no_new_version(session: Session, cast: Cast) -> None:
    actions.publish_agreement(session, cast.challenge, title="A", body="Text", by=1, at=NOON)

    with pytest.raises(Refused, match="letter for letter"):
        actions.publish_agreement(session, cast.challenge, title="B", body=" Text\n", by=1, at=NOON)


@pytest.mark.parametrize(("title", "body"), [("", "x"), ("x", " \n")])
def test_an_agreement_has_title_and_text(session: Session, cast: Cast, title: str, body: str) -> None:
    with pytest.raises(Invalid):
        actions.publish_agreement(session, cast.challenge, title=title, body=body, by=1, at=NOON)


def test_signing_keeps_name_time_and_a_hash(session: Session, cast: Cast) -> None:
    agreement = queries.current_agreement(session, cast.challenge.id)
    assert agreement

    made = actions.sign_agreement(
        session, agreement, cast.stranger, typed_name="  Sam\t Stranger ", at=NOON, address_hash="f" * 64
    )

    assert (made.typed_name, made.signed_at, made.address_hash) == ("Sam Stranger", NOON, "f" * 64)
    assert tags(session) == ["challenges:sign"]
    with pytest.raises(Conflict, match="already"):
        actions.sign_agreement(session, agreement, cast.stranger, typed_name="Sam", at=NOON)


def test_nobody_signs_without_a_name_or_another_text_than_they_read(session: Session, cast: Cast) -> None:
    agreement = queries.current_agreement(session, cast.challenge.id)
    assert agreement

    with pytest.raises(Invalid):
        actions.sign_agreement(session, agreement, cast.stranger, typed_name=" \n", at=NOON)
    with pytest.raises(Conflict, match="while you were reading"):
        actions.sign_agreement(session, agreement, cast.stranger, typed_name="Sam", at=NOON, seen="0" * 64)
    assert session.scalars(sa.select(Signature).where(Signature.account_id == cast.stranger.id)).all() == []


def test_the_last_signature_is_that_of_the_newest_version_signed(session: Session, cast: Cast) -> None:
    new = actions.publish_agreement(session, cast.challenge, title="A", body="Other", by=1, at=NOON)

    before = queries.last_signed(session, cast.challenge.id, cast.researcher.id)
    assert before
    assert (before.agreement.version, before.agreement.body) == (1, TEXT)
    actions.sign_agreement(session, new, cast.researcher, typed_name="Rosa", at=NOON)
    after = queries.last_signed(session, cast.challenge.id, cast.researcher.id)
    assert after
    assert after.agreement.version == 2
    assert queries.signers(session, new) == {cast.researcher.id}


# Participants


def test_a_participant_comes_with_its_lead(session: Session, cast: Cast) -> None:
    made = actions.add_participant(
        session, cast.challenge, cast.applicant, name="Ada", kind=ParticipantKind.RESEARCHER, country="FR",
        by=cast.lead.id, at=NOON,
    )  # fmt: skip

    (member,) = made.members
    assert (member.account_id, member.role, member.country) == (cast.applicant.id, MemberRole.LEAD, "FR")
    assert made.state is ParticipantState.ACTIVE
    assert tags(session) == ["challenges:add-participant"]


def test_a_person_takes_part_once(session: Session, cast: Cast) -> None:
    with pytest.raises(Conflict, match="takes part"):
        actions.add_participant(
            session, cast.challenge, cast.researcher, name="Rosa", kind=ParticipantKind.RESEARCHER, country="FR",
            by=None, at=NOON,
        )  # fmt: skip


def test_a_participation_ends_once_and_with_a_reason(session: Session, cast: Cast) -> None:
    with pytest.raises(Refused):
        actions.remove_participant(session, cast.challenge, cast.participant, reason=" ", by=1, at=NOON)

    actions.remove_participant(session, cast.challenge, cast.participant, reason="Left", by=cast.admin.id, at=NOON)

    assert (cast.participant.state, cast.participant.removed_at) == (ParticipantState.REMOVED, NOON)
    assert queries.membership(session, cast.challenge.id, cast.researcher.id) is None
    with pytest.raises(Conflict):
        actions.remove_participant(session, cast.challenge, cast.participant, reason="Left", by=1, at=NOON)
    assert tags(session) == ["challenges:remove-participant"]


# Teams


def lead_of(session: Session, cast: Cast) -> Member:
    found = queries.membership(session, cast.challenge.id, cast.team_lead.id)
    assert found
    return found


def invited(session: Session, cast: Cast, mails: Mails, email: str = "New@example.org") -> str:
    """Invite an address; the token of the link."""
    actions.invite_member(session, lead_of(session, cast), email, at=NOON)
    token: str = mails()[-1].context["token"]
    return token


def test_a_colleague_is_invited_and_joins_once(app: Flask, session: Session, cast: Cast, mails: Mails) -> None:
    token = invited(session, cast, mails)
    mail = mails()[0]
    assert (mail.to, mail.secret) == ("new@example.org", True)
    assert f"http://localhost/join/{token}" in render(mail)[1]
    assert token not in str(session.execute(sa.select(MemberInvitation.token_hash)).all())

    invitation = queries.invitation_by_token(session, token)
    made = actions.join(session, invitation, cast.stranger, country="NL", at=NOON)

    assert (made.participant_id, made.role) == (cast.team.id, MemberRole.MEMBER)
    assert [mail.to for mail in mails()] == ["new@example.org", cast.team_lead.email]
    assert tags(session) == ["challenges:invite-member", "challenges:join"]
    with pytest.raises(Conflict, match="used already"):
        actions.join(session, invitation, cast.applicant, country="NL", at=NOON)


def test_an_invitation_expires(session: Session, cast: Cast, mails: Mails) -> None:
    invitation = queries.invitation_by_token(session, invited(session, cast, mails))

    with pytest.raises(Refused, match="expired"):
        actions.join(session, invitation, cast.stranger, country="NL", at=NOON + timedelta(days=14))
    assert actions.join(session, invitation, cast.stranger, country="NL", at=NOON + timedelta(days=13, hours=23))


def test_a_second_invitation_makes_the_first_link_worthless(session: Session, cast: Cast, mails: Mails) -> None:
    first = invited(session, cast, mails)
    second = invited(session, cast, mails)

    with pytest.raises(NotFound):
        queries.invitation_by_token(session, first)
    assert queries.invitation_by_token(session, second).email == "new@example.org"


def test_a_withdrawn_invitation_is_not_found(session: Session, cast: Cast, mails: Mails) -> None:
    token = invited(session, cast, mails)
    actions.withdraw_invitation(session, lead_of(session, cast), queries.invitation_by_token(session, token), at=NOON)

    with pytest.raises(NotFound):
        queries.invitation_by_token(session, token)


def test_whoever_takes_part_already_cannot_join(session: Session, cast: Cast, mails: Mails) -> None:
    invitation = queries.invitation_by_token(session, invited(session, cast, mails))

    with pytest.raises(Conflict, match="takes part"):
        actions.join(session, invitation, cast.researcher, country="NL", at=NOON)


def test_only_the_lead_of_a_team_invites(session: Session, cast: Cast) -> None:
    colleague = queries.membership(session, cast.challenge.id, cast.colleague.id)
    alone = queries.membership(session, cast.challenge.id, cast.researcher.id)
    for member in (colleague, alone):
        assert member
        with pytest.raises(Refused, match="Only the lead"):
            actions.invite_member(session, member, "new@example.org", at=NOON)


@pytest.mark.parametrize("email", ["nobody", "a b@example.org", "@example.org", "x@local"])
def test_what_is_no_address_is_not_invited(session: Session, cast: Cast, email: str) -> None:
    with pytest.raises(Invalid):
        actions.invite_member(session, lead_of(session, cast), email, at=NOON)


def test_nobody_is_invited_who_is_in_the_team(session: Session, cast: Cast) -> None:
    with pytest.raises(Refused, match="in the team"):
        actions.invite_member(session, lead_of(session, cast), cast.colleague.email.upper(), at=NOON)


def test_a_team_has_a_largest_size(session: Session, cast: Cast) -> None:
    for number in range(8):
        actions.invite_member(session, lead_of(session, cast), f"new{number}@example.org", at=NOON)

    with pytest.raises(Refused, match="at most 10"):
        actions.invite_member(session, lead_of(session, cast), "new8@example.org", at=NOON)
    actions.invite_member(session, lead_of(session, cast), "new7@example.org", at=NOON)  # again is not one more


def test_one_of_two_who_use_a_link_at_once_loses(app: Flask, session: Session, cast: Cast, mails: Mails) -> None:
    token = invited(session, cast, mails)
    seen = queries.invitation_by_token(session, token)
    stranger, applicant = cast.stranger.id, cast.applicant.id
    with Session(db.engine) as other:
        session.commit()
        theirs = queries.invitation_by_token(other, token)
        actions.join(other, theirs, other.get_one(Account, applicant), country="FR", at=NOON)
        other.commit()

    with pytest.raises(Conflict):
        actions.join(session, seen, cast.stranger, country="FR", at=NOON)
    session.rollback()
    assert queries.membership(session, cast.challenge.id, stranger) is None
