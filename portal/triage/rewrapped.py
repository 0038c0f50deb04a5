"""Opening what was sealed before one's key was in the set: another triager has wrapped its session key since."""

import shutil
from pathlib import Path

from portal.triage import gpg, packets
from portal.triage.client import Portal
from portal.triage.failures import Unreadable


def decrypt(portal: Portal, upload: str, sealed: Path, target: Path, limit: int) -> int:
    """Decrypt as gpg.decrypt does; where no key fits, once more behind what the portal has of wrapped session keys.

    The sealed file stays as it is. Raises what gpg.decrypt does.
    """
    try:
        return gpg.decrypt(sealed, target, limit)
    except Unreadable:
        wrapped = portal.packets(upload) if upload else b""
        if not wrapped:
            raise
    packets.recipients(wrapped)
    target.unlink(missing_ok=True)
    joined = sealed.with_name(f"{sealed.name}.wrapped")
    try:
        with sealed.open("rb") as source, joined.open("xb") as out:
            out.write(wrapped)
            shutil.copyfileobj(source, out)
        return gpg.decrypt(joined, target, limit)
    finally:
        joined.unlink(missing_ok=True)
