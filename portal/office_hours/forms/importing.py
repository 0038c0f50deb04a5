"""A table of bookings, as it is sent."""

from wtforms import BooleanField, FileField, IntegerField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from portal.core.forms import Form
from portal.office_hours.forms.behalf import OVERRULES
from portal.office_hours.rules.imports import LARGEST, TOO_LONG


class ImportForm(Form):
    """A table: a file, or pasted. `good` is how many rows the person was told are good."""

    file = FileField("File", description="CSV, with a first line that names the columns.",
                     render_kw={"accept": ".csv,text/csv"})  # fmt: skip
    text = TextAreaField(
        "Or paste the table",
        [Length(max=LARGEST, message=TOO_LONG)],
        render_kw={"rows": 8, "class": "mono", "spellcheck": "false"},
    )
    mails = BooleanField("Send the ordinary mails", description="Otherwise nobody is told.")
    reason = StringField("Why at such short notice", [Optional(), Length(max=300)], description=OVERRULES)
    good = IntegerField(validators=[Optional()])
