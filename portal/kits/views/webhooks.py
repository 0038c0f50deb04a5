"""Where services that pass on news of carriers post them. They are believed by their signature alone."""

import hashlib
from collections.abc import Mapping
from typing import cast

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from portal.accounts.gate import everyone, verifies_signatures
from portal.config import Config, public_keys
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.logs import log
from portal.core.mail import config_of
from portal.core.web.limits import limiter
from portal.kits.actions import inbox
from portal.kits.rules import payloads, signatures
from portal.kits.rules.payloads import Malformed
from portal.kits.rules.signatures import Check, Message
from portal.kits.views.base import blueprint

# A parcel with its whole history is a tenth of this.
MOST_BYTES = 256 * 1024


def checks_of(config: Config) -> Mapping[str, Check]:
    """How each service signs that we know a secret or keys of; the others may post nothing."""
    found: dict[str, Check] = {}
    if config.easypost_webhook_secret:
        found[payloads.EASYPOST] = signatures.easypost(config.easypost_webhook_secret)
    if config.shippo_webhook_secret:
        found[payloads.SHIPPO] = signatures.shippo(config.shippo_webhook_secret)
    if config.shipstation_webhook_keys:
        found[payloads.SHIPSTATION] = signatures.shipstation(public_keys(config.shipstation_webhook_keys))
    return found


def checks() -> Mapping[str, Check]:
    """Those of this application's settings."""
    kept = current_app.extensions.get("portal.webhooks")
    if kept is None:
        kept = current_app.extensions["portal.webhooks"] = checks_of(config_of(current_app))
    return cast(Mapping[str, Check], kept)


def _told(status: int, words: str) -> Response:
    return Response(f"{words}\n", status, mimetype="text/plain", headers={"Cache-Control": "no-store"})


def _message() -> Message:
    """The request as it came. Raises HTTPException where it is too large, or was not sent as a whole."""
    if (request.content_length or 0) > MOST_BYTES:
        raise RequestEntityTooLarge
    body = request.get_data(cache=False)
    if len(body) > MOST_BYTES:
        raise RequestEntityTooLarge
    headers = {name.lower(): request.headers.getlist(name) for name in request.headers.keys()}  # noqa: SIM118
    return Message(body, headers, request.path, request.args.get("token", ""))


@blueprint.post("/webhooks/<provider>")
@verifies_signatures
@everyone
@limiter.limit("300 per minute")
def webhook(provider: str) -> ResponseReturnValue:
    """Note what a service tells; it is taken later, so that the service need not wait."""
    check = checks().get(provider)
    if check is None:
        raise NotFound
    if request.mimetype != "application/json":
        return _told(415, "Send application/json.")
    try:
        message = _message()
    except HTTPException as error:
        return _told(error.code or 400, error.name)
    if not check(message, clock.now()):
        log.warning("webhook refused", provider=provider)
        return _told(401, "This is not signed as it should be.")
    return _note(provider, message.body)


def _note(provider: str, body: bytes) -> Response:
    at = clock.now()
    try:
        told = payloads.read_webhook(provider, body)
    except Malformed as problem:
        inbox.note_malformed(db.session, provider, hashlib.sha256(body).hexdigest(), str(problem), at=at)
        db.session.commit()
        log.warning("webhook malformed", provider=provider)
        return _told(400, str(problem))
    new = inbox.receive(db.session, told, at=at)
    db.session.commit()
    return _told(200, f"Noted: {new} new.")
