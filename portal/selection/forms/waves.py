"""Waves as forms."""

from wtforms import BooleanField, DateField, IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from portal.core.forms import Form
from portal.selection.models import Wave
from portal.selection.rules.letters import BODY, SUBJECT
from portal.selection.rules.pace import DAYS, Pace


class WaveForm(Form):
    """By when the invited should answer."""

    answer_on = DateField("Answer by the end of", validators=[Optional()])


class ReleaseForm(Form):
    """The number of answers, written out by the person who sends them, and that they know where kits cannot go."""

    count = IntegerField("Number of answers", validators=[InputRequired("Write how many answers go out.")],
                         render_kw={"inputmode": "numeric", "autocomplete": "off"})  # fmt: skip
    unsure = BooleanField("I know that kits may not reach them, and invite them all the same")


def _hours(first: int) -> dict[str, str]:
    return {str(hour): f"{hour}:00" for hour in range(first, first + 24)}


class PaceForm(Form):
    """How fast, and when."""

    rate = IntegerField(
        "Answers a minute", render_kw={"inputmode": "numeric", "autocomplete": "off"},
        validators=[Optional(), NumberRange(1, 6000, message="Between 1 and 6000, or nothing.")],
    )  # fmt: skip
    open_from = SelectField("Not before", choices=_hours(0))
    open_until = SelectField("Not after", choices=_hours(1))
    weekdays = SelectMultipleField("On", choices={str(number): name for number, name in enumerate(DAYS)})

    def validate_open_until(self, field: SelectField) -> None:
        """The hours have an order."""
        if field.data and self.open_from.data and int(field.data) <= int(self.open_from.data):
            raise ValidationError("Choose an hour after the first one.")

    def validate_weekdays(self, field: SelectMultipleField) -> None:
        """Never is no plan."""
        if not field.data:
            raise ValidationError("Choose at least one day.")

    def show(self, wave: Wave) -> None:
        """Fill in the pace of a wave."""
        self.rate.data = wave.rate
        self.open_from.data, self.open_until.data = str(wave.open_from), str(wave.open_until)
        self.weekdays.data = [str(number) for number in range(7) if wave.weekdays >> number & 1]

    def pace(self) -> Pace:
        """The pace that was chosen."""
        days = sum(1 << int(number) for number in self.weekdays.data or [])
        return Pace(self.rate.data, int(self.open_from.data), int(self.open_until.data), days)


class StopForm(Form):
    """Why a wave ends before everybody was told."""

    reason = StringField("Why", validators=[InputRequired("Say why."), Length(max=100)])


class LetterForm(Form):
    """What one kind of answer says."""

    subject = StringField("Subject", validators=[Length(max=SUBJECT)], render_kw={"maxlength": SUBJECT})
    body = TextAreaField("Text", validators=[Length(max=BODY)], render_kw={"maxlength": BODY, "rows": 16})


class SettleForm(Form):
    """How somebody was told whom no mail reaches."""

    note = StringField("How they were told", validators=[InputRequired("Say how they were told."), Length(max=500)])


class ReturnedForm(Form):
    """A mail that came back."""

    address = StringField(
        "Address", validators=[InputRequired("Name the address."), Length(max=254)],
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )  # fmt: skip
    reason = StringField("What the answer said", validators=[Length(max=500)], render_kw={"autocomplete": "off"})
