"""What is typed about bookings."""

from uuid import uuid4

from wtforms import (
    HiddenField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.validators import DataRequired, InputRequired, Length

from portal.core.forms import Form
from portal.office_hours.actions import Wish

NEUTRAL = (
    "A few words, so that the right engineer can prepare. Your hosts read it, and whoever keeps the portal could: say "
    "nothing secret here. Your question goes in afterwards, sealed to your hosts."
)


class WishForm(Form):
    """A wish. The hidden key makes the same form sent twice one booking."""

    key = HiddenField(default=lambda: uuid4().hex, validators=[DataRequired(), Length(16, 64)])
    topic = StringField("Topic", [DataRequired("Say in a few words what it is about."), Length(max=120)])
    scenario = SelectField("Research scenario", coerce=int, default=0)
    component = SelectField("Component", default="")

    def wish(self) -> Wish:
        """What the form asks for."""
        return Wish(
            key=self.key.data or "", topic=self.topic.data or "", scenario_id=self.scenario.data or None,
            component=self.component.data or "",
        )  # fmt: skip


class BookForm(WishForm):
    """A wish of one's own."""

    topic = StringField(
        "Topic", [DataRequired("Say in a few words what you want to talk about."), Length(max=120)],
        description=NEUTRAL,
    )  # fmt: skip


class MoveForm(Form):
    """Another slot for a booking."""

    slot = RadioField("New slot", [InputRequired("Choose a slot.")], coerce=int)


class ReasonForm(Form):
    """Why something that others count on does not happen."""

    reason = StringField(
        "Reason", [DataRequired("Say why: it is in the mail to everybody who booked."), Length(max=300)]
    )
