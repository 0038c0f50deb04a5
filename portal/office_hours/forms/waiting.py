"""What is typed to join a waiting list."""

from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.forms import Form
from portal.office_hours.actions import Wish


class WaitForm(Form):
    """What one waits for, and what it will be about."""

    slots = SelectMultipleField(
        "Only these slots", coerce=int, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(),
        description="Tick none to wait for any slot of this session: that is the best chance.",
    )  # fmt: skip
    topic = StringField(
        "Topic", [DataRequired("Say in a few words what you want to talk about."), Length(max=120)],
        description="A few words. A question can be added once you have the seat.",
    )  # fmt: skip
    scenario = SelectField("Research scenario", coerce=int, default=0)

    def wish(self) -> Wish:
        """What the booking will be about; its key is the offer's."""
        return Wish(key="", topic=self.topic.data or "", scenario_id=self.scenario.data or None)


class OfferForm(Form):
    """Which free seat a lead offers to somebody who waits."""

    slot = SelectField("Slot", coerce=int)
