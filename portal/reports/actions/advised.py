"""Taking in signatures over advisories' files. The portal has no key for that: people sign on their own machines."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.reports import signatures
from portal.reports.models import AdvisorySignature
from portal.reports.queries.keys import current_set
from portal.reports.signatures import NotSigned


def sign_advisory(
    session: Session, challenge: Challenge, advisory_id: int, files: Mapping[str, bytes], armored: str, *, by: int,
    at: datetime,
) -> AdvisorySignature:  # fmt: skip
    """Keep a signature over one of an advisory's `files`, which are given by their SHA-256.

    Raises NotSigned where it is over none of them or by none of the current keys, Conflict where it is there already.
    """
    current = current_set(session)
    if current is None:
        raise Refused("Publish a key set first: advisories are signed by one of its keys.")
    signers = [member.certificate for member in current.members]
    digest, signed = _over(files, armored, signers, at)
    made = AdvisorySignature(
        advisory_id=advisory_id, sha256=digest, fingerprint=signed.fingerprint,
        signature=armored.strip().replace("\r\n", "\n") + "\n", signed_at=signed.at, given_at=at, given_by_id=by,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    audit.record(
        session, "reports:sign-advisory", f"advisory:{advisory_id}", by=by, at=at, scope=challenge.slug,
        after={"sha256": digest, "fingerprint": signed.fingerprint},
    )  # fmt: skip
    return made


def _over(files: Mapping[str, bytes], armored: str, signers: list[str], at: datetime) -> tuple[str, signatures.Signed]:
    refusal = NotSigned("There is no file to sign: it is known once the hour of the results is confirmed.")
    for data in files.values():
        try:
            signed = signatures.detached(data.decode(), armored, signers, after=None, at=at, what="file")
        except NotSigned as problem:
            refusal = problem
        else:
            return hashlib.sha256(data).hexdigest(), signed
    raise refusal
