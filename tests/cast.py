"""The people of the tests, and the challenge in which they meet."""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.challenges.models import Agreement, Challenge, Member, Participant, Scenario, Signature
from portal.challenges.states import MemberRole, ParticipantKind, ScenarioKind

NOON = datetime(2020, 6, 15, 12, tzinfo=UTC)
SLUG = "test-challenge"
TEXT = "You keep what you find to yourself until it is fixed."


def make_account(session: Session, name: str, *roles: Role, zone: str = "UTC", scope: str = SLUG) -> Account:
    """A confirmed account NAME@example.org with roles in the test challenge."""
    email = f"{name.lower().replace(' ', '-')}@example.org"
    account = Account(
        email=email,
        canonical_email=email,
        name=name,
        zone=zone,
        created_at=NOON - timedelta(days=60),
        confirmed_at=NOON - timedelta(days=60),
        active=True,
        fs_uniquifier=hashlib.sha256(email.encode()).hexdigest(),
    )
    session.add(account)
    session.flush()
    for role in roles:
        session.add(RoleGrant(account_id=account.id, role=role, scope=scope, granted_at=NOON))
    session.flush()
    return account


def make_challenge(session: Session, slug: str = SLUG, title: str = "Test Challenge") -> Challenge:
    """A challenge that accepts applications until a week from NOON and runs since a fortnight."""
    challenge = Challenge(
        slug=slug,
        title=title,
        summary="A challenge for tests.",
        rules="## In scope\n\nThe operating system.",
        zone="America/Los_Angeles",
        places=50,
        currency="USD",
        announced_on=date(2020, 5, 5),
        apply_from=NOON - timedelta(days=41),
        apply_until=NOON + timedelta(days=7),
        starts_on=date(2020, 6, 1),
        ends_on=date(2020, 8, 31),
    )
    session.add(challenge)
    session.flush()
    for position, (code, title_, kind) in enumerate(
        [
            ("H1", "Execute code on the root of trust", ScenarioKind.HIGH_PRIORITY),
            ("G1", "Execute code in the network daemon", ScenarioKind.GENERAL),
            ("G2", "Execute unsigned code", ScenarioKind.GENERAL),
        ]
    ):
        session.add(
            Scenario(
                challenge_id=challenge.id, code=code, title=title_, kind=kind, reward="up to $40,000", position=position
            )
        )
    session.add(
        Agreement(
            challenge_id=challenge.id,
            version=1,
            title="Participation agreement",
            body=TEXT,
            sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
            published_at=NOON - timedelta(days=30),
        )
    )
    session.flush()
    return challenge


def make_participant(
    session: Session, challenge: Challenge, *accounts: Account, name: str = "", country: str = "DE", signed: bool = True
) -> Participant:
    """An active participant; the first account leads it. Everybody has signed, unless `signed` is false."""
    kind = ParticipantKind.TEAM if len(accounts) > 1 else ParticipantKind.RESEARCHER
    participant = Participant(
        challenge_id=challenge.id,
        name=name or accounts[0].name,
        kind=kind,
        accepted_at=NOON - timedelta(days=20),
    )
    session.add(participant)
    session.flush()
    agreement = session.query(Agreement).filter_by(challenge_id=challenge.id).one()
    for account in accounts:
        role = MemberRole.LEAD if account is accounts[0] else MemberRole.MEMBER
        session.add(
            Member(
                challenge_id=challenge.id,
                participant_id=participant.id,
                account_id=account.id,
                role=role,
                country=country,
                joined_at=NOON - timedelta(days=20),
            )
        )
        if signed:
            session.add(
                Signature(
                    agreement_id=agreement.id,
                    account_id=account.id,
                    typed_name=account.name,
                    signed_at=NOON - timedelta(days=20),
                )
            )
    session.flush()
    return participant


@dataclass
class Cast:
    """Everybody. `researcher` takes part alone, `team_lead` and `colleague` as a team."""

    challenge: Challenge
    applicant: Account
    stranger: Account
    reviewer: Account
    second_reviewer: Account
    lead: Account
    logistics: Account
    host: Account
    second_host: Account
    triager: Account
    second_triager: Account
    finance: Account
    admin: Account
    researcher: Account
    team_lead: Account
    colleague: Account
    participant: Participant
    team: Participant

    @property
    def member(self) -> Member:
        """The place of `researcher`."""
        return self.participant.members[0]

    @property
    def slug(self) -> str:
        """The challenge's name in addresses."""
        return self.challenge.slug


def make_cast(session: Session, *, running: bool = False) -> Cast:
    """Everybody in the test challenge, committed; it takes reports by the real clock too where it is `running`."""
    challenge = make_challenge(session)
    if running:
        challenge.ends_on = datetime.now(UTC).date() + timedelta(days=90)
    researcher = make_account(session, "Rosa Researcher", zone="Europe/Berlin")
    team_lead = make_account(session, "Tamar Teamlead", zone="Asia/Tokyo")
    colleague = make_account(session, "Cem Colleague", zone="Asia/Tokyo")
    cast = Cast(
        challenge=challenge,
        applicant=make_account(session, "Ada Applicant", zone="Europe/Paris"),
        stranger=make_account(session, "Sam Stranger"),
        reviewer=make_account(session, "Rita Reviewer", Role.REVIEWER),
        second_reviewer=make_account(session, "Ren Reviewer", Role.REVIEWER),
        lead=make_account(session, "Lena Lead", Role.LEAD),
        logistics=make_account(session, "Pat Logistics", Role.LOGISTICS),
        host=make_account(session, "Hugo Host", Role.HOST, zone="America/Los_Angeles"),
        second_host=make_account(session, "Hana Host", Role.HOST, zone="Asia/Tokyo"),
        triager=make_account(session, "Tom Triager", Role.TRIAGER),
        second_triager=make_account(session, "Tia Triager", Role.TRIAGER),
        finance=make_account(session, "Fred Finance", Role.FINANCE),
        admin=make_account(session, "Alice Admin", Role.ADMIN),
        researcher=researcher,
        team_lead=team_lead,
        colleague=colleague,
        participant=make_participant(session, challenge, researcher),
        team=make_participant(session, challenge, team_lead, colleague, name="Team Kestrel", country="JP"),
    )
    session.commit()
    return cast


def sign_in(client: FlaskClient, account: Account | None) -> None:
    """Make the client's session that of an account, freshly signed in; None signs it out."""
    with client.session_transaction() as cookie:
        cookie.clear()
        if account is not None:
            cookie["_user_id"] = account.fs_uniquifier
            cookie["_fresh"] = True
            cookie["fs_cc"] = "set"
            cookie["fs_paa"] = time.time()  # Flask-Security asks the real clock, and refuses a sign-in of the future
