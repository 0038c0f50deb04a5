"""What a researcher types about a report, as values or messages."""

from collections.abc import Mapping

from flask_wtf.file import FileField
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Regexp, ValidationError

from portal.core.forms import Form
from portal.reports.actions.drafts import Particulars
from portal.reports.forms.base import SEVERITIES
from portal.reports.forms.links import LinksField
from portal.reports.states import ReportKind, Severity

NEUTRAL = "In clear: everybody who runs the challenge can read it. Keep it neutral: “Report about the network daemon”."
KINDS = {
    ReportKind.FULL.value: "It stands on its own",
    ReportKind.ASSUMING.value: "It assumes a capability: a link of a chain",
}
# The last choice among builds. No build is called so.
BY_HAND = "*"


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
    known_build = SelectField("Build", default="", description="The version you tested.")
    build = StringField("Name of the build", [Length(max=60)], description="As it calls itself: 20.06, say.")
    links = LinksField(
        "Links of the chain", description="Only where it is a chain. One a line, in clear: title | starts from | gives",
        render_kw={"rows": 3},
    )  # fmt: skip
    sealed = FileField("Sealed file")

    def offer(self, scenarios: Mapping[str, str], builds: Mapping[str, str]) -> None:
        """What there is to choose from: words by value. Where no build is known, its name is typed."""
        self.scenario.choices = {"": "None of them", **scenarios}
        self.known_build.choices = {"": "Choose one", **builds, BY_HAND: "Another, named by hand"}
        self.known_build.flags.required = bool(builds)
        self.build.flags.required = not builds

    def validate_build(self, field: StringField) -> None:
        """A report names a build: one that was chosen, or one by hand. Programs send the name alone."""
        if self.known_build.data not in ("", BY_HAND):
            field.data = self.known_build.data
        if not field.data:
            raise ValidationError("Name the build.")

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
            links=self.links.links,
        )


class SealedForm(Form):
    """One file for a report that has been begun."""

    sealed = FileField("Sealed file")
