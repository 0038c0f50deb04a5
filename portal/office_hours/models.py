"""What is true of office hours. The database itself refuses double seats, overlaps and more bookings than the quota."""

from datetime import date, datetime, timedelta
from string import Template

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Participant, Scenario
from portal.core.constraints import explain
from portal.core.db import Model, ddl
from portal.core.moves import Moving
from portal.office_hours.states import (
    COUNTED,
    LIVE,
    BookingState,
    FeedScope,
    SeriesState,
    SittingState,
    SlotState,
    Wall,
)
from portal.office_hours.time import MAX_COUNT, MAX_INTERVAL, Weekly


def _any_of(states: frozenset[BookingState]) -> sa.TextClause:
    """The condition of a partial index; in a fixed order, so that every process writes the same one."""
    listed = ", ".join(f"'{state}'" for state in BookingState if state in states)
    return sa.text(f"state IN ({listed})")


def _unique_where(name: str, *columns: str, states: frozenset[BookingState]) -> sa.Index:
    where = _any_of(states)
    return sa.Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


class Series(Moving[SeriesState], Model):
    """A weekly rule in the hosts' zone, and what holds for every session that comes of it. Lengths are in minutes."""

    __tablename__ = "office_series"
    __table_args__ = (
        sa.CheckConstraint("(until_on IS NULL) <> (count IS NULL)", name="ends_somehow"),
        sa.CheckConstraint(f"count IS NULL OR count BETWEEN 1 AND {MAX_COUNT}", name="count_range"),
        sa.CheckConstraint(f"weeks BETWEEN 1 AND {MAX_INTERVAL}", name="weeks_range"),
        sa.CheckConstraint("slots > 0 AND slot_minutes > 0 AND seats > 0 AND weekly_quota > 0", name="positive"),
        sa.CheckConstraint(
            "buffer_before >= 0 AND buffer_after >= 0 AND notice_minutes >= 0 AND cutoff_minutes >= 0 "
            "AND advance_days > 0",
            name="lengths",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id), index=True)
    title: Mapped[str] = mapped_column(sa.String(80))
    state: Mapped[SeriesState] = mapped_column(default=SeriesState.OPEN)
    state_since: Mapped[datetime]
    zone: Mapped[str] = mapped_column(sa.String(64))
    # A wall-clock time without a zone: what it means is decided for each occurrence.
    first_local: Mapped[datetime] = mapped_column(sa.DateTime(timezone=False))
    weeks: Mapped[int] = mapped_column(default=1)
    until_on: Mapped[date | None]
    count: Mapped[int | None]
    slots: Mapped[int]
    slot_minutes: Mapped[int]
    seats: Mapped[int] = mapped_column(default=1)
    buffer_before: Mapped[int] = mapped_column(default=0)
    buffer_after: Mapped[int] = mapped_column(default=0)
    notice_minutes: Mapped[int] = mapped_column(default=120)
    cutoff_minutes: Mapped[int] = mapped_column(default=720)
    advance_days: Mapped[int] = mapped_column(default=28)
    weekly_quota: Mapped[int] = mapped_column(default=1)
    meeting_url: Mapped[str] = mapped_column(sa.String(300), default="")

    challenge: Mapped[Challenge] = relationship(lazy="raise_on_sql")
    hosts: Mapped[list["SeriesHost"]] = relationship(lazy="raise_on_sql", order_by="SeriesHost.account_id")

    @property
    def rule(self) -> Weekly:
        """When it recurs."""
        return Weekly(self.first_local, self.zone, self.weeks, self.until_on, self.count)

    @property
    def notice(self) -> timedelta:
        """How long before its beginning a slot can no longer be booked."""
        return timedelta(minutes=self.notice_minutes)

    @property
    def cutoff(self) -> timedelta:
        """How long before its beginning a booking can no longer be given back."""
        return timedelta(minutes=self.cutoff_minutes)


class SeriesHost(Model):
    """An engineer who takes slots of a series, in proportion to `weight`, at most `weekly_max` a week."""

    __tablename__ = "office_series_host"
    __table_args__ = (
        sa.CheckConstraint("weight > 0", name="weight"),
        sa.CheckConstraint("weekly_max IS NULL OR weekly_max > 0", name="weekly_max"),
    )

    series_id: Mapped[int] = mapped_column(sa.ForeignKey(Series.id), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True, index=True)
    weight: Mapped[int] = mapped_column(default=1)
    weekly_max: Mapped[int | None]

    account: Mapped[Account] = relationship(lazy="raise_on_sql")


class Sitting(Moving[SittingState], Model):
    """One session of a series. (It is not called Session here, because that is the database's.)

    `recurrence_local` is its key for ever, wherever it was moved to.
    """

    __tablename__ = "office_session"
    __table_args__ = (
        sa.UniqueConstraint("series_id", "recurrence_local", name="uq_office_session_recurrence"),
        sa.CheckConstraint("ends_at > starts_at", name="forward"),
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelled_has_reason"),
        sa.Index("ix_office_session_starts", "starts_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    series_id: Mapped[int] = mapped_column(sa.ForeignKey(Series.id))
    recurrence_local: Mapped[datetime] = mapped_column(sa.DateTime(timezone=False))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    wall: Mapped[Wall]
    zone_rules: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[SittingState] = mapped_column(default=SittingState.PLANNED)
    state_since: Mapped[datetime]
    cancel_reason: Mapped[str | None] = mapped_column(sa.String(300))

    series: Mapped[Series] = relationship(lazy="raise_on_sql")


class Slot(Model):
    """One appointment with one host, for as many participants as it has seats. The host is busy from the buffers on."""

    __tablename__ = "office_slot"
    __table_args__ = (
        sa.UniqueConstraint("sitting_id", "position", name="uq_office_slot_position"),
        # Not redundant: bookings point at all three, so that their times follow the slot's.
        sa.UniqueConstraint("id", "starts_at", "ends_at", name="uq_office_slot_times"),
        sa.CheckConstraint("busy_from <= starts_at AND starts_at < ends_at AND ends_at <= busy_until", name="times"),
        sa.Index("ix_office_slot_host", "host_id", "busy_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sitting_id: Mapped[int] = mapped_column(sa.ForeignKey(Sitting.id))
    position: Mapped[int]
    host_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    state: Mapped[SlotState] = mapped_column(default=SlotState.OPEN)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    busy_from: Mapped[datetime]
    busy_until: Mapped[datetime]

    sitting: Mapped[Sitting] = relationship(lazy="raise_on_sql")
    host: Mapped[Account] = relationship(lazy="raise_on_sql")


class Seat(Model):
    """One chair of a slot: capacity as rows, so that no booking can take a chair that is not there."""

    __tablename__ = "office_seat"
    __table_args__ = (sa.CheckConstraint("seat_no > 0", name="seat_no"),)

    slot_id: Mapped[int] = mapped_column(sa.ForeignKey(Slot.id), primary_key=True)
    seat_no: Mapped[int] = mapped_column(primary_key=True)


class Booking(Moving[BookingState], Model):
    """A participant's seat in a slot. Rescheduling changes the row: its uid stays, its sequence grows."""

    __tablename__ = "office_booking"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["slot_id", "starts_at", "ends_at"],
            ["office_slot.id", "office_slot.starts_at", "office_slot.ends_at"],
            name="fk_office_booking_slot",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["slot_id", "seat_no"], ["office_seat.slot_id", "office_seat.seat_no"], name="fk_office_booking_seat"
        ),
        sa.CheckConstraint("(state = 'held') = (hold_expires_at IS NOT NULL)", name="held_expires"),
        sa.CheckConstraint("quota_no > 0", name="quota_no"),
        sa.CheckConstraint("sequence >= 0", name="sequence"),
        sa.UniqueConstraint("participant_id", "idempotency_key", name="uq_office_booking_request"),
        _unique_where("uq_office_booking_seat", "slot_id", "seat_no", states=LIVE),
        _unique_where("uq_office_booking_once", "slot_id", "participant_id", states=LIVE),
        _unique_where("uq_office_booking_quota", "participant_id", "quota_period", "quota_no", states=COUNTED),
        sa.Index("ix_office_booking_due", "state", "starts_at"),
        sa.Index("ix_office_booking_participant", "participant_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(sa.String(36), unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    slot_id: Mapped[int]
    seat_no: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[BookingState] = mapped_column(default=BookingState.CONFIRMED)
    state_since: Mapped[datetime]
    hold_expires_at: Mapped[datetime | None]
    quota_period: Mapped[str] = mapped_column(sa.String(8))
    quota_no: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(sa.String(64))
    booked_at: Mapped[datetime]
    # When it last changed in a way that a calendar shows.
    changed_at: Mapped[datetime]
    topic: Mapped[str] = mapped_column(sa.String(120))
    scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))
    question: Mapped[str] = mapped_column(sa.Text, default="", deferred=True)

    participant: Mapped[Participant] = relationship(lazy="raise_on_sql")
    account: Mapped[Account] = relationship(lazy="raise_on_sql")
    scenario: Mapped[Scenario | None] = relationship(lazy="raise_on_sql")
    slot: Mapped[Slot] = relationship(
        primaryjoin="Booking.slot_id == Slot.id", foreign_keys="Booking.slot_id", viewonly=True, lazy="raise_on_sql"
    )


class Feed(Model):
    """A calendar address. Whoever knows the token reads the calendar, so only its hash is kept."""

    __tablename__ = "office_feed"
    __table_args__ = (
        sa.Index(
            "uq_office_feed_live",
            "account_id",
            "scope",
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    scope: Mapped[FeedScope]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="raise_on_sql")


# SQLite has no exclusion constraints; a trigger before each write is as strict, for there is one writer at a time.
_TRIGGER = Template(
    """CREATE TRIGGER ${name}_$verb BEFORE $event ON $table FOR EACH ROW WHEN NEW.$live AND EXISTS (
    SELECT 1 FROM $table AS other WHERE other.$who = NEW.$who AND other.id IS NOT NEW.id AND other.$live
    AND other.$since < NEW.$until AND other.$until > NEW.$since
) BEGIN SELECT RAISE(ABORT, '$name'); END"""
)
_EXCLUSION = Template(
    "ALTER TABLE $table ADD CONSTRAINT $name EXCLUDE USING gist "
    "(int8range($who, $who, '[]') WITH &&, tstzrange($since, $until) WITH &&) WHERE ($live)"
)


def _no_overlap(table: sa.FromClause, name: str, who: str, since: str, until: str, live: str) -> None:
    """Let no two live rows of the same `who` overlap in time, on either database, under the same constraint name."""
    words = {"table": table.description, "name": name, "who": who, "since": since, "until": until, "live": live}
    insert = _TRIGGER.substitute(words, verb="insert", event="INSERT")
    update = _TRIGGER.substitute(words, verb="update", event=f"UPDATE OF {who}, {since}, {until}, state")
    ddl(table, sqlite=[insert, update], postgresql=_EXCLUSION.substitute(words))


_no_overlap(Slot.__table__, "ex_office_slot_host", "host_id", "busy_from", "busy_until", "state = 'open'")
_no_overlap(
    Booking.__table__, "ex_office_booking_participant", "participant_id", "starts_at", "ends_at", str(_any_of(LIVE))
)

explain("ex_office_slot_host", "A host already has another slot at that time.")
explain("ex_office_booking_participant", "You already have a booking at that time.")
explain(
    "uq_office_booking_seat",
    "This seat has just been taken. Choose another slot.",
    columns="office_booking.slot_id, office_booking.seat_no",
)
explain(
    "uq_office_booking_once",
    "You already have a seat in this slot.",
    columns="office_booking.slot_id, office_booking.participant_id",
)
explain(
    "uq_office_booking_quota",
    "Your bookings of that week are used up.",
    columns="office_booking.participant_id, office_booking.quota_period, office_booking.quota_no",
)
explain(
    "uq_office_booking_request",
    "This request has been received already. Look at your bookings.",
    columns="office_booking.participant_id, office_booking.idempotency_key",
)
explain(
    "uq_office_session_recurrence",
    "This session exists already.",
    columns="office_session.series_id, office_session.recurrence_local",
)
explain(
    "uq_office_feed_live",
    "A new calendar address has just been made. Reload the page.",
    columns="office_feed.account_id, office_feed.scope",
)
