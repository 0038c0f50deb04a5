"""Accounts, what signs them in, and the roles granted to them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_security import AsaList, RoleMixin, UserMixin, WebAuthnMixin
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.states import Role
from portal.core.db import Model, refers


class Account(UserMixin, Model):
    """A person who can sign in. The columns from `password` to `tf_totp_secret` are Flask-Security's."""

    __tablename__ = "account"
    __table_args__ = (
        sa.CheckConstraint("length(name) <= 80", name="name_short"),
        sa.CheckConstraint("(erased_at IS NULL) OR NOT active", name="erased_is_inactive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    # The address without what mail systems ignore: see rules.canonical_email.
    canonical_email: Mapped[str] = mapped_column(sa.String(254), index=True)
    name: Mapped[str] = mapped_column(sa.String(80), default="")
    zone: Mapped[str] = mapped_column(sa.String(64), default="UTC")
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]

    password: Mapped[str | None] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    # Changing it ends every session of the account.
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64), unique=True)
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(sa.String(64), unique=True)  # type: ignore[assignment]
    confirmed_at: Mapped[datetime | None]
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))
    tf_primary_method: Mapped[str | None] = mapped_column(sa.String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(sa.String(255))
    # The time step of the last code of an authenticator app that was used: none works twice.
    tf_last_counter: Mapped[int | None] = mapped_column(sa.BigInteger)
    webauthn: Mapped[list["WebAuthn"]] = relationship(  # type: ignore[assignment]
        cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def has_second_factor(self) -> bool:
        """Whether something besides the password stands before this account.

        A passkey used instead of the password does not: the password alone still signs in.
        """
        return bool(self.tf_primary_method) or any(key.usage == "secondary" for key in self.webauthn)


class RoleGrant(Model):
    """One role of one account, in one challenge (its slug) or in all ("*")."""

    __tablename__ = "role_grant"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    granted_at: Mapped[datetime]
    granted_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id", ondelete="SET NULL"))
    account: Mapped[Account] = refers(foreign_keys=[account_id])


class SecurityRole(RoleMixin, Model):
    """What Flask-Security asks for and the portal does not use: roles are `RoleGrant`, per challenge."""

    __tablename__ = "security_role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    permissions: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))


class WebAuthn(WebAuthnMixin, Model):
    """A passkey or security key of an account (W3C Web Authentication)."""

    __tablename__ = "webauthn"

    id: Mapped[int] = mapped_column(primary_key=True)
    credential_id: Mapped[bytes] = mapped_column(sa.LargeBinary(1024), unique=True, index=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(default=0)
    transports: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))
    backup_state: Mapped[bool]
    device_type: Mapped[str] = mapped_column(sa.String(64))
    extensions: Mapped[str | None] = mapped_column(sa.String(255))
    create_datetime: Mapped[datetime]
    lastuse_datetime: Mapped[datetime]
    name: Mapped[str] = mapped_column(sa.String(64))
    usage: Mapped[str] = mapped_column(sa.String(64))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"), index=True)

    def get_user_mapping(self) -> dict[str, Any]:
        """How Flask-Security finds the owner."""
        return {"id": self.account_id}
