"""Hosts' certificates, to which questions are sealed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.office_hours.models import HostKey
from portal.reports import certificates
from portal.reports.rules import check_secret


def give_certificate(
    session: Session, account_id: int, text: str, *, at: datetime, demonstration: bool = False
) -> HostKey:
    """Seal questions to this certificate from now on. The one before stays as history.

    Raises Unfit with what is wrong, Refused for one that is somebody else's, or whose secret half is published unless
    this is the demonstration.
    """
    found = certificates.inspect(text, at=at)
    if not demonstration:
        check_secret([found.fingerprint])
    theirs = sa.select(HostKey.id).where(
        HostKey.fingerprint == found.fingerprint, HostKey.retired_at.is_(None), HostKey.account_id != account_id
    )
    if session.scalars(theirs.limit(1)).one_or_none() is not None:
        raise Refused("Another host has given this certificate. Give your own.")
    before = _retire(session, account_id, at)
    made = HostKey(
        account_id=account_id, name=found.name, fingerprint=found.fingerprint, certificate=found.armored,
        key_ids=list(found.key_ids), expires_at=found.expires_at, given_at=at,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    audit.record(
        session, "office_hours:give-certificate", f"account:{account_id}", by=account_id, at=at,
        before={"fingerprint": before} if before else None,
        after={"fingerprint": made.fingerprint, "expires_at": made.expires_at},
    )  # fmt: skip
    return made


def _retire(session: Session, account_id: int, at: datetime) -> str | None:
    retired = (
        sa.update(HostKey)
        .where(HostKey.account_id == account_id, HostKey.retired_at.is_(None))
        .values(retired_at=at)
        .returning(HostKey.fingerprint)
        .execution_options(synchronize_session=False)
    )
    return session.scalars(retired).one_or_none()
