"""Kinds of kits, and units by serial number."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.challenges.models import Challenge
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.kits.states import UnitState


class KitModel(Model):
    """A kind of kit. What customs ask for is the operator's to know; `basis` says how they know it."""

    __tablename__ = "kit_model"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "name", "revision"),
        sa.CheckConstraint("weight_g > 0", name="weight_positive"),
        sa.CheckConstraint("declared_value > 0", name="value_positive"),
        sa.CheckConstraint("per_place BETWEEN 0 AND 20", name="per_place_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    name: Mapped[str] = mapped_column(sa.String(80))
    revision: Mapped[str] = mapped_column(sa.String(40), default="")
    weight_g: Mapped[int]
    # Text: a leading zero of a tariff number is a digit of it.
    hs_code: Mapped[str] = mapped_column(sa.String(14), default="")
    eccn: Mapped[str] = mapped_column(sa.String(20), default="")
    origin: Mapped[str] = mapped_column(sa.String(2), default="")
    declared_value: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(sa.String(3))
    basis: Mapped[str] = mapped_column(sa.String(300), default="")
    # How many of it each place gets; 0 for what only some get, an accessory.
    per_place: Mapped[int] = mapped_column(default=1, server_default=sa.text("1"))

    @property
    def label(self) -> str:
        """Name and revision."""
        return f"{self.name} {self.revision}".strip()


class Unit(Moving[UnitState], Model):
    """One kit, known by the serial number on it."""

    __tablename__ = "kit_unit"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "serial"),
        sa.Index("ix_kit_unit_state", "challenge_id", "state", "serial"),
        sa.Index("ix_kit_unit_sitting", "sitting", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    model_id: Mapped[int] = mapped_column(sa.ForeignKey(KitModel.id), index=True)
    serial: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[UnitState] = mapped_column(default=UnitState.IN_STOCK)
    state_since: Mapped[datetime]
    location: Mapped[str] = mapped_column(sa.String(80), default="")
    firmware: Mapped[str] = mapped_column(sa.String(60), default="")
    # In which sitting it was scanned in, for the count and the way back of whoever scans.
    sitting: Mapped[str | None] = mapped_column(sa.String(16))
    model: Mapped[KitModel] = refers()


explain(
    "uq_kit_unit_challenge_id_serial",
    "One of these serial numbers is already in the stock.",
    columns="kit_unit.challenge_id, kit_unit.serial",
)


explain(
    "uq_kit_model_challenge_id_name_revision",
    "There is a kit model of this name and revision.",
    columns="kit_model.challenge_id, kit_model.name, kit_model.revision",
)
