"""What comes back, what is asked for instead, and what people want to be told."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.kits.models.shipments import Shipment
from portal.kits.models.stock import Unit
from portal.kits.states.mails import Reminder, Topic
from portal.kits.states.returns import Condition, ReplacementState, ReturnState

_EXPECTED = sa.text("state IN ('asked', 'announced')")
_ASKED = sa.text("state = 'asked'")
_UNSEEN = sa.text("inspected_at IS NULL")


class KitReturn(Moving[ReturnState], Model):
    """A parcel's content that is to come back, and did.

    `expected_on` is a day in the challenge's zone. `label` is a PDF, sealed, which only the participant may open; it is
    forgotten as soon as it has served. `answer` says why it was cancelled. `sent_at` is when the participant or the
    carrier said that it is on its way; `scanned_at` and `delivered_at` are the carrier's word alone.
    """

    __tablename__ = "kit_return"
    __table_args__ = (
        sa.CheckConstraint("state <> 'announced' OR expected_on IS NOT NULL", name="announced_has_day"),
        sa.CheckConstraint("(state IN ('arrived', 'inspected')) = (arrived_at IS NOT NULL)", name="arrived_time"),
        sa.CheckConstraint("(state = 'cancelled') = (answer IS NOT NULL)", name="cancelled_has_reason"),
        sa.CheckConstraint("label IS NULL OR state = 'announced'", name="label_while_announced"),
        sa.CheckConstraint("scanned_at IS NULL OR sent_at IS NOT NULL", name="scanned_is_sent"),
        sa.CheckConstraint("delivered_at IS NULL OR scanned_at IS NOT NULL", name="delivered_is_scanned"),
        sa.Index(
            "uq_kit_return_expected", "shipment_id", unique=True, sqlite_where=_EXPECTED, postgresql_where=_EXPECTED
        ),
        sa.Index("ix_kit_return_shipment_id", "shipment_id"),
        sa.Index("ix_kit_return_board", "challenge_id", "state", "expected_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    shipment_id: Mapped[int] = mapped_column(sa.ForeignKey(Shipment.id))
    state: Mapped[ReturnState] = mapped_column(default=ReturnState.ASKED)
    state_since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(sa.String(300))
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="SET NULL"))
    carrier: Mapped[str | None] = mapped_column(sa.String(40))
    tracking_number: Mapped[str | None] = mapped_column(sa.String(60))
    expected_on: Mapped[date | None]
    instructions: Mapped[str] = mapped_column(sa.String(1000), default="")
    label: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)
    sent_at: Mapped[datetime | None]
    scanned_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(sa.String(300))

    shipment: Mapped[Shipment] = refers()
    units: Mapped[list["UnitReturn"]] = relationship(order_by="UnitReturn.id")

    @property
    def reference(self) -> str:
        """How people name it: R-3."""
        return f"R-{self.id}"


class UnitReturn(Model):
    """One time that a unit came back, and how it looked. Nothing goes into the stock again before it was looked at."""

    __tablename__ = "unit_return"
    __table_args__ = (
        sa.CheckConstraint("(inspected_at IS NULL) = (condition IS NULL)", name="inspected_whole"),
        sa.CheckConstraint("(inspected_at IS NULL) = (wiped IS NULL)", name="inspected_wiped"),
        sa.Index("uq_unit_return_unseen", "unit_id", unique=True, sqlite_where=_UNSEEN, postgresql_where=_UNSEEN),
        sa.Index("ix_unit_return_unit_id", "unit_id", "id"),
        sa.Index("ix_unit_return_return_id", "return_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey(Unit.id))
    return_id: Mapped[int | None] = mapped_column(sa.ForeignKey(KitReturn.id))
    came_back_at: Mapped[datetime]
    inspected_at: Mapped[datetime | None]
    inspected_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="SET NULL"))
    condition: Mapped[Condition | None]
    wiped: Mapped[bool | None]
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    unit: Mapped[Unit] = refers()


class KitReplacement(Moving[ReplacementState], Model):
    """A participant's wish for another kit, and what became of it. `made_id` is the parcel that was planned."""

    __tablename__ = "kit_replacement"
    __table_args__ = (
        sa.CheckConstraint("(state = 'planned') = (made_id IS NOT NULL)", name="planned_is_made"),
        sa.CheckConstraint("(state = 'refused') = (answer IS NOT NULL)", name="refused_has_answer"),
        sa.Index("uq_kit_replacement_asked", "shipment_id", unique=True, sqlite_where=_ASKED, postgresql_where=_ASKED),
        sa.Index("ix_kit_replacement_shipment_id", "shipment_id"),
        sa.Index("ix_kit_replacement_queue", "challenge_id", "state", "asked_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    shipment_id: Mapped[int] = mapped_column(sa.ForeignKey(Shipment.id))
    state: Mapped[ReplacementState] = mapped_column(default=ReplacementState.ASKED)
    state_since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(sa.String(500))
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id, ondelete="SET NULL"))
    answer: Mapped[str | None] = mapped_column(sa.String(300))
    made_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Shipment.id))


class MailChoice(Model):
    """What a member wants, or does not want, to be told by mail. Where there is no row, the default holds."""

    __tablename__ = "kit_mail_choice"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    topic: Mapped[Topic] = mapped_column(primary_key=True)
    wanted: Mapped[bool]
    chosen_at: Mapped[datetime]


class SentReminder(Model):
    """A reminder that went out; its number among those of its kind for a parcel keeps two workers from sending it."""

    __tablename__ = "kit_reminder"

    shipment_id: Mapped[int] = mapped_column(sa.ForeignKey(Shipment.id), primary_key=True)
    kind: Mapped[Reminder] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sent_at: Mapped[datetime]


explain("uq_kit_return_expected", "This parcel's return has been asked for already.", columns="kit_return.shipment_id")


explain("uq_kit_replacement_asked", "A replacement has been asked for already.", columns="kit_replacement.shipment_id")


explain("uq_unit_return_unseen", "This unit is waiting to be inspected already.", columns="unit_return.unit_id")
