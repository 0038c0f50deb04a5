"""What is pasted about signed things: security.txt, and receipts to be verified."""

from wtforms import FileField, TextAreaField
from wtforms.validators import DataRequired, Length

from portal.core.forms import Form


class SecurityTextForm(Form):
    """The signed copy of security.txt."""

    copy = TextAreaField(
        "Signed text", [DataRequired("Paste what gpg --clearsign wrote."), Length(max=32_000)],
        description="All of security.txt.asc, from BEGIN PGP SIGNED MESSAGE to END PGP SIGNATURE.",
    )  # fmt: skip


class VerifyForm(Form):
    """A receipt and its signature, as files or as text. Nothing of it is kept."""

    receipt_file = FileField("Receipt", description="The .json file, unchanged.", render_kw={"accept": ".json"})
    signature_file = FileField("Signature", description="The .sig file.", render_kw={"accept": ".sig"})
    receipt = TextAreaField("Or the receipt as text", [Length(max=64_000)])
    signature = TextAreaField("And its signature, in base64", [Length(max=1000)])
