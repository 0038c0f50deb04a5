"""What is typed on the line."""

from uuid import uuid4

from wtforms import BooleanField, HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from portal.core.forms import Form
from portal.line.actions.conversations import Draft
from portal.line.rules import LONGEST, Days

NO_SECRETS = "Markdown. It is not sealed: vulnerability details belong into a report."
ALONG = "Only what anybody may read. Otherwise the mail says that there is an answer, and where."
_TEXT = [DataRequired("Write something."), Length(max=LONGEST, message=f"At most {LONGEST:,} characters.")]
_DAYS = [InputRequired("Write a number."), NumberRange(1, 30, "From 1 to 30.")]


class MessageForm(Form):
    """A message. The hidden key makes the same form sent twice one message."""

    key = HiddenField(default=lambda: uuid4().hex, validators=[DataRequired(), Length(16, 64)])
    subject = StringField("Subject", [Length(max=120)], description="If it is something new.")
    text = TextAreaField("Message", _TEXT, description=NO_SECRETS)

    def draft(self, *, in_mail: bool = False) -> Draft:
        """What the form says."""
        return Draft(self.text.data or "", self.key.data or "", " ".join((self.subject.data or "").split()), in_mail)


class AnswerForm(MessageForm):
    """An answer of the team; `seen` is the last message that stood on the page."""

    seen = HiddenField(default="0")
    in_mail = BooleanField("Send the text along in the mail", description=ALONG)

    @property
    def seen_number(self) -> int:
        """The number of that message; 0 where it is none."""
        given = self.seen.data or ""
        return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0


class NoteForm(Form):
    """Something for the team alone."""

    key = HiddenField(default=lambda: uuid4().hex, validators=[DataRequired(), Length(16, 64)])
    text = TextAreaField("Note", _TEXT, description="Only the team sees it.")

    def draft(self) -> Draft:
        """What the form says."""
        return Draft(self.text.data or "", self.key.data or "")


class AssignForm(Form):
    """Whose a conversation becomes; `seen` is whose it was on the page."""

    to = SelectField("Responsible", choices={})
    seen = HiddenField(default="")


class BeginForm(MessageForm):
    """The team writes first."""

    participant = SelectField("To", [InputRequired("Choose a participant.")], coerce=int, choices={})
    in_mail = BooleanField("Send the text along in the mail", description=ALONG)


class CannedForm(Form):
    """A text for later."""

    title = StringField("Title", [DataRequired("Give it a title."), Length(max=80)])
    text = TextAreaField("Text", _TEXT, description="Markdown. It can be changed before it is sent.")


class PaceForm(Form):
    """How soon the team answers."""

    first = IntegerField("First answer within … business days", _DAYS)
    later = IntegerField("Further answers within … business days", _DAYS)

    def days(self) -> Days:
        """What the form says."""
        return Days(self.first.data or 1, self.later.data or 1)
