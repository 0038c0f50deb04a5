"""What somebody makes of an application at first sight, as a form."""

from wtforms import IntegerField, RadioField
from wtforms.validators import InputRequired, Optional

from portal.applications.states import Triage
from portal.core.forms import Form


class VerdictForm(Form):
    """One key or button. `seconds` is what the browser measured, where it measures."""

    verdict = RadioField(
        "Verdict", choices={verdict.value: verdict.value for verdict in Triage},
        validators=[InputRequired("Choose yes, maybe, no, spam or conflict.")],
    )  # fmt: skip
    seconds = IntegerField("Seconds", validators=[Optional()])

    def said(self) -> Triage:
        """What was chosen."""
        return Triage(self.verdict.data)

    def looked(self) -> int | None:
        """The seconds, if they are a number that can be."""
        return self.seconds.data if isinstance(self.seconds.data, int) else None
