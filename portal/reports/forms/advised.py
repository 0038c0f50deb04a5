"""What is given about an advisory's file: its signature."""

from wtforms import FileField, TextAreaField
from wtforms.validators import Length

from portal.core.forms import Form
from portal.reports.signatures import LARGEST


class AdvisorySignatureForm(Form):
    """A signature as a file or as text."""

    asc = FileField("Signature", description="The .asc file that gpg wrote.", render_kw={"accept": ".asc"})
    signature = TextAreaField(
        "Or the signature as text", [Length(max=LARGEST)],
        description="From BEGIN PGP SIGNATURE to END PGP SIGNATURE.",
    )  # fmt: skip

    def armored(self) -> str:
        """What was given, as text; what is no text is none."""
        given = self.asc.data.read(LARGEST + 1) if self.asc.data else b""
        return given.decode(errors="replace") if given.strip() else self.signature.data or ""
