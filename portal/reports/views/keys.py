"""The public keys."""

from flask import Response, jsonify, render_template
from flask.typing import ResponseReturnValue

from portal.accounts.gate import everyone
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.reports import certificates, rules
from portal.reports.models import KeySet
from portal.reports.queries import keys as queries
from portal.reports.queries import signed
from portal.reports.views import blueprint
from portal.reports.views.who import signer


@blueprint.get("/keys/")
@everyone
def key_sets() -> ResponseReturnValue:
    """Every key set with its fingerprints, the current one first."""
    found = queries.key_sets(db.session)
    at = clock.now()
    return render_template(
        "reports/keys.html",
        key_sets=found,
        accepted=rules.accepted(found, at),
        until=rules.grace_until(*found[:2]) if len(found) > 1 else None,
        statements={each.id: rules.statement_of(each) for each in found},
        signing_key=signer().key_id,
        receipt_keys=signed.receipt_keys(db.session),
        at=at,
    )


def _current() -> KeySet:
    found = queries.current_set(db.session)
    if found is None:
        raise NotFound("key set")
    return found


@blueprint.get("/keys/current.asc")
@everyone
def current_keys() -> ResponseReturnValue:
    """All certificates of the current set as one armored block."""
    text = certificates.bundle([member.certificate for member in _current().members])
    return Response(text, mimetype="application/pgp-keys")


@blueprint.get("/keys/current.json")
@everyone
def current_fingerprints() -> ResponseReturnValue:
    """The current set for programs."""
    found = _current()
    members = [{"role": each.role, "fingerprint": each.fingerprint, "name": each.name} for each in found.members]
    return jsonify(number=found.number, published_at=found.published_at.isoformat(), members=members)


@blueprint.get("/keys/<int:number>.asc")
@everyone
def key_set_certificates(number: int) -> ResponseReturnValue:
    """All certificates of one set as one armored block."""
    found = queries.key_set(db.session, number)
    return Response(
        certificates.bundle([member.certificate for member in found.members]), mimetype="application/pgp-keys"
    )


@blueprint.get("/keys/<int:number>.txt")
@everyone
def key_set_statement(number: int) -> ResponseReturnValue:
    """The statement of one set, in the very bytes that are signed."""
    text = rules.statement_of(queries.key_set(db.session, number))
    return Response(text, content_type="text/plain; charset=utf-8")


@blueprint.get("/keys/<int:number>.sig")
@everyone
def key_set_signature(number: int) -> ResponseReturnValue:
    """The signature of one set, armored."""
    found = queries.key_set(db.session, number)
    if found.signed_at is None:
        raise NotFound("signature")
    return Response(found.signature, mimetype="application/pgp-signature")


@blueprint.get("/keys/receipts.pem")
@everyone
def receipts_key() -> ResponseReturnValue:
    """The public half of the key that signs receipts."""
    return Response(signer().public_pem, mimetype="application/x-pem-file")


@blueprint.get("/keys/receipts-<key_id>.pem")
@everyone
def old_receipts_key(key_id: str) -> ResponseReturnValue:
    """The public half of a key that has signed receipts, by its SHA-256."""
    return Response(signed.receipt_key(db.session, key_id).public_pem, mimetype="application/x-pem-file")
