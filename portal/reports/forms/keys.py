"""What is typed about tokens and key sets."""

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from portal.core.forms import Form


class TokenForm(Form):
    """A name by which one knows a token again."""

    name = StringField("Name", [DataRequired("Give it a name."), Length(max=60)], description="Where it will be used.")


class KeySetForm(Form):
    """The certificates of the next key set."""

    triagers = TextAreaField(
        "Triagers' certificates", [DataRequired("Paste at least one certificate.")],
        description="gpg --armor --export A B …: one block or several. Accounts are found by the address in the key.",
    )  # fmt: skip
    recovery = TextAreaField(
        "Recovery certificate", [DataRequired("Paste the off-line recovery certificate.")],
        description="Its secret key is kept off-line, for the day when all triagers' keys are lost.",
    )  # fmt: skip
    signature = TextAreaField(
        "Signature", [Length(max=8000)],
        description="What gpg wrote into the .asc file beside the statement.",
    )  # fmt: skip
