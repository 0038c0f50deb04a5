"""Opening what was sealed before one's key was in the set: another triager has wrapped its session key since."""

import hashlib
import shutil
from pathlib import Path

from portal.triage import gpg, keyring, packets
from portal.triage.client import Portal
from portal.triage.failures import Already, Damaged, Miswrapped, Unanswered, Unreadable
from portal.triage.text import plain


def decrypt(portal: Portal, upload: str, sealed: Path, target: Path, limit: int) -> int:
    """Decrypt as gpg.decrypt does; where no key fits, once more behind what was wrapped for a key of this machine.

    The sealed file stays as it is. The portal is told of a wrapped key that opens nothing, for only this machine can
    tell. Raises what gpg.decrypt does.
    """
    try:
        return gpg.decrypt(sealed, target, limit)
    except Unreadable:
        mine = _mine(portal, upload)
        if not mine:
            raise
    told = []
    for packet in mine:
        try:
            return _behind(packet, sealed, target, limit)
        except (Unreadable, Damaged):
            if not _junk(packet):
                raise
        told.append(_refute(portal, upload, packet))
    raise Miswrapped(
        f"What was wrapped for your key does not open it: {'; '.join(told)}. It can be wrapped anew: ask another "
        "triager to run portal-triage rewrap"
    )


def _mine(portal: Portal, upload: str) -> list[bytes]:
    """The packets that were wrapped for keys of this machine."""
    wrapped = list(packets.split(portal.packets(upload))) if upload else []
    own = keyring.own_key_ids() if wrapped else set()
    whole = [packets.packet(tag, body) for tag, body in wrapped]
    return [each for each in whole if packets.recipients(each)[0] in own]


def _behind(packet: bytes, sealed: Path, target: Path, limit: int) -> int:
    target.unlink(missing_ok=True)
    joined = sealed.with_name(f"{sealed.name}.wrapped")
    try:
        with sealed.open("rb") as source, joined.open("xb") as out:
            out.write(packet)
            shutil.copyfileobj(source, out)
        return gpg.decrypt(joined, target, limit)
    finally:
        joined.unlink(missing_ok=True)


def _junk(packet: bytes) -> bool:
    """Whether it is the packet's fault: it gives a session key, which opens nothing, or none although the key works.

    A passphrase that was not given, or a card that is not there, is no fault of the packet's.
    """
    try:
        keyring.session_key(packet)
    except Unreadable:
        return keyring.works(packets.recipients(packet)[0])
    return True


def _refute(portal: Portal, upload: str, packet: bytes) -> str:
    """Tell the portal; gives a line about who wrapped it."""
    try:
        told = portal.refute(upload, hashlib.sha256(packet).hexdigest())
    except Already:
        return "the portal knows it by now"
    except Unanswered as failure:
        return f"the portal could not be told ({failure})"
    return f"wrapped by {plain(str(told.get('wrapped_by')))} at {plain(str(told.get('at')))}, and the portal was told"
