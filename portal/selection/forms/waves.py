"""Waves as forms."""

from wtforms import DateField, IntegerField
from wtforms.validators import InputRequired, Optional

from portal.core.forms import Form


class WaveForm(Form):
    """By when the invited should answer."""

    answer_on = DateField("Answer by the end of", validators=[Optional()])


class ReleaseForm(Form):
    """The number of answers, written out by the person who sends them."""

    count = IntegerField("Number of answers", validators=[InputRequired("Write how many answers go out.")],
                         render_kw={"inputmode": "numeric", "autocomplete": "off"})  # fmt: skip
