"""What the lead does to many applications, as a form."""

from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from portal.applications.states import Disqualified, Triage
from portal.core.forms import Form
from portal.selection.rules.bulk import FLAG_LENGTH, KINDS, LABELS, REASON_LENGTH, VERDICTS, Values
from portal.selection.states import BulkVerb

_VERBS = {"": "With the selected …", **{verb.value: label for verb, label in LABELS.items()}}


class BulkForm(Form):
    """A verb for the ticked applications, or for all of the filter in the address."""

    verb = SelectField("What to do", choices=_VERBS, default="")
    all = BooleanField("All of this filter")
    count = IntegerField("How many", validators=[Optional()])
    flag = StringField("Flag", validators=[Length(max=FLAG_LENGTH)])
    verdict = RadioField("Triage result", choices={verdict.value: verdict.value for verdict in VERDICTS},
                         validate_choice=False, description="A later look counts anew.")  # fmt: skip
    kind = RadioField("What it is", choices={kind.value: kind.value for kind in KINDS}, validate_choice=False)
    reason = TextAreaField("Reason", validators=[Length(max=REASON_LENGTH)], render_kw={"rows": 2},
                           description="For the staff, the same for all of them.")  # fmt: skip

    def chosen(self) -> BulkVerb | None:
        """The verb; None where none was chosen."""
        return BulkVerb(self.verb.data) if self.verb.data in set(BulkVerb) else None

    def given(self) -> Values:
        """What the verb is given."""
        return Values(
            flag=" ".join((self.flag.data or "").split()),
            verdict=Triage(self.verdict.data) if self.verdict.data in set(Triage) else None,
            kind=Disqualified(self.kind.data) if self.kind.data in set(Disqualified) else None,
            reason=self.reason.data or "",
        )

    def complain(self, messages: dict[str, str]) -> None:
        """Put what the action would refuse beside the fields."""
        for name, message in messages.items():
            field = self[name]
            field.errors = [*field.errors, message]
