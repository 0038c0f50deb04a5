"""What staff type when they book, move or cancel for somebody, and when they forgive."""

from wtforms import RadioField, SelectField, StringField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from portal.core.forms import Form
from portal.office_hours.forms.bookings import WishForm

OVERRULES = "Only where notice, advance or cut-off has passed. It is kept; seats and quota cannot be overruled."


class _SlotForm(Form):
    """A slot, and why rules about time do not matter for once."""

    # Whether it is still free is known when it is booked: the same form sent twice names one that is not.
    slot = SelectField("Slot", coerce=int, validate_choice=False)
    reason = StringField("Why at such short notice", [Optional(), Length(max=300)], description=OVERRULES)

    def offer(self, slots: dict[str, str]) -> None:
        """Set the choices, with none chosen beforehand."""
        self.slot.choices = {"0": "Choose a slot"} | slots

    def validate_slot(self, field: SelectField) -> None:
        """One must be chosen."""
        if not field.data:
            raise ValidationError("Choose a slot.")


class BookForForm(_SlotForm, WishForm):
    """A wish of a participant, typed by somebody else."""

    person = SelectField("For whom", coerce=int, validators=[InputRequired("Choose somebody.")])


class MoveForForm(_SlotForm):
    """Another slot for somebody's booking."""


class CancelForForm(Form):
    """On whose account a booking does not take place."""

    whose = RadioField(
        "On whose account", [InputRequired("Say on whose account.")],
        choices={
            "hosts": "Ours: the seat does not count for the week",
            "theirs": "Theirs, as if they had cancelled: after the cut-off it counts for the week",
        },
    )  # fmt: skip
    reason = StringField("Reason", [DataRequired("Say why: it is in the mail."), Length(max=300)])


class ForgiveForm(Form):
    """Why what was missed does not count."""

    reason = StringField("Reason", [DataRequired("Say why: it is in the mail."), Length(max=300)])
