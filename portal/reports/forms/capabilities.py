"""What triagers type about capabilities."""

from wtforms import RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Regexp

from portal.core.forms import Form


class CapabilityForm(Form):
    """A capability for the list."""

    code = StringField(
        "Code", [DataRequired("Give it a code."), Regexp(r"^[A-Z0-9][A-Z0-9-]{0,19}$", message="Like APP-CODE.")]
    )
    words = StringField(
        "In words", [DataRequired("Say what one can do."), Length(max=200)],
        description="In public, so in general words: “code execution in an application”.",
    )  # fmt: skip
    scenario = SelectField("Scenario that would give it", coerce=str, default="")


class RelateForm(Form):
    """What a report assumes, or a link of one gives."""

    report = StringField(
        "Report", [DataRequired("Name the report."), Length(max=40)],
        description="With its link, where the link gives it: R-0007/2.",
    )  # fmt: skip
    how = RadioField(
        "How", choices={"assumes": "It assumes it", "gives": "This link gives it"},
        validators=[DataRequired("Say which.")],
    )  # fmt: skip
    capability = SelectField("Capability", coerce=str)


class JoinForm(Form):
    """Two reports that go together."""

    giving = StringField(validators=[DataRequired(), Length(max=16)])
    assuming = StringField(validators=[DataRequired(), Length(max=16)])
    capability = StringField(validators=[DataRequired(), Length(max=20)])
