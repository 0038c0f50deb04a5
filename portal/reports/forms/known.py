"""What programs send about known issues, and what triagers choose."""

from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.fields.core import Field
from wtforms.validators import DataRequired, Length, Optional

from portal.core.forms import Form


class Untouched(Field):
    """Text of which not one byte may change: a hash is over it."""

    data: str

    def process_formdata(self, valuelist: list[object]) -> None:
        """Take it as it is."""
        self.data = valuelist[0] if valuelist and isinstance(valuelist[0], str) else ""


class RevealForm(Form):
    """A known issue's text and salt, and to whom it is revealed."""

    text = Untouched()
    salt = StringField(validators=[DataRequired("The salt is missing."), Length(max=64)])
    report = StringField(validators=[Length(max=16)])
    link = IntegerField(validators=[Optional()])
    public = BooleanField()


class KnownForm(Form):
    """Which known issue a whole report is."""

    issue = SelectField("Known issue", coerce=str, validators=[DataRequired("Choose the known issue.")])
