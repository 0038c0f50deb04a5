"""Publishing key sets, and personal tokens."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid
from portal.reports import certificates, rules, signatures
from portal.reports.certificates import Certificate
from portal.reports.models import KeySet, KeySetMember, UploadToken
from portal.reports.queries.keys import current_set, token_hash
from portal.reports.signatures import Signed
from portal.reports.states import KeyRole

Given = Sequence[tuple[int | None, str]]


class Proposal(NamedTuple):
    """A key set as it would be: its members (role, account, certificate), and what the recovery key before signs."""

    number: int
    members: tuple[tuple[KeyRole, int | None, Certificate], ...]
    statement: str
    previous: KeySet | None


def propose(session: Session, triagers: Given, recovery: str, *, at: datetime, demonstration: bool = False) -> Proposal:
    """What the next key set would be: the triagers' certificates (account, armored text) and the off-line recovery one.

    Raises Unfit for a certificate that cannot be taken, Invalid where one is there twice or none at all, Refused for
    one whose secret half is published, unless this is the demonstration.
    """
    if not triagers:
        raise Invalid({"triagers": "Give the certificate of one triager at least."})
    given = [(KeyRole.TRIAGER, account, text) for account, text in triagers] + [(KeyRole.RECOVERY, None, recovery)]
    found = tuple((role, account, certificates.inspect(text, at=at)) for role, account, text in given)
    if len({certificate.fingerprint for _, _, certificate in found}) < len(found):
        raise Invalid({"recovery": "The same certificate is there twice. The recovery key is nobody's own key."})
    if not demonstration:
        rules.check_secret([certificate.fingerprint for _, _, certificate in found])
    previous = current_set(session)
    number = previous.number + 1 if previous else 1
    statement = rules.statement(number, [(role, certificate.fingerprint) for role, _, certificate in found])
    return Proposal(number, found, statement, previous)


def publish_key_set(
    session: Session,
    triagers: Given,
    recovery: str,
    *,
    by: int | None,
    at: datetime,
    signature: str | None = None,
    restarted: str | None = None,
    demonstration: bool = False,
) -> KeySet:
    """Publish the next key set. From the second on it needs the signature of the recovery key of the set before.

    `restarted` is the reason why there is none, where that key is lost. Raises what `propose` does, and NotSigned.
    """
    proposal = propose(session, triagers, recovery, at=at, demonstration=demonstration)
    signed = None if restarted else vouched(proposal, signature or "", at=at)
    made = KeySet(
        number=proposal.number,
        published_at=at,
        published_by_id=by,
        signature=signature if signed else None,
        signed_at=signed.at if signed else None,
        restarted=restarted if proposal.previous else None,
    )
    made.members = [_member(role, account, certificate) for role, account, certificate in proposal.members]
    session.add(made)
    with conflicts():
        session.flush()
    fingerprints = [f"{member.role.value} {member.fingerprint}" for member in made.members]
    audit.record(
        session, "reports:restart-keys" if made.restarted else "reports:publish-keys", f"key-set:{made.number}", by=by,
        at=at, after={"members": fingerprints}, reason=made.restarted,
    )  # fmt: skip
    return made


def vouched(proposal: Proposal, signature: str, *, at: datetime) -> Signed | None:
    """The signature under a proposal, verified; None for the first set, which nobody can sign. Raises NotSigned."""
    previous = proposal.previous
    if previous is None:
        return None
    _, _, recovery = proposal.members[-1]
    # A recovery key may have been extended since: its newer certificate is the same key.
    same = recovery.fingerprint == previous.recovery_fingerprint
    signer = recovery.armored if same else previous.recovery_certificate
    return signatures.detached(proposal.statement, signature, [signer], after=previous.published_at, at=at)


def _member(role: KeyRole, account: int | None, certificate: Certificate) -> KeySetMember:
    return KeySetMember(
        role=role,
        account_id=account,
        name=certificate.name,
        fingerprint=certificate.fingerprint,
        certificate=certificate.armored,
        key_ids=list(certificate.key_ids),
        expires_at=certificate.expires_at,
    )


def make_token(session: Session, challenge_id: int, name: str, *, by: int, at: datetime) -> str:
    """Make a personal token and return its secret, which is kept nowhere and shown once."""
    secret = f"rcp_{secrets.token_urlsafe(32)}"
    made = UploadToken(
        account_id=by, challenge_id=challenge_id, name=name, token_hash=token_hash(secret), created_at=at,
        expires_at=at + rules.TOKEN_LIFE,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(session, "reports:make-token", f"upload-token:{made.id}", by=by, at=at, after={"name": name})
    return secret


def revoke_token(session: Session, token: UploadToken, *, by: int, at: datetime) -> None:
    """End a token. Ending it again changes nothing."""
    if token.revoked_at is None:
        token.revoked_at = at
        audit.record(session, "reports:revoke-token", f"upload-token:{token.id}", by=by, at=at)
