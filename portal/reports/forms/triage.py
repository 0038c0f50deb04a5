"""What triagers type, as values or messages."""

from wtforms import BooleanField, DateField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from portal.core.errors import Invalid, PortalError, Refused
from portal.core.forms import Form
from portal.core.moves import Move
from portal.reports import states
from portal.reports.forms.base import SEVERITIES
from portal.reports.rules import WANTED, Outcome, scored
from portal.reports.states import Reason, ReportState, Severity


class MoveForm(Form):
    """What a triager says with a move. `duplicate_of_id` is looked up by the view."""

    move = HiddenField()
    message = TextAreaField(
        "Message to the researcher", [Length(max=1000)],
        description="In clear, on the report's page. No details of the finding.",
    )  # fmt: skip
    severity = SelectField("Severity", choices={"": "Choose", **SEVERITIES}, default="")
    duplicate_of = StringField(
        "Duplicate of", [Length(max=16)], description="The reference of the report that was first."
    )
    mitigating_layer = StringField(
        "Mitigated by", [Length(max=200)], description="The part of the system that mitigates it."
    )
    fixed_release = StringField("Release", [Length(max=40)], description="20.07, say.")
    fixed_on = DateField("Released on", [Optional()])
    reason = SelectField("Reason", choices={}, default="", validate_choice=False,
                         description="Its code stands on the page, in clear.")  # fmt: skip
    # The newest line of the timeline that the person had before them.
    seen = HiddenField()

    duplicate_of_id: int | None = None

    def offer(self, step: Move[ReportState]) -> "MoveForm":
        """The form with the reasons that go with a step."""
        offered = states.REASONS.get(step.name, ())
        self.reason.choices = {each.value: each.replace("_", " ").capitalize() for each in offered}
        return self

    def check(self, step: Move[ReportState]) -> bool:
        """Whether everything is there that the step needs, with messages at the fields where it is not."""
        good = self.offer(step).validate()
        if self.reason.data and self.reason.data not in [each.value for each in states.REASONS.get(step.name, ())]:
            self.reason.errors = ["Choose a reason that goes with this step."]
        for name in step.needs:
            field = self[name]
            if not field.data and not field.errors:
                field.errors = [WANTED[name]]
        return good and not self.errors

    def refuse(self, fault: PortalError) -> bool:
        """Say at the top, or at its fields, why the step was not taken; whether there was anything to say."""
        if isinstance(fault, Invalid):
            for name, message in fault.messages.items():
                self[name].errors = [message]
        elif isinstance(fault, Refused):
            self.form_errors = [fault.reason]
        return isinstance(fault, (Invalid, Refused))

    def outcome(self) -> Outcome:
        """The values, once they are valid."""
        return Outcome(
            message=self.message.data or None,
            severity=Severity(self.severity.data) if self.severity.data else None,
            duplicate_of_id=self.duplicate_of_id,
            mitigating_layer=self.mitigating_layer.data or None,
            fixed_release=self.fixed_release.data or None,
            fixed_on=self.fixed_on.data,
            reason=Reason(self.reason.data) if self.reason.data else None,
        )


class OwnForm(Form):
    """What a researcher says with a move."""

    move = HiddenField()
    message = TextAreaField(
        "Message to the team", [Length(max=1000)],
        description="In clear, on the report's page. No details of the finding.",
    )  # fmt: skip


class AssignForm(Form):
    """Who is responsible."""

    assignee = SelectField("Responsible", coerce=str)
    hand_over = TextAreaField(
        "Word to whoever takes over", [Length(max=1000)], description="Kept among the notes. No details of the finding."
    )


class AssessForm(Form):
    """What the report is worth to the programme."""

    severity = SelectField("Severity", choices={"": "Not assessed", **SEVERITIES})
    achieved = SelectField("Scenario achieved", coerce=str)
    cvss = StringField(
        "CVSS vector", [Length(max=200)], render_kw={"class": "mono", "autocomplete": "off", "spellcheck": "false"},
        description="Optional, 4.0 or 3.1, and in clear: a vector tells something of the finding.",
    )  # fmt: skip
    led_to_improvement = BooleanField("It led to an improvement of the product")

    def validate_cvss(self, field: StringField) -> None:
        """It is a vector that can be counted."""
        try:
            if field.data:
                scored(field.data)
        except Invalid as problem:
            raise ValidationError(problem.messages["cvss"]) from problem


class NoteForm(Form):
    """Something for the other triagers."""

    text = TextAreaField(
        "Note", [DataRequired("Write something."), Length(max=4000)],
        description="For triagers only. Still in clear on the server: no details of the finding.",
    )  # fmt: skip
