"""A challenge of the demonstration on its feet: its course, its applicants' answers, and its participants."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.challenges import actions
from portal.challenges.models import Challenge, Member, Participant
from portal.challenges.queries import current_agreement, membership
from portal.challenges.rules import Outline
from portal.demo import facts
from portal.demo.people import Person
from portal.demo.world import Stage, World
from portal.selection.actions import invitations


def set_stage(
    world: World, slug: str, title: str, *, places: int, announced: date, apply: tuple[datetime, datetime],
    course: tuple[date, date],
) -> Stage:  # fmt: skip
    """A challenge with the scenarios, rules and agreement of 2020."""
    session, lead = world.session, world.staff["lead"]
    outline = Outline(
        title=title, summary=" ".join(facts.SUMMARY.split()), rules=facts.RULES, zone=facts.ZONE, places=places,
        currency="USD",
        announced_on=announced, apply_from=apply[0], apply_until=apply[1], starts_on=course[0], ends_on=course[1],
    )  # fmt: skip
    challenge = actions.create_challenge(session, slug, outline, by=lead, at=apply[0])
    scenarios = {
        each.code: actions.add_scenario(
            session, challenge, code=each.code, title=each.title, kind=each.kind, reward=facts.REWARD[each.kind],
            by=lead, at=apply[0],
        )
        for each in facts.SCENARIOS
    }  # fmt: skip
    actions.publish_agreement(
        session, challenge, title="Participation agreement", body=facts.AGREEMENT, by=lead, at=apply[0]
    )
    return Stage(challenge, scenarios, [])


def accept(world: World, stage: Stage, application_id: int, group: Sequence[Person], at: datetime) -> None:
    """The invited accepts, and colleagues of a team join and sign."""
    session = world.session
    application = session.get_one(Application, application_id)
    signing = invitations.Signing(typed_name=group[0].name)
    participant = invitations.accept_invitation(session, application, application.account, signing, at=at)
    lead = session.scalars(
        sa.select(Member)
        .where(Member.participant_id == participant.id)
        .options(joinedload(Member.participant).joinedload(Participant.challenge), joinedload(Member.account))
    ).one()
    members = [lead]
    for colleague in group[1:]:
        at += world.minutes(60, 900)
        invited = actions.invite_member(session, lead, colleague.email, at=at)
        account = session.scalars(sa.select(Account).where(Account.email == colleague.email)).one()
        joined = at + world.minutes(30, 1500)
        members.append(actions.join(session, invited, account, country=colleague.country, at=joined))
        sign(world, stage.challenge, account, joined)
    stage.participants.append(members)


def sign(world: World, challenge: Challenge, account: Account, at: datetime) -> None:
    """Sign the newest agreement."""
    agreement = current_agreement(world.session, challenge.id)
    assert agreement is not None
    actions.sign_agreement(world.session, agreement, account, typed_name=account.name, at=at)


def whole(world: World, stage: Stage) -> None:
    """Load the members anew, with what the other rooms read of them: long inserts have let go of them."""
    world.session.expire_all()
    found = []
    for members in stage.participants:
        fresh = [membership(world.session, stage.challenge.id, member.account_id) for member in members]
        found.append([member for member in fresh if member is not None])
    stage.participants[:] = found


def raise_places(world: World, challenge: Challenge, places: int, at: datetime) -> None:
    """More were good than there were places: the lead makes room."""
    names = Outline.__dataclass_fields__
    now = {name: getattr(challenge, name) for name in names}
    outline = Outline(**{**now, "places": places})
    actions.change_challenge(world.session, challenge, outline, by=world.staff["lead"], at=at)


def turn_down(world: World, application_id: int, at: datetime) -> None:
    """The invited says no, or nothing until it is too late."""
    application = world.session.get_one(Application, application_id)
    if application.answer_by is not None and application.answer_by <= at:
        invitations.expire_invitation(world.session, application, at=at)
    else:
        invitations.refuse_invitation(world.session, application, application.account, at=at)
