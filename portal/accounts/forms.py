"""What people send about themselves."""

from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from portal.accounts.rules import zones_by_region
from portal.core.forms import Form


class ProfileForm(Form):
    """How a person is called, and in which zone they read times."""

    name = StringField(
        "Name", validators=[Length(max=80)],
        description="As reviewers and acknowledgements should know you. Links are taken out.",
    )  # fmt: skip
    zone = SelectField(
        "Time zone", choices=zones_by_region, description="Every time in the portal and its mails is shown in it."
    )


class EraseForm(Form):
    """Typed to show that one means it."""

    email = StringField("Your e-mail address", validators=[DataRequired("Type the address of your account.")])
