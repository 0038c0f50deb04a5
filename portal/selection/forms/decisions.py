"""Decisions and single steps as forms."""

from datetime import date

from wtforms import BooleanField, DateField, IntegerField, SelectField, TextAreaField
from wtforms.validators import Length, Optional

from portal.applications.states import Decision, Disqualified
from portal.core.forms import Form
from portal.selection.actions.decisions import Given
from portal.selection.rules import end_of_day

DECISIONS = {"invite": Decision.INVITE, "waitlist": Decision.WAITLIST, "decline": Decision.DECLINE, "clear": None}


class DecideForm(Form):
    """A decision for the shown applications that are ticked, or for all of the filter."""

    decision = SelectField("Decision", choices={name: name for name in DECISIONS})
    all = BooleanField("All of this filter")
    count = IntegerField("How many", validators=[Optional()])

    def chosen(self) -> Decision | None:
        """The decision; None clears what was meant."""
        return DECISIONS[self.decision.data]


class StepForm(Form):
    """What a step of the lead needs; each shows only its own fields."""

    kind = SelectField("What it is", default="",
                       choices={"": "Choose …", **{kind.value: kind.value for kind in Disqualified}})  # fmt: skip
    duplicate_of = IntegerField("Number of the other application", validators=[Optional()],
                                description="Only for a duplicate.")  # fmt: skip
    answer_on = DateField("Answer by the end of", validators=[Optional()])
    reason = TextAreaField("Reason", validators=[Length(max=500, message="At most 500 characters.")],
                           render_kw={"rows": 2})  # fmt: skip

    def belong_to(self, step: str) -> "StepForm":
        """Several steps may stand on one page: each one's fields are its own."""
        for field in self:
            field.id = f"{step}-{field.id}"
            field.label.field_id = field.id
        return self

    def given(self, zone: str) -> Given:
        """As the action takes it; days end in the challenge's zone."""
        day: date | None = self.answer_on.data
        return Given(
            reason=self.reason.data or "",
            kind=Disqualified(self.kind.data) if self.kind.data else None,
            duplicate_of_id=self.duplicate_of.data,
            answer_by=end_of_day(day, zone) if day else None,
        )

    def complain(self, messages: dict[str, str]) -> None:
        """Put what the action would refuse beside the fields."""
        fields = {"answer_by": self.answer_on, "duplicate_of_id": self.duplicate_of}
        for name, message in messages.items():
            field = fields.get(name) or self[name]
            field.errors = [*field.errors, message]
