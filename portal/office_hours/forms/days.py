"""What is typed on the day of a session, and what stays of it."""

from uuid import uuid4

from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from portal.core.forms import Form
from portal.office_hours.actions.answers import Words
from portal.office_hours.models.days import LATEST
from portal.office_hours.rules.answers import CHECKLIST
from portal.office_hours.states import NoteKind

NOT_SEALED = "Not sealed: nothing about a weakness belongs here. That goes into a report, or sealed into a question."
# What the database takes for a number.
MOST = 2**31 - 1


class LateForm(Form):
    """How late the participant's people will be."""

    minutes = IntegerField(
        "Minutes", [InputRequired("Write a number."), NumberRange(1, LATEST, f"From 1 to {LATEST}.")],
        default=5, render_kw={"inputmode": "numeric", "min": 1, "max": LATEST},
    )  # fmt: skip


class RunLateForm(Form):
    """By how much a session runs late, as seen from a version of its course."""

    minutes = IntegerField(
        "Minutes late", [InputRequired("Write a number."), NumberRange(0, LATEST, f"From 0 to {LATEST}.")],
        description="0: on time again.", render_kw={"inputmode": "numeric", "min": 0, "max": LATEST},
    )  # fmt: skip
    version = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0, MOST)])


class CallForm(Form):
    """Whom to call in."""

    slot = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0, MOST)])
    version = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0, MOST)])


class MyNoteForm(Form):
    """A note that both sides read."""

    text = TextAreaField("Note", [DataRequired("Write something."), Length(max=4000)], description=NOT_SEALED)


class NoteForm(MyNoteForm):
    """A note of a host, and whom it is for."""

    kind = RadioField(
        "For whom", [InputRequired("Choose one.")], coerce=NoteKind, default=NoteKind.SHARED,
        choices={
            "shared": "Shared: the participant reads it too",
            "internal": "Internal: the hosts of this slot and the lead",
        },
    )  # fmt: skip


class PromiseForm(Form):
    """A commitment. The owner 0 is the participant."""

    text = StringField(
        "What was promised", [DataRequired("Say what was promised."), Length(max=500)], description=NOT_SEALED
    )
    owner = SelectField("By whom", coerce=int)
    due_on = DateField("Until", [InputRequired("Write a date.")])


class DropForm(Form):
    """Why a commitment is dropped."""

    reason = StringField("Reason", [DataRequired("Say why it is dropped."), Length(max=300)])


class FollowUpForm(Form):
    """A seat to come again. The hidden key makes the same form sent twice one seat."""

    key = HiddenField(default=lambda: uuid4().hex, validators=[DataRequired(), Length(16, 64)])
    topic = StringField(
        "Topic", [DataRequired("Say in a few words what it is about."), Length(max=120)],
        description="The participant reads it. It is not sealed.",
    )  # fmt: skip
    slot = SelectField(
        "Slot", [InputRequired("Choose a slot.")], coerce=int, description="On your clock; your own come first."
    )


class AnswerForm(Form):
    """A question and its answer, for all participants."""

    title = StringField("Title", [DataRequired("Give it a title."), Length(max=120)])
    component = StringField(
        "Component", [Length(max=40)], description="By which it is found, such as “boot”.",
        filters=[lambda text: (text or "").lower()], render_kw={"list": "components", "autocomplete": "off"},
    )  # fmt: skip
    question = TextAreaField(
        "Question", [DataRequired("Write the question."), Length(max=1000)],
        description="In your own words, so that nobody can be told from it.",
    )  # fmt: skip
    answer = TextAreaField("Answer", [DataRequired("Write the answer."), Length(max=10000)], description="Markdown.")
    version = IntegerField(widget=HiddenInput(), validators=[Optional(), NumberRange(0, MOST)], default=0)

    def words(self) -> Words:
        """What it says."""
        return Words(self.title.data or "", self.question.data or "", self.answer.data or "", self.component.data or "")


class ReviewForm(Form):
    """What a reviewer vouches for; every line of it."""

    person = BooleanField(CHECKLIST[0][1], [DataRequired("Look at this again.")])
    company = BooleanField(CHECKLIST[1][1], [DataRequired("Look at this again.")])
    weakness = BooleanField(CHECKLIST[2][1], [DataRequired("Look at this again.")])
    version = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0, MOST)])


class WithdrawForm(Form):
    """Why an answer is taken off the page."""

    reason = StringField(
        "Reason", [DataRequired("Say why it is withdrawn."), Length(max=300)], description="For the team."
    )
