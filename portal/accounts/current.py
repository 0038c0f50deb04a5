"""The person whose request is being answered."""

import hmac
from typing import cast

from flask import current_app, request
from flask_login import current_user

from portal.accounts.models import Account


def maybe_account() -> Account | None:
    """The signed-in person, if somebody is."""
    person = current_user._get_current_object()  # once: the proxy looks for the person at every question
    return cast(Account, person) if person.is_authenticated else None


def current_account() -> Account:
    """The signed-in person. Behind the gate there always is one."""
    account = maybe_account()
    if account is None:
        raise RuntimeError("an endpoint for everyone asked who is signed in")
    return account


def needs_second_factor(account: Account, is_staff: bool) -> bool:
    """Whether this person must set up a second factor before the staff area opens to them."""
    # The account's passkeys are read last: they cost a statement.
    return is_staff and not current_app.config["SECOND_FACTOR_OPTIONAL"] and not account.has_second_factor


def network_hash() -> str | None:
    """A keyed hash of the address that the request came from: equal for equal ones, and telling nothing else."""
    if not request.remote_addr:
        return None
    key = f"network:{current_app.config['SECRET_KEY']}".encode()
    return hmac.new(key, request.remote_addr.encode(), "sha256").hexdigest()
