"""A fourth triager joins: key set 2, signed by the recovery key. What was sealed before waits to be wrapped."""

from datetime import timedelta

from portal.demo.submissions import KEYS, triagers
from portal.demo.world import Stage, World
from portal.reports.actions.keys import publish_key_set
from portal.reports.actions.rewraps import add_rewrap, refute_rewrap
from portal.reports.models import KeySet
from portal.reports.queries import rewraps

AGO = timedelta(days=5)
# What a program leaves that was killed while it wrote: the packet has its form, and nothing in it.
SPOILT = 84


def publish_second(world: World) -> KeySet:
    """Key set 2, five days ago; its signature was made with the recovery key that lies beside it."""
    recovery, signature = ((KEYS / name).read_text() for name in ("demo-recovery.asc", "key-set-2.asc"))
    return publish_key_set(
        world.session, triagers(world, 4), recovery, by=world.staff["admin"], at=world.now - AGO, signature=signature,
        demonstration=True,
    )  # fmt: skip


def spoil_one(world: World, stage: Stage, key_set: KeySet) -> None:
    """A triager has wrapped one file for the new key, badly, and says so: it waits to be wrapped anew."""
    session, by, at = world.session, world.staff["triager2"], world.now - AGO + timedelta(hours=3)
    new = key_set.members[3]
    upload = rewraps.page(session, stage.challenge.id, None, None, 1, reader=by).rows[0]
    body = b"\x03" + bytes.fromhex(new.key_ids[0]) + b"\x12" + bytes(SPOILT)
    made = add_rewrap(session, upload, key_set, new.fingerprint, b"\xc1" + bytes([len(body)]) + body, by=by, at=at)
    refute_rewrap(session, made, by=by, at=at + timedelta(minutes=20))
