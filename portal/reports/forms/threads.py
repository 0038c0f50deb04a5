"""What comes with sealed messages, certificates and reply templates."""

from flask_wtf.file import FileField
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, Regexp

from portal.core.forms import Form
from portal.reports import states
from portal.reports.actions.replies import Words
from portal.reports.forms.triage import MoveForm

STEPS = {"": "None", **{each.name: each.label for each in states.MOVES if each.by}}


class MessageForm(Form):
    """A researcher's message: sealed by gpg, or the word that what was uploaded is to be sent."""

    sealed = FileField("Sealed message")
    answers = BooleanField("This answers the team’s question")


class SendForm(MoveForm):
    """A triager's message, with the reason and the step that go with it."""

    template = StringField("Template", [Length(max=40)], description="Its code, which is the reason told in clear.")
    sealed = FileField("Sealed message")


class CertificateForm(Form):
    """A certificate as gpg exports it."""

    certificate = TextAreaField(
        "Certificate", [DataRequired("Paste your certificate.")],
        description="What gpg --armor --export YOUR-ADDRESS prints. Never the secret key.",
    )  # fmt: skip


class ProofForm(Form):
    """The digits that were sealed to a certificate."""

    digits = StringField(
        "The eight digits", [DataRequired("Type the digits."), Regexp(r"^[0-9 ]{8,12}$", message="Eight digits.")],
        description="What gpg prints when it opens the file.",
    )  # fmt: skip


class TemplateForm(Form):
    """General words with a reason code. `version` is the one that was seen."""

    code = StringField(
        "Reason code", [DataRequired("Give it a code."), Length(max=40)],
        description="In clear with every message that uses it: needs-better-proof, say. It cannot be changed later.",
    )  # fmt: skip
    title = StringField(
        "Words of the reason", [DataRequired("Say what it means."), Length(max=120)],
        description="In clear, for the researcher too: “A better proof is needed”.",
    )  # fmt: skip
    move = SelectField("Goes with the step", choices=STEPS)
    text = TextAreaField(
        "Text", [DataRequired("Write something."), Length(max=8000)],
        description="Markdown. Kept in clear: general words only, nothing of any finding.",
    )  # fmt: skip
    active = BooleanField("Offered to triagers", default=True)
    version = IntegerField(validators=[Optional()])

    def words(self) -> Words:
        """The values, once they are valid."""
        return Words(
            title=self.title.data or "", text=self.text.data or "", move=self.move.data or "",
            active=bool(self.active.data),
        )  # fmt: skip
