"""What is done to challenges: their course, what is agreed in them, and who takes part."""

from portal.challenges.actions.agreements import publish_agreement, sign_agreement
from portal.challenges.actions.course import add_scenario, change_challenge, change_scenario, create_challenge
from portal.challenges.actions.people import (
    add_participant,
    invite_member,
    join,
    remove_participant,
    withdraw_invitation,
)

__all__ = [
    "add_participant",
    "add_scenario",
    "change_challenge",
    "change_scenario",
    "create_challenge",
    "invite_member",
    "join",
    "publish_agreement",
    "remove_participant",
    "sign_agreement",
    "withdraw_invitation",
]
