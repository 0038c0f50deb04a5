"""Policies and a screening list of the demonstration, and the parcels that are held for them. The list is invented."""

import io
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.challenges.models import Member
from portal.challenges.states import MemberRole
from portal.demo.bench import SENDER
from portal.demo.world import Stage, World
from portal.kits.actions.judging import judge_again
from portal.kits.actions.lists import ListSpec, bring_in, check_list
from portal.kits.actions.policy import write_policy
from portal.kits.models import DeliveryAddress, Shipment
from portal.kits.queries import policy
from portal.kits.rules.policy import PolicySpec
from portal.kits.states import BEFORE_HAND_OVER
from portal.kits.states.holds import Verdict
from portal.kits.vault import Vault

BASIS = "as the demonstration's lawyers might say"
BLOCKED = (("IR", ""), ("KP", ""), ("SY", ""), ("UA", "Crimea"))
# The country that is under review where nobody waits in another one.
REVIEWED = "AE"
INVENTED = ("Windmill Dynamics, Ltd.", "风车动力", "Quentin Quixote", "La Mancha Trading LLC", "Sancho Panza Holdings")


def watch(world: World, stage: Stage, vault: Vault) -> None:
    """Write policies, bring a list in, and hold what has not been handed over against both."""
    before = world.now - timedelta(days=2)
    waiting = _waiting(world, stage, before)
    alike = waiting[:1]
    passed = {SENDER.country, *(each.country for each in alike)}
    review = next((each.country for each in waiting if each.country not in passed), REVIEWED)
    rows = [(*place, Verdict.BLOCKED) for place in BLOCKED] + [(review, "", Verdict.REVIEW)]
    for country, region, verdict in rows:
        spec = PolicySpec(country, region, verdict, before.date(), basis=BASIS)
        write_policy(world.session, stage.challenge, spec, by=world.staff["logistics"], at=before)
    _screen(world, stage, [member.account.name for member in alike])
    at = world.now - timedelta(hours=30)
    mark = policy.mark(world.session, stage.challenge.id, at.date())
    for participant_id in policy.outdated_addresses(world.session, stage.challenge.id, mark):
        judge_again(world.session, participant_id, vault, at=at)
    world.session.commit()


def _waiting(world: World, stage: Stage, before: datetime) -> Sequence[Member]:
    """Those who gave the address of a parcel that has been in preparation since then."""
    rows = (
        sa.select(Member)
        .join(DeliveryAddress, DeliveryAddress.participant_id == Member.participant_id)
        .join(Shipment, Shipment.participant_id == Member.participant_id)
        .where(Member.role == MemberRole.LEAD, DeliveryAddress.purged_at.is_(None), DeliveryAddress.given_at < before)
        .where(Shipment.challenge_id == stage.challenge.id, Shipment.state.in_(BEFORE_HAND_OVER))
        .where(Shipment.created_at < before)
        .options(sa.orm.joinedload(Member.account))
        .order_by(Member.id)
    )
    return world.session.scalars(rows).all()


def _screen(world: World, stage: Stage, alike: Sequence[str]) -> None:
    """A list on which somebody has nearly the name of one who waits."""
    names = [*INVENTED, *(", ".join(reversed(name.upper().rsplit(" ", 1))) for name in alike)]
    file = io.BytesIO("\n".join(["name", *names]).encode())
    at = world.now - timedelta(hours=31)
    spec = ListSpec("Invented names", "made for the demonstration", at.date(), 90, "invented.csv")
    by = world.staff["logistics"]
    for _ in bring_in(world.session, stage.challenge, file, check_list(file), spec, by=by, at=at):
        world.session.commit()
