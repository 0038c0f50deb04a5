"""What is typed, pasted and chosen about questions, certificates, answers and the way in."""

from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from portal.core.forms import Form


class QuestionForm(Form):
    """The sealed question."""

    sealed = FileField("Sealed file", description="question.pgp, as the last command writes it.")


class ReportChoiceForm(Form):
    """Which of one's reports a booking is about."""

    report = SelectField(
        "Report", description="Your hosts see its reference, title and state. They cannot open the report."
    )


class CertificateForm(Form):
    """A host's certificate, pasted or as a file."""

    certificate = TextAreaField("Certificate", [Length(max=400_000)], description="gpg --armor --export YOUR@ADDRESS")
    file = FileField("Or as a file")

    def text(self) -> str:
        """What was given, in whichever way."""
        sent = self.file.data
        if sent and sent.filename:
            return str(sent.stream.read(400_000).decode("ascii", "replace"))
        return self.certificate.data or ""


class AnswerForm(Form):
    """A written answer."""

    text = TextAreaField(
        "Answer", [DataRequired("Write an answer."), Length(max=8000)],
        description="Markdown. It is shown to the participant after signing in, and stands in no mail.",
    )  # fmt: skip
    neutral = BooleanField(
        "It holds no secret",
        [InputRequired("Say so; what is secret belongs into the session, or into the thread of a report.")],
        description="It is kept in clear: whoever runs the portal could read it.",
    )


class LinkForm(Form):
    """The way into a meeting. What is known already is never shown in it."""

    url = StringField(
        "Address", [DataRequired("Write an address."), Length(max=300)],
        description="It begins with https://. Where it says {secret}, each slot gets a secret word of its own: "
                    "https://meet.example.org/{secret}",
    )  # fmt: skip
