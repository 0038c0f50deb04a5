"""A table of bookings, as it is sent."""

from wtforms import BooleanField, StringField
from wtforms.validators import Length, Optional

from portal.core.forms import TableForm
from portal.office_hours.forms.behalf import OVERRULES
from portal.office_hours.rules.imports import LARGEST


class ImportForm(TableForm):
    """A table of bookings, and whether their people are told."""

    largest = LARGEST

    mails = BooleanField("Send the ordinary mails", description="Otherwise nobody is told.")
    reason = StringField("Why at such short notice", [Optional(), Length(max=300)], description=OVERRULES)
