"""Before office hours: hosts' certificates, sealed questions, written answers, and the way in."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from portal.core.errors import PortalError
from portal.demo.seal import HOSTS, QUESTIONS, SEALED
from portal.demo.world import Stage, World
from portal.kits.vault import Vault
from portal.office_hours.actions.early import move_answer, offer_answer
from portal.office_hours.actions.hostkeys import give_certificate
from portal.office_hours.actions.links import set_link
from portal.office_hours.actions.questions import link_report, put_question
from portal.office_hours.models import Booking, Series
from portal.office_hours.queries import upcoming
from portal.office_hours.queries.questions import preparations
from portal.office_hours.states import DECLINE_ANSWER
from portal.reports.queries import reports

KEYS = Path(__file__).parent / "keys"
ANSWER = (
    "Both are: the second line is of the recovery partition, which is looked at as well. The order is described in "
    "“How a device starts” under Resources."
)


def give_certificates(world: World) -> None:
    """The hosts' certificates, before anybody books."""
    for host in HOSTS:
        text = (KEYS / f"demo-{host}.asc").read_text()
        at = world.now - timedelta(days=60)
        give_certificate(world.session, world.staff[host], text, at=at, demonstration=True)


def prepare(world: World, stage: Stage, vault: Vault) -> None:
    """What has been asked and answered ahead of the coming sessions of a challenge."""
    for series in world.session.scalars(
        sa.select(Series).where(Series.challenge_id == stage.challenge.id).order_by(Series.id)
    ).all():
        url = f"https://meet.demo.example/{series.id}-{{secret}}"
        set_link(world.session, "series_id", series.id, url, vault, by=world.staff["lead"], at=world.now,
                 scope=stage.slug)  # fmt: skip
    asked = _ask(world, stage)
    _answer(world, asked)
    world.session.commit()


def _ask(world: World, stage: Stage) -> list[Booking]:
    """Seal questions for most of the coming bookings, and let some go with a report."""
    asked, hosts = [], {world.staff[host]: host for host in HOSTS}
    coming = upcoming(world.session, world.now, world.now + timedelta(days=365))
    for number, prepared in enumerate(preparations(world.session, coming, world.now).values()):
        booking, host = prepared.booking, hosts.get(prepared.booking.slot.host_id)
        demanded = booking.slot.sitting.series.question_due_minutes is not None
        if len(prepared.hosts) != 1 or host is None or (not demanded and number % 4 == 3):
            continue
        data = (SEALED / f"question-{host}-{1 + number % len(QUESTIONS)}.pgp").read_bytes()
        try:
            with world.session.begin_nested():
                put_question(world.session, booking, data, by=booking.account_id, at=world.now)
        except PortalError:
            continue  # it begins too soon
        asked.append(booking)
        own = reports.of_participant(world.session, booking.participant_id)
        if own:
            link_report(world.session, booking, own[0], by=booking.account_id, at=world.now)
    return asked


def _answer(world: World, asked: Sequence[Booking]) -> None:
    """One answer that waits for the participant, and one that would not do."""
    for number, booking in enumerate(asked[1:3]):
        answer = offer_answer(world.session, booking, ANSWER, by=booking.slot.host_id, at=world.now)
        if number:
            move_answer(world.session, booking, answer, DECLINE_ANSWER, by=booking.account_id, at=world.now,
                        sender=world.sender)  # fmt: skip
