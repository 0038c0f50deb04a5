"""A challenge, what can be won in it, what is agreed, and who takes part."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.states import MemberRole, ParticipantKind, ParticipantState, ScenarioKind, Signing
from portal.core.db import Model, refers


class Challenge(Model):
    """One research challenge. Its slug is its name in addresses and the scope of its roles, and never changes."""

    __tablename__ = "challenge"
    __table_args__ = (
        sa.CheckConstraint("apply_from < apply_until", name="apply_ordered"),
        sa.CheckConstraint("starts_on <= ends_on", name="course_ordered"),
        sa.CheckConstraint("places > 0", name="places_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(64), unique=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    summary: Mapped[str] = mapped_column(sa.Text)
    rules: Mapped[str] = mapped_column(sa.Text)
    # The programme's own zone: its days, weeks and deadlines are days, weeks and deadlines there.
    zone: Mapped[str] = mapped_column(sa.String(64), default="UTC")
    places: Mapped[int]
    currency: Mapped[str] = mapped_column(sa.String(3), default="USD")
    announced_on: Mapped[date]
    apply_from: Mapped[datetime]
    apply_until: Mapped[datetime]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    results_released_at: Mapped[datetime | None]
    scenarios: Mapped[list["Scenario"]] = relationship(order_by="Scenario.position", back_populates="challenge")


class Scenario(Model):
    """Something that a researcher may achieve. `code` is short and stable ("G4")."""

    __tablename__ = "scenario"
    __table_args__ = (sa.UniqueConstraint("challenge_id", "code"), sa.UniqueConstraint("challenge_id", "position"))

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    code: Mapped[str] = mapped_column(sa.String(8))
    title: Mapped[str] = mapped_column(sa.String(200))
    kind: Mapped[ScenarioKind]
    reward: Mapped[str] = mapped_column(sa.String(200))
    position: Mapped[int]
    challenge: Mapped[Challenge] = relationship(back_populates="scenarios")


class Agreement(Model):
    """One version of what participants sign. The text of a version never changes."""

    __tablename__ = "agreement"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "version", "locale"),
        sa.CheckConstraint("length(sha256) = 64", name="sha256_whole"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    version: Mapped[int]
    locale: Mapped[str] = mapped_column(sa.String(10), default="en")
    title: Mapped[str] = mapped_column(sa.String(120))
    body: Mapped[str] = mapped_column(sa.Text)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    published_at: Mapped[datetime]


class Signature(Model):
    """A person's name under one version."""

    __tablename__ = "signature"
    __table_args__ = (sa.UniqueConstraint("agreement_id", "account_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    agreement_id: Mapped[int] = mapped_column(sa.ForeignKey("agreement.id"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    typed_name: Mapped[str] = mapped_column(sa.String(120))
    signed_at: Mapped[datetime]
    # A keyed hash of the network address, never the address.
    address_hash: Mapped[str | None] = mapped_column(sa.String(64))
    method: Mapped[Signing] = mapped_column(default=Signing.TYPED)
    agreement: Mapped[Agreement] = refers()


class Participant(Model):
    """One researcher or one team. Quota, kit, bookings and reports are the participant's."""

    __tablename__ = "participant"
    __table_args__ = (
        sa.CheckConstraint("(state = 'removed') = (removed_at IS NOT NULL)", name="removed_has_time"),
        sa.Index("ix_participant_challenge_id_state", "challenge_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    name: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[ParticipantKind]
    state: Mapped[ParticipantState] = mapped_column(default=ParticipantState.ACTIVE)
    accepted_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    # Whether something is to be sent to them: some have what they need already.
    needs_kit: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    challenge: Mapped[Challenge] = refers()
    members: Mapped[list["Member"]] = relationship(back_populates="participant", order_by="Member.id")


class Member(Model):
    """A person who acts for a participant."""

    __tablename__ = "member"
    __table_args__ = (
        # One person takes part in a challenge once, for one participant.
        sa.UniqueConstraint("challenge_id", "account_id"),
        sa.UniqueConstraint("participant_id", "account_id"),
        sa.Index(
            "uq_member_lead", "participant_id", unique=True,
            sqlite_where=sa.text("role = 'lead'"), postgresql_where=sa.text("role = 'lead'"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey("participant.id"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    role: Mapped[MemberRole]
    country: Mapped[str] = mapped_column(sa.String(2))
    joined_at: Mapped[datetime]
    participant: Mapped[Participant] = relationship(back_populates="members")
    account: Mapped[Account] = refers()


class MemberInvitation(Model):
    """A colleague asked into a team by mail; the link holds once and until it expires."""

    __tablename__ = "member_invitation"
    __table_args__ = (sa.UniqueConstraint("participant_id", "email"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey("participant.id"))
    email: Mapped[str] = mapped_column(sa.String(254))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    invited_by_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    participant: Mapped[Participant] = refers()
