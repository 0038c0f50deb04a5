"""What is agreed, and the names under it."""

import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges import queries
from portal.challenges.models import Agreement, Challenge, Signature
from portal.core import audit, outbox
from portal.core.constraints import conflicts, explain
from portal.core.errors import Conflict, Invalid, Refused

explain(
    "uq_agreement_challenge_id_version_locale",
    "Somebody has just published another version. Look at it first.",
    columns="agreement.challenge_id, agreement.version, agreement.locale",
)
explain(
    "uq_signature_agreement_id_account_id",
    "You have signed this version already.",
    columns="signature.agreement_id, signature.account_id",
)


def publish_agreement(
    session: Session, challenge: Challenge, *, title: str, body: str, by: int | None, at: datetime
) -> Agreement:
    """The next version of what participants sign, told to all of them. Raises Invalid; Refused if nothing changed."""
    body = body.replace("\r\n", "\n").strip() + "\n"
    if not title.strip() or not body.strip():
        raise Invalid({"title" if not title.strip() else "body": "An agreement needs a title and a text."})
    last = queries.current_agreement(session, challenge.id)
    digest = hashlib.sha256(body.encode()).hexdigest()
    if last and last.sha256 == digest:
        raise Refused("This is, letter for letter, the version that is in force.")
    agreement = Agreement(
        challenge_id=challenge.id, version=last.version + 1 if last else 1, title=title.strip(), body=body,
        sha256=digest, published_at=at,
    )  # fmt: skip
    session.add(agreement)
    with conflicts():
        session.flush()
    after = {"version": agreement.version, "sha256": digest}
    audit.record(
        session, "challenges:publish-agreement", f"agreement:{agreement.id}", by=by, at=at, scope=challenge.slug,
        after=after,
    )  # fmt: skip
    for member in queries.members(session, challenge.id):
        outbox.post(
            session, "challenges/agreement_changed", to=member.account.email,
            key=f"agreement:{agreement.id}:{member.id}", at=at,
            context={"name": member.account.name, "challenge": challenge.title, "slug": challenge.slug},
        )  # fmt: skip
    return agreement


def sign_agreement(
    session: Session, agreement: Agreement, account: Account, *, typed_name: str, at: datetime,
    address_hash: str | None = None, seen: str | None = None,
) -> Signature:  # fmt: skip
    """Put a person's name under a version, once.

    `seen` is the SHA-256 of the text that the person read. Raises Invalid without a name, Conflict where they read
    another version than the newest or have signed it already.
    """
    typed_name = " ".join(typed_name.split())[:120]
    if not typed_name:
        raise Invalid({"typed_name": "Type your name to sign."})
    if seen is not None and seen != agreement.sha256:
        raise Conflict("A newer version was published while you were reading. Read it before you sign.")
    signature = Signature(
        agreement_id=agreement.id, account_id=account.id, typed_name=typed_name, signed_at=at, address_hash=address_hash
    )
    session.add(signature)
    with conflicts():
        session.flush()
    slug = session.get_one(Challenge, agreement.challenge_id).slug
    audit.record(
        session, "challenges:sign", f"agreement:{agreement.id}", by=account.id, at=at, scope=slug,
        after={"version": agreement.version, "sha256": agreement.sha256},
    )  # fmt: skip
    return signature
