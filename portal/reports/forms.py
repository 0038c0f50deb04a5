"""What people type about reports, as values or messages."""

from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, Optional, Regexp, ValidationError

from portal.core.forms import Form
from portal.core.moves import Move
from portal.reports.actions.drafts import Particulars
from portal.reports.rules import WANTED, Outcome
from portal.reports.states import ReportKind, ReportState, Severity

NEUTRAL = "In clear: everybody who runs the challenge can read it. Keep it neutral: “Report about the network daemon”."
SEVERITIES = {each.value: each.value.capitalize() for each in Severity}
KINDS = {
    ReportKind.FULL.value: "It stands on its own",
    ReportKind.ASSUMING.value: "It assumes a capability: a link of a chain",
}


class ReportForm(Form):
    """What stays in clear of a report; `sealed` is the file of those who seal with gpg."""

    title = StringField(
        "Title",
        [DataRequired("Give it a title."), Length(max=120), Regexp(r"^[^\r\n\t]*$", message="One line only.")],
        description=NEUTRAL,
    )  # fmt: skip
    kind = RadioField("Kind", choices=KINDS, default=ReportKind.FULL.value)
    capability = StringField(
        "Assumed capability", [Length(max=200)],
        description="In clear, so in general words: “code execution in an application”. Only for a link of a chain.",
    )  # fmt: skip
    scenario = SelectField("Scenario", coerce=str, default="")
    severity = SelectField("Severity, as you see it", choices=SEVERITIES, default=Severity.IMPORTANT.value)
    build = StringField(
        "Build", [DataRequired("Name the build."), Length(max=60)], description="The version you tested: 20.06, say."
    )
    sealed = FileField("Sealed file")

    def validate_capability(self, field: StringField) -> None:
        """A link of a chain says what it assumes."""
        if self.kind.data == ReportKind.ASSUMING.value and not field.data:
            raise ValidationError("Say which capability it assumes.")

    def particulars(self) -> Particulars:
        """The values, once they are valid."""
        return Particulars(
            title=self.title.data or "",
            severity=Severity(self.severity.data),
            build=self.build.data or "",
            kind=ReportKind(self.kind.data),
            capability=self.capability.data or None,
            scenario_id=int(self.scenario.data) if self.scenario.data else None,
        )


class SealedForm(Form):
    """One file for a report that has been begun."""

    sealed = FileField("Sealed file")


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

    duplicate_of_id: int | None = None

    def check(self, step: Move[ReportState]) -> bool:
        """Whether everything is there that the step needs, with messages at the fields where it is not."""
        good = self.validate()
        for name in step.needs:
            field = self[name]
            if not field.data and not field.errors:
                field.errors = [WANTED[name]]
        return good and not self.errors

    def outcome(self) -> Outcome:
        """The values, once they are valid."""
        return Outcome(
            message=self.message.data or None,
            severity=Severity(self.severity.data) if self.severity.data else None,
            duplicate_of_id=self.duplicate_of_id,
            mitigating_layer=self.mitigating_layer.data or None,
            fixed_release=self.fixed_release.data or None,
            fixed_on=self.fixed_on.data,
        )


class AssignForm(Form):
    """Who is responsible."""

    assignee = SelectField("Responsible", coerce=str)


class AssessForm(Form):
    """What the report is worth to the programme."""

    severity = SelectField("Severity", choices={"": "Not assessed", **SEVERITIES})
    achieved = SelectField("Scenario achieved", coerce=str)
    led_to_improvement = BooleanField("It led to an improvement of the product")


class NoteForm(Form):
    """Something for the other triagers."""

    text = TextAreaField(
        "Note", [DataRequired("Write something."), Length(max=4000)],
        description="For triagers only. Still in clear on the server: no details of the finding.",
    )  # fmt: skip


class TokenForm(Form):
    """A name by which one knows a token again."""

    name = StringField("Name", [DataRequired("Give it a name."), Length(max=60)], description="Where it will be used.")


class KeySetForm(Form):
    """The certificates of the next key set."""

    triagers = TextAreaField(
        "Triagers' certificates", [DataRequired("Paste at least one certificate.")],
        description="gpg --armor --export A B …: one block or several. Accounts are found by the address in the key.",
    )  # fmt: skip
    recovery = TextAreaField(
        "Recovery certificate", [DataRequired("Paste the off-line recovery certificate.")],
        description="Its secret key is kept off-line, for the day when all triagers' keys are lost.",
    )  # fmt: skip
    signature = TextAreaField(
        "Signature", [Length(max=8000)],
        description="By the recovery key of the set before, over the statement of this set: detached and armored.",
    )  # fmt: skip
