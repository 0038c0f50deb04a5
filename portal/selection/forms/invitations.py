"""The answer to an invitation as a form."""

from wtforms import StringField
from wtforms.validators import InputRequired, Length

from portal.core.forms import Form


class AcceptForm(Form):
    """The name under the agreement."""

    typed_name = StringField(
        "Your full name, as a signature", render_kw={"autocomplete": "name", "maxlength": 120},
        validators=[InputRequired("Type your name to sign."), Length(min=2, max=120, message="Type your whole name.")],
    )  # fmt: skip
