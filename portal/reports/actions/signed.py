"""Publishing a signed security.txt, and remembering with which keys receipts were signed."""

import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.errors import Refused
from portal.reports import rules, signatures
from portal.reports.models import Receipt, ReceiptKey, Report, SecurityText
from portal.reports.queries.keys import current_set
from portal.reports.receipts import Signer


def publish_security_text(
    session: Session, copy: str, where: rules.Addresses, *, by: int, at: datetime
) -> SecurityText:
    """Serve a signed copy of security.txt from now on. Raises NotSigned, and Refused where the text is another."""
    current = current_set(session)
    if current is None:
        raise Refused("Publish a key set first: security.txt names its fingerprints.")
    signers = [member.certificate for member in current.members]
    signed = signatures.cleartext(copy, signers, after=current.published_at, at=at)
    expires = rules.check_security_text(signed.text, where, current, at)
    made = SecurityText(
        key_set_id=current.id,
        text=copy.strip().replace("\r\n", "\n") + "\n",
        fingerprint=signed.fingerprint,
        signed_at=signed.at,
        expires_at=expires,
        published_at=at,
        published_by_id=by,
    )
    session.add(made)
    session.flush()
    told = {"key_set": current.number, "fingerprint": signed.fingerprint, "expires_at": expires}
    audit.record(session, "reports:sign-security-text", f"security-text:{made.id}", by=by, at=at, after=told)
    return made


def note_receipt(session: Session, report: Report, receipt: Receipt, *, by: int, at: datetime) -> None:
    """Put a receipt's hash into the audit's chain: neither it nor its time can be changed afterwards unnoticed."""
    told = {"sha256": hashlib.sha256(receipt.body.encode()).hexdigest()}
    subject, scope = f"report:{report.id}", report.challenge.slug
    audit.record(session, "reports:receipt", subject, by=by, at=at, scope=scope, after=told)


def remember_key(session: Session, signer: Signer, *, at: datetime) -> None:
    """Keep the public key with which receipts are signed, so that they can be verified after it was replaced."""
    if session.get(ReceiptKey, signer.key_id) is None:
        session.merge(ReceiptKey(key_id=signer.key_id, public_pem=signer.public_pem, first_used_at=at))
        session.flush()
