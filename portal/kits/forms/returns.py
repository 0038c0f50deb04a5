"""What is typed about returns, replacements and mails."""

from contextlib import closing

from flask_wtf.file import FileField
from wtforms import BooleanField, DateField, RadioField, SelectMultipleField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core.forms import Form
from portal.kits.actions.returns import Announcement, Finding
from portal.kits.forms.base import NEEDED, line
from portal.kits.rules.mails import ALWAYS, TOPICS
from portal.kits.rules.returns import LARGEST_LABEL, OUTCOMES
from portal.kits.states.mails import Topic
from portal.kits.states.returns import Condition


class ReasonForm(Form):
    """Why something is done."""

    reason = line("Reason", 300, NEEDED)


class WishForm(Form):
    """Why a participant needs another kit."""

    reason = TextAreaField("Why do you need another one?", [NEEDED, Length(max=500)], render_kw={"rows": 2})


class BackForm(Form):
    """Why a participant wants to send a kit back."""

    reason = TextAreaField("Why do you send it back?", [NEEDED, Length(max=300)], render_kw={"rows": 2})


class AnswerForm(Form):
    """Why there will be no other kit."""

    answer = line("Reason, which the participant reads", 300, NEEDED)


class AnnounceForm(Form):
    """How a kit is to come back."""

    expected_on = DateField("Expected by", [NEEDED])
    carrier = line("Carrier", 40)
    tracking_number = line("Tracking number", 60)
    instructions = TextAreaField(
        "Instructions", [Optional(), Length(max=1000)], render_kw={"rows": 3},
        description="Which box, which counter, what to write on it. The participant reads this.",
    )  # fmt: skip
    label = FileField(
        "Label, as a PDF", description=f"At most {LARGEST_LABEL // 1024} KiB. Sealed; only the participant can open it."
    )

    def announcement(self) -> Announcement:
        """What was typed. A file is read no further than to see that it is too large."""
        day, file, label = self.expected_on.data, self.label.data, None
        assert day is not None
        if file:
            with closing(file):
                label = file.read(LARGEST_LABEL + 1) or None
        return Announcement(
            expected_on=day, carrier=self.carrier.data or "", tracking_number=self.tracking_number.data or "",
            instructions=self.instructions.data or "", label=label,
        )  # fmt: skip

    def complain(self, messages: dict[str, str]) -> None:
        """Put what the action refused beside the fields."""
        for name, message in messages.items():
            self[name].errors = [*self[name].errors, message]


_CONDITIONS = {
    Condition.GOOD: "Good", Condition.WORN: "Worn, but it works", Condition.DAMAGED: "Damaged",
    Condition.INCOMPLETE: "Something is missing",
}  # fmt: skip
_OUTCOMES = {"": "Decide later", **{name: move.label for name, move in OUTCOMES.items()}}


class InspectForm(Form):
    """How a unit looks that came back, and what becomes of it."""

    condition = RadioField(
        "Condition", choices=[SelectChoice(each.value, label) for each, label in _CONDITIONS.items()],
        validators=[NEEDED],
    )  # fmt: skip
    wiped = BooleanField("The participant's data are wiped from it")
    note = line("Note", 500)
    outcome = RadioField(
        "What becomes of it", default="",
        choices=[SelectChoice(name, label) for name, label in _OUTCOMES.items()],
        description="Only what is wiped and neither damaged nor incomplete goes back into stock.",
    )  # fmt: skip

    def finding(self) -> Finding:
        """What was typed."""
        return Finding(
            Condition(self.condition.data), wiped=bool(self.wiped.data), note=self.note.data or "",
            outcome=self.outcome.data or "",
        )  # fmt: skip


class MailsForm(Form):
    """Which mails a member wants."""

    topics = SelectMultipleField(
        "Tell me by mail", choices=[SelectChoice(topic.value, TOPICS[topic]) for topic in Topic if topic not in ALWAYS],
        option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False),
    )  # fmt: skip

    def wanted(self) -> set[Topic]:
        """What was ticked."""
        return {Topic(word) for word in self.topics.data or ()}
