"""What is typed about acknowledgements."""

from wtforms import StringField
from wtforms.validators import DataRequired, Length

from portal.core.forms import Form


class ConsentForm(Form):
    """The name under which somebody wants to be thanked."""

    name = StringField(
        "Name to print",
        [DataRequired("Write the name that should be printed."), Length(max=120)],
        description="Your name, a handle, with or without your team: as you like.",
    )
