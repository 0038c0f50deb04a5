"""What leads type about clocks."""

from wtforms import BooleanField, IntegerField, SelectField, SelectMultipleField, TextAreaField, widgets
from wtforms.validators import InputRequired, NumberRange, ValidationError

from portal.core.errors import Invalid
from portal.core.forms import Form
from portal.reports.rules import Calendar, Settings, Term, read_holidays
from portal.reports.states import ClockName

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KINDS = {"calendar": "calendar days", "business": "business days"}
SAYS = {
    ClockName.FIRST_ANSWER: "First answer", ClockName.TRIAGE: "Triage", ClockName.DECISION: "Decision",
    ClockName.FIX: "Fix",
}  # fmt: skip


def _days(label: str) -> IntegerField:
    return IntegerField(label, [InputRequired("Say how many days."), NumberRange(1, 365, "1 to 365 days.")])


def _kind(label: str) -> SelectField:
    return SelectField(label, choices=KINDS)


def _warn(label: str) -> IntegerField:
    return IntegerField(label, [InputRequired("Say after how much."), NumberRange(1, 99, "1 to 99 percent.")])


class ClocksForm(Form):
    """All clocks of a challenge, its working hours and holidays."""

    first_answer_days, first_answer_kind, first_answer_warn = _days("Days"), _kind("Counted in"), _warn("Remind at %")
    triage_days, triage_kind, triage_warn = _days("Days"), _kind("Counted in"), _warn("Remind at %")
    decision_days, decision_kind, decision_warn = _days("Days"), _kind("Counted in"), _warn("Remind at %")
    fix_days, fix_kind, fix_warn = _days("Days"), _kind("Counted in"), _warn("Remind at %")
    opens_at = IntegerField("A business day begins at", [InputRequired(), NumberRange(0, 23, "An hour from 0 to 23.")])
    closes_at = IntegerField("It ends at", [InputRequired(), NumberRange(1, 24, "An hour from 1 to 24.")])
    workdays = SelectMultipleField(
        "Business days", choices={str(number): day for number, day in enumerate(DAYS)},
        option_widget=widgets.CheckboxInput(), widget=widgets.ListWidget(prefix_label=False),
    )  # fmt: skip
    holidays = TextAreaField(
        "Holidays", render_kw={"rows": 6, "class": "mono", "spellcheck": "false"},
        description="A line each, as CSV: 2020-12-25, Christmas Day. Paste a table, if you have one.",
    )  # fmt: skip
    assigns = BooleanField(
        "Give new reports to whoever has the fewest", description="In turn, where several have as many."
    )
    closes_after_days = IntegerField(
        "Close what is fixed after so many days", [InputRequired(), NumberRange(1, 365, "1 to 365 days.")],
        description="Unless the researcher says that it still works.",
    )  # fmt: skip

    @classmethod
    def of(cls, settings: Settings) -> "ClocksForm":
        """The form as things are set, or as it was sent."""
        calendar = settings.calendar
        given: dict[str, object] = {}
        for name, term in calendar.terms.items():
            given |= {f"{name}_days": term.days, f"{name}_warn": term.warn_percent}
            given[f"{name}_kind"] = "business" if term.business else "calendar"
        return cls(
            opens_at=calendar.opens_at, closes_at=calendar.closes_at,
            workdays=[str(number) for number in range(7) if calendar.workdays >> number & 1],
            holidays="\n".join(f"{day.isoformat()},{name}" for day, name in sorted(settings.holidays.items())),
            assigns=settings.assigns, closes_after_days=settings.closes_after_days, **given,
        )  # fmt: skip

    def validate_closes_at(self, field: IntegerField) -> None:
        """It ends after it begins."""
        if field.data is not None and self.opens_at.data is not None and field.data <= self.opens_at.data:
            raise ValidationError("A business day ends after it begins.")

    def validate_workdays(self, field: SelectMultipleField) -> None:
        """Somebody works at some time."""
        if not field.data:
            raise ValidationError("Choose at least one day.")

    def validate_holidays(self, field: TextAreaField) -> None:
        """Each line is a day."""
        try:
            read_holidays(field.data or "")
        except Invalid as problem:
            raise ValidationError(problem.messages["holidays"]) from problem

    def settings(self, zone: str) -> Settings:
        """What it says, once it is valid."""
        holidays = read_holidays(self.holidays.data or "")
        opens, closes, after = self.opens_at.data, self.closes_at.data, self.closes_after_days.data
        assert opens is not None
        assert closes is not None
        assert after is not None
        terms = {
            name: Term(self[f"{name}_days"].data, self[f"{name}_kind"].data == "business", self[f"{name}_warn"].data)
            for name in ClockName
        }
        workdays = sum(1 << int(number) for number in self.workdays.data or ())
        calendar = Calendar(zone, opens, closes, workdays, frozenset(holidays), terms)
        return Settings(calendar, holidays, bool(self.assigns.data), after)
