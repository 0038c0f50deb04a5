"""What Flask-Security does to accounts, noted in the audit and told to the mailboxes that it concerns."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_security import signals

from portal.accounts.models import Account
from portal.accounts.rules import canonical_email
from portal.core import audit, clock, outbox
from portal.core.db import db

# Flask-Security's signals by the tag under which they are noted.
NOTED = {
    "accounts:sign-up": signals.user_registered,
    "accounts:confirm": signals.user_confirmed,
    "accounts:change-password": signals.password_changed,
    "accounts:reset-password": signals.password_reset,
    "accounts:set-second-factor": signals.tf_profile_changed,
    "accounts:remove-second-factor": signals.tf_disabled,
    "accounts:add-passkey": signals.wan_registered,
    "accounts:remove-passkey": signals.wan_deleted,
}


def _noter(tag: str) -> Callable[..., None]:
    def note(_app: Flask, user: Account, **_rest: Any) -> None:
        db.session.flush()  # a new account has no number before
        audit.record(db.session, tag, f"account:{user.id}", by=user.id, at=clock.now())

    return note


def _address_changed(_app: Flask, user: Account, old_email: str, **_rest: Any) -> None:
    """The old mailbox learns of the change too, since its owner may not be who made it."""
    at = clock.now()
    user.canonical_email = canonical_email(user.email)
    audit.record(db.session, "accounts:change-address", f"account:{user.id}", by=user.id, at=at)
    key = f"account:{user.id}:address-changed:{at.isoformat()}"
    outbox.post(db.session, "accounts/address_changed", to=old_email, key=key, at=at, context={"name": user.name})


def init_noted(app: Flask) -> None:
    """Listen to what is done in this application."""
    for tag, signal in NOTED.items():
        signal.connect(_noter(tag), app, weak=False)
    signals.change_email_confirmed.connect(_address_changed, app, weak=False)
