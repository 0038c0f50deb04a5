"""Flask-Security as the portal wants it: addresses, policies, mails through the outbox. Nothing of sign-in is ours."""

import secrets
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, Response, after_this_request, current_app
from flask_security import MailUtil, RegisterFormV2, Security, SQLAlchemyUserDatastore, UserMixin
from flask_security.totp import Totp
from wtforms import StringField
from wtforms.validators import Length

from portal.accounts.current import maybe_account
from portal.accounts.gate import EVERYONE, SIGNED_IN, declare
from portal.accounts.models import Account, SecurityRole, WebAuthn
from portal.accounts.noted import init_noted
from portal.accounts.passwords import Passwords
from portal.accounts.rules import canonical_email, clean_name, is_demonstration
from portal.config import Config
from portal.core import clock, outbox
from portal.core.db import db
from portal.core.mail import config_of

# Flask-Security's endpoints by audience. Those in neither list stay shut: its own static files, and the rescue that
# would mail the operator.
OPEN = (
    "login", "register", "confirm_email", "send_confirmation", "forgot_password", "reset_password", "logout",
    "two_factor_token_validation", "tf_select", "mf_recovery", "wan_signin", "wan_signin_response",
    "change_email_confirm",
)  # fmt: skip
MINE = (
    "change_password", "change_email", "verify", "two_factor_setup", "two_factor_setup_validate", "mf_recovery_codes",
    "wan_register", "wan_register_response", "wan_delete", "wan_verify", "wan_verify_response",
)  # fmt: skip
POLICY: dict[str, Any] = {
    "REMEMBER_COOKIE_SAMESITE": "Lax",
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_LENGTH_MIN": 12,
    "SECURITY_DATETIME_FACTORY": lambda: clock.now(),
    "SECURITY_TOTP_ISSUER": "Research challenge",
    "SECURITY_REGISTERABLE": True,
    "SECURITY_CONFIRMABLE": True,
    "SECURITY_RECOVERABLE": True,
    "SECURITY_CHANGEABLE": True,
    "SECURITY_CHANGE_EMAIL": True,
    "SECURITY_TWO_FACTOR": True,
    "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
    "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
    "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
    "SECURITY_WEBAUTHN": True,
    "SECURITY_WAN_ALLOW_AS_FIRST_FACTOR": True,
    "SECURITY_WAN_RP_NAME": "Research challenge",
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    "SECURITY_SEND_REGISTER_EMAIL": True,
    "SECURITY_EMAIL_PLAINTEXT": False,
    "SECURITY_EMAIL_HTML": False,
    "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
    "SECURITY_FRESHNESS": timedelta(minutes=30),
    "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=10),
    # As it comes, "private=True, no-store=True" would be sent, which no cache understands.
    "SECURITY_CACHE_CONTROL": {"private": None, "no-store": None},
    "SECURITY_CONFIRM_EMAIL_WITHIN": timedelta(days=2),
    "SECURITY_RESET_PASSWORD_WITHIN": timedelta(days=1),
    "SECURITY_CHANGE_EMAIL_WITHIN": timedelta(hours=2),
    # No token signs anybody in, so none is looked for.
    "SECURITY_API_ENABLED_METHODS": ["session"],
    "SECURITY_LOGIN_URL": "/account/sign-in",
    "SECURITY_LOGOUT_URL": "/account/sign-out",
    "SECURITY_LOGOUT_CSRF": True,
    "SECURITY_REGISTER_URL": "/account/sign-up",
    "SECURITY_RESET_URL": "/account/reset",
    "SECURITY_CHANGE_URL": "/account/password",
    "SECURITY_CONFIRM_URL": "/account/confirm",
    "SECURITY_VERIFY_URL": "/account/verify",
    "SECURITY_CHANGE_EMAIL_URL": "/account/address",
    "SECURITY_CHANGE_EMAIL_CONFIRM_URL": "/account/address-confirm",
    "SECURITY_TWO_FACTOR_SETUP_URL": "/account/second-factor",
    "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL": "/account/second-factor/code",
    "SECURITY_TWO_FACTOR_SELECT_URL": "/account/second-factor/select",
    "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "accounts.security",
    "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL": "/account/recovery-codes",
    "SECURITY_MULTI_FACTOR_RECOVERY_URL": "/account/recover",
    "SECURITY_WAN_REGISTER_URL": "/account/passkeys",
    "SECURITY_WAN_SIGNIN_URL": "/account/passkey-sign-in",
    "SECURITY_WAN_DELETE_URL": "/account/passkeys/delete",
    "SECURITY_WAN_VERIFY_URL": "/account/passkey-verify",
    "SECURITY_WAN_POST_REGISTER_VIEW": "accounts.security",
    "SECURITY_POST_LOGIN_VIEW": "/home",
    "SECURITY_POST_CHANGE_VIEW": "accounts.security",
    "SECURITY_POST_REGISTER_VIEW": "security.login",
}


class SignUpForm(RegisterFormV2):
    """What a new person tells of themselves."""

    name = StringField("Name", validators=[Length(max=80)])


# Made once: every request of whoever is signed in asks it.
_BY_SESSION = sa.select(Account).where(Account.fs_uniquifier == sa.bindparam("fs_uniquifier"))


class Datastore(SQLAlchemyUserDatastore):
    """Where Flask-Security keeps people: in our accounts."""

    def create_user(self, **values: Any) -> Account:
        """A new account, not yet confirmed."""
        values.pop("roles", None)
        values["name"] = clean_name(values.get("name") or "")
        values["canonical_email"] = canonical_email(values["email"])
        values["created_at"] = clock.now()
        return cast(Account, super().create_user(**values))

    def find_user(self, case_insensitive: bool = False, **values: Any) -> Account | None:
        """The account, by one of its columns. The demonstration's people exist only where it is shown."""
        if values.keys() == {"fs_uniquifier"}:
            found = db.session.scalars(_BY_SESSION, values).one_or_none()
        else:
            found = cast(Account | None, super().find_user(case_insensitive, **values))
        shown = found is None or config_of(current_app).demonstration or not is_demonstration(found.email)
        return found if shown else None

    def create_webauthn(self, *args: Any, **values: Any) -> None:
        """A new passkey, with the time at which it was made, which Flask-Security leaves to the table."""
        super().create_webauthn(*args, create_datetime=clock.now(), **values)

    def _prepare_create_user_args(self, **values: Any) -> dict[str, Any]:
        prepared: dict[str, Any] = super()._prepare_create_user_args(**values)  # type: ignore[no-untyped-call]
        prepared.pop("roles", None)
        return prepared


def public(link: str) -> str:
    """A link under the portal's public address, whatever host the request claims to be for."""
    parts = urlsplit(link)
    return f"{config_of(current_app).public_url}{parts.path}{'?' + parts.query if parts.query else ''}"


def _commit(response: Response) -> Response:
    if response.status_code < 500:
        db.session.commit()
    return response


class Codes(Totp):
    """Codes of authenticator apps, each of which works once (RFC 6238, section 5.2)."""

    def get_last_counter(self, user: UserMixin) -> int | None:
        """The time step of the last code that this person used."""
        return cast(Account, user).tf_last_counter

    def set_last_counter(self, user: UserMixin, tmatch: Any) -> None:
        """Remember the time step of the code just used."""
        cast(Account, user).tf_last_counter = tmatch.counter
        after_this_request(_commit)


class OutboxMail(MailUtil):
    """Flask-Security's mails, as rows of the outbox. Their links are secrets, so a row forgets them once sent."""

    def send_mail(  # type: ignore[override]
        self, template: str, subject: str, recipient: str, sender: object, body: object, html: object, **context: Any
    ) -> None:
        """Put the mail `security/email/NAME` into the outbox as `accounts/NAME`."""
        name = template.rpartition("/")[2]
        user = context.get("user")
        links = {key: public(str(value)) for key, value in context.items() if key.endswith("link") and value}
        # A name may carry an advertisement: nobody is greeted by it before the address is known to be theirs.
        told = user.name if user and user.confirmed_at else ""
        outbox.post(
            db.session, f"accounts/{name}", to=str(recipient), key=f"{name}:{secrets.token_hex(12)}", at=clock.now(),
            context={"name": told, **links}, secret=True,
        )  # fmt: skip
        # Where nothing but a mail comes of a request, Flask-Security does not commit.
        after_this_request(_commit)

    def normalize(self, email: str) -> str:
        """The address in lower case, so that one mailbox is one account."""
        return super().normalize(email).lower()

    def validate(self, email: str) -> str:
        """The same for a new address. Raises ValueError."""
        return super().validate(email).lower()


def _derived(secret: str, purpose: str) -> str:
    return b64encode(sha256(f"{purpose}:{secret}".encode()).digest()).decode()


def settings(config: Config) -> dict[str, Any]:
    """Flask-Security's and Flask-Login's settings: the policy, and what depends on the installation."""
    return POLICY | {
        "SECRET_KEY": config.secret_key,
        "SECOND_FACTOR_OPTIONAL": config.demonstration or config.testing,
        "REMEMBER_COOKIE_SECURE": config.secure,
        "SESSION_COOKIE_NAME": "__Host-session" if config.secure else "session",
        "SESSION_COOKIE_SECURE": config.secure,
        "SECURITY_PASSWORD_SALT": _derived(config.secret_key, "password"),
        "SECURITY_TOTP_SECRETS": {"1": _derived(config.secret_key, "totp")},
    }


def _viewer_zone() -> str:
    account = maybe_account()
    return account.zone if account else "UTC"


def init_security(app: Flask, config: Config) -> None:
    """Set Flask-Security up, open its endpoints to whom they are for, and know the viewer's zone."""
    app.config.update(settings(config))
    if config.testing:
        # Real argon2 is meant to be slow; a test signs in hundreds of people.
        app.config["SECURITY_PASSWORD_HASH_OPTIONS"] = {"argon2__time_cost": 1, "argon2__memory_cost": 32}
        app.config["SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS"] = {"argon2__time_cost": 1, "argon2__memory_cost": 32}
    Security(
        app, Datastore(db, Account, SecurityRole, WebAuthn), mail_util_cls=OutboxMail, password_util_cls=Passwords,
        register_form=SignUpForm, totp_cls=Codes,
    )  # fmt: skip
    # Flask-Security would look for a token of its own in whatever body a stranger sends, and read it whole for that.
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    init_noted(app)
    declare(app, EVERYONE, [f"security.{name}" for name in OPEN])
    declare(app, SIGNED_IN, [f"security.{name}" for name in MINE])

    app.extensions["portal.viewer_zone"] = _viewer_zone
