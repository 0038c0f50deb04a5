"""A fourth triager joins: key set 2, signed by the recovery key. What was sealed before waits to be wrapped."""

from datetime import timedelta

from portal.demo.submissions import KEYS, triagers
from portal.demo.world import World
from portal.reports.actions.keys import publish_key_set
from portal.reports.models import KeySet

AGO = timedelta(days=5)


def publish_second(world: World) -> KeySet:
    """Key set 2, five days ago; its signature was made with the recovery key that lies beside it."""
    recovery, signature = ((KEYS / name).read_text() for name in ("demo-recovery.asc", "key-set-2.asc"))
    return publish_key_set(
        world.session, triagers(world, 4), recovery, by=world.staff["admin"], at=world.now - AGO, signature=signature,
        demonstration=True,
    )  # fmt: skip
