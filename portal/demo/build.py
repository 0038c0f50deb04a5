"""The demonstration as a whole."""

from datetime import datetime, timedelta
from random import Random

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.challenges.models import Participant
from portal.config import Config
from portal.core.blobs import Blobs
from portal.core.db import Model
from portal.core.outbox import MailState, OutgoingMail
from portal.demo import facts, finished, running
from portal.demo.people import Names, add_staff, shared_hash
from portal.demo.submissions import publish_keys
from portal.demo.world import World, noon
from portal.kits.models import Shipment
from portal.kits.vault import Vault
from portal.office_hours.ics import Sender
from portal.office_hours.models import Booking
from portal.reports.models import Report
from portal.reports.receipts import Signer

COUNTED: dict[str, type[Model]] = {
    "people": Account,
    "applications": Application,
    "participants": Participant,
    "parcels": Shipment,
    "bookings of office hours": Booking,
    "sealed reports": Report,
}


def load_all(
    session: Session, config: Config, store: Blobs, signer: Signer, random: Random, *, applications: int,
    running_too: bool, now: datetime,
) -> dict[str, int]:  # fmt: skip
    """Build everything in an empty database; how much there is of it. Commits as it goes."""
    names = Names(random)
    password_hash = shared_hash()
    before = noon(facts.ANNOUNCED, facts.ZONE) - timedelta(days=7)
    world = World(
        session=session,
        random=random,
        names=names,
        now=now,
        staff=add_staff(session, names, before, password_hash),
        password_hash=password_hash,
        store=store,
        signer=signer,
        sender=Sender.of(config),
    )
    world.key_set = publish_keys(world, noon(facts.STARTS, facts.ZONE) - timedelta(days=7))
    session.commit()
    vault = Vault.of(config)
    finished.replay(world, applications, vault)
    if running_too:
        running.run(world, max(60, applications // 10), vault)
    _deliver(session, now)
    return {what: session.scalars(sa.select(sa.func.count()).select_from(kind)).one() for what, kind in COUNTED.items()}


def _deliver(session: Session, now: datetime) -> None:
    """What was due a day ago or earlier went out long ago; the rest is left to the worker."""
    session.execute(
        sa.update(OutgoingMail)
        .where(OutgoingMail.state == MailState.QUEUED, OutgoingMail.not_before <= now - timedelta(days=1))
        .values(state=MailState.SENT, sent_at=OutgoingMail.not_before, tries=1)
    )
    session.commit()
