"""Whether a place comes with a kit, as a form."""

from wtforms import HiddenField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, Length

from portal.core.forms import Form


class NeedForm(Form):
    """The reason why somebody needs no kit, or why they do after all."""

    needs = HiddenField(validators=[AnyOf(("yes", "no"))])
    reason = TextAreaField(
        "Reason", [DataRequired("Say why."), Length(max=300, message="At most 300 characters.")],
        description="For the staff.", render_kw={"rows": 2},
    )  # fmt: skip
