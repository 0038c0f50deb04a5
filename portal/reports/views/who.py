"""Who asks, by session or by token, and what the application lends to the room."""

from typing import cast

from flask import current_app, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from portal.accounts.current import current_account
from portal.accounts.models import Account
from portal.accounts.queries import roles_of
from portal.accounts.states import EVERYWHERE, Role
from portal.challenges import queries as challenges
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.config import Config
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden, NotFound
from portal.reports.queries.keys import live_token
from portal.reports.receipts import Signer
from portal.reports.rules import Limits


def limits() -> Limits:
    """How much may be sent."""
    return cast(Limits, current_app.config.get("REPORT_LIMITS") or Limits())


def signer() -> Signer:
    """The server's key for receipts, read once a process."""
    kept = current_app.extensions.get("portal.reports.signer")
    if kept is None:
        config: Config = current_app.extensions["portal.config"]
        kept = current_app.extensions["portal.reports.signer"] = Signer.of(config)
    return cast(Signer, kept)


def by_token() -> bool:
    """Whether the request is a program's."""
    return request.authorization is not None and request.authorization.type == "bearer"


def _holder(challenge: Challenge) -> Account:
    """The account for which a token of this challenge acts. Raises Unauthorized."""
    secret = request.authorization.token if request.authorization else None
    token = live_token(db.session, secret or "", clock.now())
    if token is None or token.challenge_id != challenge.id:
        raise Unauthorized("The token is unknown, revoked or expired.", www_authenticate=WWWAuthenticate("bearer"))
    return token.account


def sender(slug: str) -> Member:
    """The researcher who asks. Raises NotFound for strangers."""
    if not by_token():
        return member_or_404(slug)
    challenge = challenge_or_404(slug)
    account = _holder(challenge)
    member = challenges.membership(db.session, challenge.id, account.id)
    if member is None:
        raise NotFound
    agreement = challenges.current_agreement(db.session, challenge.id)
    if agreement and not challenges.signature_of(db.session, agreement, account.id):
        raise Forbidden("Sign the current agreement on the portal first.")
    return member


def triager(slug: str) -> tuple[Challenge, Account]:
    """The challenge, and the triager of it who asks. Raises Forbidden."""
    challenge = challenge_or_404(slug)
    if not by_token():
        return challenge, current_account()
    account = _holder(challenge)
    held = roles_of(db.session, account.id)
    if Role.TRIAGER not in held.get(slug, frozenset()) | held.get(EVERYWHERE, frozenset()):
        raise Forbidden("Reports are read by triagers only.")
    return challenge, account
