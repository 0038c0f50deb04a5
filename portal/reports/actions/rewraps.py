"""Letting somebody open what was sealed before they came: a session key that another triager has wrapped for them."""

import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Refused
from portal.core.moves import take
from portal.reports import rules
from portal.reports.models import KeySet, Rewrap, Upload
from portal.reports.queries import rewraps
from portal.reports.states.rewraps import REFUTE, RewrapState


def add_rewrap(
    session: Session, upload: Upload, current: KeySet, fingerprint: str, packet: bytes, *, by: int, at: datetime
) -> Rewrap:
    """Keep a session key that was wrapped for a member of the current key set. The same one again changes nothing.

    Raises Refused where it is for nobody of the set, no such packet, or one that was refuted; Conflict where that key
    has another one already.
    """
    key_id = rules.wrapped_for(packet)
    member = next((each for each in current.members if each.fingerprint == fingerprint), None)
    if member is None or key_id not in member.key_ids:
        raise Refused(f"It is not wrapped for a key of key set {current.number}.")
    had = {each.key_id: each for each in rewraps.of_upload(session, upload.id)}
    if key_id in had and had[key_id].packet == packet:
        return had[key_id]
    if key_id in had or key_id in (upload.walker or {}).get("recipients", ()):
        raise Conflict("That key can open this file already.")
    if packet in rewraps.refuted_packets(session, upload.id, key_id):
        raise Refused("This very packet was found not to open the file. Wrap its session key anew.")
    made = Rewrap(
        upload_id=upload.id, fingerprint=fingerprint, key_id=key_id, packet=packet, at=at, by_id=by, state_since=at
    )
    session.add(made)
    with conflicts():
        session.flush()
    audit.record(
        session, "reports:rewrap", f"upload:{upload.id}", by=by, at=at, scope=upload.report.challenge.slug,
        after={"fingerprint": fingerprint, "key_id": key_id},
    )  # fmt: skip
    return made


def refute_rewrap(session: Session, wrapped: Rewrap, *, by: int | None, at: datetime) -> None:
    """Say of a wrapped session key that it does not open its file: it no longer counts. Again, it changes nothing.

    It is said by whom it is for or who made it; by nobody (an operator) where the key is nobody's. Raises Refused,
    Conflict.
    """
    if wrapped.state is RewrapState.REFUTED:
        return
    rules.check_refuter(rewraps.owners(session, wrapped.fingerprint), wrapped.by_id, by)
    take(session, wrapped, REFUTE, at=at, refuted_by_id=by)
    audit.record(
        session, "reports:refute-rewrap", f"upload:{wrapped.upload_id}", by=by, at=at,
        scope=wrapped.upload.report.challenge.slug,
        after={
            "fingerprint": wrapped.fingerprint, "key_id": wrapped.key_id, "wrapped_by": wrapped.by_id,
            "packet": hashlib.sha256(wrapped.packet).hexdigest(),
        },
    )  # fmt: skip
