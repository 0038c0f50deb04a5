"""Publishing key sets, and personal tokens."""

import secrets
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.errors import Invalid
from portal.reports import certificates, rules
from portal.reports.models import KeySet, KeySetMember, UploadToken
from portal.reports.queries.keys import token_hash
from portal.reports.states import KeyRole


def publish_key_set(
    session: Session,
    triagers: Sequence[tuple[int | None, str]],
    recovery: str,
    *,
    by: int | None,
    at: datetime,
    signature: str | None = None,
    demonstration: bool = False,
) -> KeySet:
    """Publish the next key set: the triagers' certificates (account, armored text) and the off-line recovery one.

    Raises Unfit for a certificate that cannot be taken, Invalid where one is there twice or none at all, Refused for
    one whose secret half is published, unless this is the demonstration.
    """
    if not triagers:
        raise Invalid({"triagers": "Give the certificate of one triager at least."})
    given = [(KeyRole.TRIAGER, account, text) for account, text in triagers] + [(KeyRole.RECOVERY, None, recovery)]
    found = [(role, account, certificates.inspect(text, at=at)) for role, account, text in given]
    if len({certificate.fingerprint for _, _, certificate in found}) < len(found):
        raise Invalid({"recovery": "The same certificate is there twice. The recovery key is nobody's own key."})
    if not demonstration:
        rules.check_secret([certificate.fingerprint for _, _, certificate in found])
    number = (session.scalars(sa.select(sa.func.max(KeySet.number))).one() or 0) + 1
    made = KeySet(number=number, published_at=at, published_by_id=by, signature=signature)
    made.members = [_member(role, account, certificate) for role, account, certificate in found]
    session.add(made)
    session.flush()
    fingerprints = [f"{member.role.value} {member.fingerprint}" for member in made.members]
    audit.record(session, "reports:publish-keys", f"key-set:{number}", by=by, at=at, after={"members": fingerprints})
    return made


def _member(role: KeyRole, account: int | None, certificate: certificates.Certificate) -> KeySetMember:
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
