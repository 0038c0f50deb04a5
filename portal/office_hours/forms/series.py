"""A weekly series, as it is typed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TimeField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from portal.core.forms import Form
from portal.office_hours.actions.series import LONGEST
from portal.office_hours.models.series import MAX_STRIKE_DAYS
from portal.office_hours.rules import Plan, Share
from portal.office_hours.time import MAX_COUNT, MAX_INTERVAL, Weekly, known_zones

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

ROUNDS = {
    "0": "First come, first served", "24": "By a draw, after one day", "36": "By a draw, after a day and a half",
    "48": "By a draw, after two days", "72": "By a draw, after three days",
}  # fmt: skip


def _between(least: int, most: int) -> list[InputRequired | NumberRange]:
    return [InputRequired("Write a number."), NumberRange(least, most, f"From {least:,} to {most:,}.")]


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _row(account_id: int, share: Share | None) -> dict[str, object]:
    if share is None:
        return {"account": str(account_id), "weight": 1}
    return {"account": str(account_id), "takes": True, "weight": share.weight, "weekly_max": share.weekly_max,
            "components": ", ".join(share.components)}  # fmt: skip


# What the form and the plan call by the same name.
SAME = (
    "title", "slots", "slot_minutes", "seats", "buffer_before", "buffer_after", "advance_days", "weekly_quota",
    "engineers", "rolling_cap", "strike_limit", "strike_days", "strike_hours", "late_strikes",
    "round_hours",
)  # fmt: skip


def _shown(plan: Plan | None, zone: str) -> dict[str, object]:
    """A plan as the form shows it; without one, what is usual."""
    if plan is None:
        return {"zone": zone}
    rule = plan.rule
    return {
        "weekday": rule.first.weekday(), "start": rule.first.time(), "zone": rule.zone, "weeks": rule.interval,
        "first_on": rule.first.date(), "until": rule.until, "count": rule.count,
        "notice_hours": plan.notice_minutes // 60, "cutoff_hours": plan.cutoff_minutes // 60,
        "question_due_hours": plan.question_due_minutes and plan.question_due_minutes // 60,
        **{name: getattr(plan, name) for name in SAME}, "round_hours": plan.round_hours or 0,
    }  # fmt: skip


class HostForm(Form):
    """One engineer: whether they take part, and how much of it they take."""

    class Meta(Form.Meta):
        """Protected by the form around it."""

        csrf = False

    account = HiddenField()
    takes = BooleanField("Takes part")
    weight = IntegerField(
        "Weight", [Optional(), NumberRange(1, 100, "From 1 to 100.")], default=1, render_kw={"inputmode": "numeric"}
    )
    weekly_max = IntegerField(
        "Most slots a week", [Optional(), NumberRange(1, 100, "From 1 to 100.")], render_kw={"inputmode": "numeric"}
    )
    components = StringField("Knows", [Length(max=200, message="At most 200 characters.")])

    def share(self) -> Share:
        """What they take, as the plan has it."""
        words = (part.strip() for part in (self.components.data or "").split(","))
        known = tuple(dict.fromkeys(word for word in words if word))
        return Share(int(self.account.data or 0), self.weight.data or 1, self.weekly_max.data, known)


class SeriesForm(Form):
    """A weekly series. Times are on the clock of the series' own zone."""

    title = StringField(
        "Title", [DataRequired("Give it a title."), Length(max=80)], description="Shown to participants."
    )
    hosts = FieldList(FormField(HostForm), "Hosts", max_entries=200)
    engineers = SelectField("Engineers a slot", coerce=int, choices={"1": "One", "2": "Two"}, default=1)
    weekday = SelectField(
        "Weekday", coerce=int, choices={str(number): day for number, day in enumerate(DAYS)}, default=2
    )
    start = TimeField("Begins at", [InputRequired("Write a time, such as 09:00.")])
    zone = SelectField("Time zone", description="09:00 stays 09:00 there when its clocks change.")
    weeks = IntegerField("Every … weeks", _between(1, MAX_INTERVAL), default=1)
    first_on = DateField("On or after", [InputRequired("Write a date.")])
    until = DateField("Last day", [Optional()], description="Or a number of sessions, one of the two.")
    count = IntegerField("Sessions", [Optional(), NumberRange(1, MAX_COUNT, f"From 1 to {MAX_COUNT}.")])
    slots = IntegerField("Slots a session", _between(1, 48), default=4)
    slot_minutes = IntegerField("Minutes a slot", _between(5, 240), default=30)
    seats = IntegerField("Seats a slot", _between(1, 50), default=1)
    buffer_before = IntegerField("Minutes free before a slot", _between(0, 120), default=0)
    buffer_after = IntegerField("Minutes free after a slot", _between(0, 120), default=5)
    notice_hours = IntegerField("Book at least … hours before", _between(0, 336), default=2)
    advance_days = IntegerField("Book at most … days before", _between(1, 56), default=28)
    cutoff_hours = IntegerField("Cancel at least … hours before", _between(0, 336), default=12,
                                description="Later, the booking still counts for its week.")  # fmt: skip
    round_hours = SelectField(
        "How seats are given", coerce=int, default=0, choices=ROUNDS,
        description="In a draw it is of no account when somebody asked: nobody's night is a disadvantage.",
    )  # fmt: skip
    weekly_quota = IntegerField("Bookings a week and participant", _between(1, 14), default=1)
    rolling_cap = IntegerField(
        "Seats in any 4 weeks and participant", [Optional(), NumberRange(1, 56, "From 1 to 56.")],
        description="Empty is no cap besides the week's.",
    )  # fmt: skip
    strike_limit = IntegerField(
        "Strikes that limit", [Optional(), NumberRange(1, 20, "From 1 to 20.")], default=2,
        description="Who has so many can book late only. Empty: nobody is limited.",
    )  # fmt: skip
    strike_hours = IntegerField("Then book at most … hours before", _between(1, 672), default=48)
    strike_days = IntegerField("A strike lapses after … days", _between(1, MAX_STRIKE_DAYS), default=28)
    late_strikes = BooleanField("Cancelling after the cut-off is a strike too")
    question_due_hours = IntegerField(
        "Sealed question at least … hours before", [Optional(), NumberRange(1, 336, "From 1 to 336.")],
        description="Not before the cut-off above. Without a question by then, the slot goes to others. "
                    "Empty: none is demanded.",
    )  # fmt: skip

    preview_zone = SelectField("Preview on the clock of")

    def __init__(self, hosts: Mapping[int, str], zone: str, plan: Plan | None = None) -> None:
        taking = {share.account_id: share for share in plan.hosts} if plan else {}
        rows = [_row(account_id, taking.get(account_id)) for account_id in hosts]
        super().__init__(data={**_shown(plan, zone), "hosts": rows, "preview_zone": zone})
        self.names = [hosts.get(_number(row.account.data), "") for row in self.rows()]
        self.zone.choices = self.preview_zone.choices = {name: name for name in sorted(known_zones())}

    def rows(self) -> list[HostForm]:
        """The engineers' rows."""
        return [entry.form for entry in self.hosts]

    def validate(self, extra_validators: Any = None) -> bool:
        """Besides each field by itself: one of the two ways to end, not both and not neither."""
        fine = bool(super().validate(extra_validators))
        if not any(row.takes.data for row in self.rows()):
            self.hosts.errors = [*self.hosts.errors, "Choose at least one host."]
            fine = False
        if not self.count.errors and (self.until.data is None) == (self.count.data is None):
            self.count.errors = [*self.count.errors, "Give either a last day or a number of sessions."]
            return False
        return fine

    def validate_until(self, field: DateField) -> None:
        """Not over before it begins."""
        if field.data and self.first_on.data and field.data < self._first().date():
            raise ValidationError("The series would end before its first session.")

    def validate_slots(self, _field: IntegerField) -> None:
        """A working day has an end."""
        parts = (self.buffer_before.data, self.slot_minutes.data, self.buffer_after.data, self.slots.data)
        before, length, after, slots = (part or 0 for part in parts)
        if slots * timedelta(minutes=before + length + after) > LONGEST:
            raise ValidationError("A session lasts at most 12 hours, breaks included.")

    def validate_strike_hours(self, field: IntegerField) -> None:
        """Whoever may book late only must be able to book at all."""
        if self.strike_limit.data and (field.data or 0) <= (self.notice_hours.data or 0):
            raise ValidationError("Longer than the notice, or they could not book at all.")

    def _first(self) -> datetime:
        assert self.first_on.data is not None
        assert self.start.data is not None
        day = self.first_on.data + timedelta(days=(self.weekday.data - self.first_on.data.weekday()) % 7)
        return datetime.combine(day, self.start.data)

    def plan(self) -> Plan:
        """The series that the form describes."""
        rule = Weekly(self._first(), self.zone.data, self.weeks.data or 1, self.until.data, self.count.data)
        same = {name: self[name].data for name in SAME if name not in ("title", "round_hours")}
        return Plan(
            title=self.title.data or "", rule=rule,
            hosts=tuple(row.share() for row in self.rows() if row.takes.data),
            notice_minutes=60 * (self.notice_hours.data or 0), cutoff_minutes=60 * (self.cutoff_hours.data or 0),
            round_hours=self.round_hours.data or None,
            question_due_minutes=60 * self.question_due_hours.data if self.question_due_hours.data else None, **same,
        )  # fmt: skip
