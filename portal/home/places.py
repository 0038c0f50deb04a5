"""Where a person stands in each challenge, and what they have to do there."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

import portal.applications.queries as applications
import portal.challenges.queries as challenges
from portal.accounts.models import Account
from portal.applications.models import Application
from portal.challenges.models import Challenge, Member
from portal.challenges.rules import accepts_applications, phase
from portal.challenges.states import Phase
from portal.core.todo import Task
from portal.home import rooms


class Place(NamedTuple):
    """Where a person stands in one challenge."""

    challenge: Challenge
    phase: Phase
    accepting: bool
    application: Application | None
    member: Member | None
    tasks: list[Task]


def places(session: Session, account: Account, at: datetime) -> list[Place]:
    """Every challenge with the person's place in it: those with something to do first, then the newest."""
    members = {member.challenge_id: member for member in challenges.memberships(session, account.id)}
    found = []
    for challenge in challenges.challenges(session):
        member = members.get(challenge.id)
        found.append(
            Place(
                challenge, phase(challenge, at), accepts_applications(challenge, at),
                applications.mine(session, challenge.id, account.id), member,
                rooms.tasks(session, challenge, account, member, at),
            )
        )  # fmt: skip
    return sorted(found, key=lambda place: (not place.tasks, place.member is None))
