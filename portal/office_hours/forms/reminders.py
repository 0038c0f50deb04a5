"""What is chosen about reminders."""

from wtforms import SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.forms import Form

BEFORE = {"day": "24 hours before", "hour": "1 hour before", "quarter": "15 minutes before"}


class RemindersForm(Form):
    """How long before office hours to be reminded; nothing ticked is never."""

    before = SelectMultipleField(
        "Remind me by mail", choices=BEFORE, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(),
        description="Tick nothing for no reminders. The invitation comes in any case.",
    )  # fmt: skip
