"""A question of the lead as a form, and a file of applications."""

from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField, StringField, TextAreaField

from portal.applications.models import Question
from portal.applications.rules.questions import HINT_LENGTH, LABEL_LENGTH, Asked, wrong_question
from portal.applications.states import QuestionKind
from portal.core.forms import Form


class QuestionForm(Form):
    """What to ask, and how it is answered."""

    label = StringField("Question", render_kw={"maxlength": LABEL_LENGTH})
    kind = SelectField(
        "Answered by", choices={"text": "text", "choice": "one of several answers", "number": "a number"}
    )
    hint = StringField("Hint", description="A line under the question, where it needs one.",
                       render_kw={"maxlength": HINT_LENGTH})  # fmt: skip
    choices = TextAreaField("Answers to choose from", description="One a line, where one of several is chosen.",
                            render_kw={"rows": 4})  # fmt: skip
    required = BooleanField("Must be answered before submitting")
    personal = BooleanField("The answer tells who it is: reviewers who read blind do not see it")

    def asked(self) -> Asked:
        """What was typed, as the actions take it."""
        kind = QuestionKind(self.kind.data)
        lines = dict.fromkeys(line.strip() for line in (self.choices.data or "").splitlines() if line.strip())
        return Asked(
            kind=kind, label=self.label.data or "", hint=self.hint.data or "", required=self.required.data,
            personal=self.personal.data, choices=tuple(lines) if kind is QuestionKind.CHOICE else (),
        )  # fmt: skip

    def show(self, question: Question) -> None:
        """Fill in what is asked now."""
        self.kind.data, self.choices.data = question.kind.value, "\n".join(question.choices)
        self.label.data, self.hint.data = question.label, question.hint
        self.required.data, self.personal.data = question.required, question.personal

    def check(self) -> bool:
        """Whether this can be asked."""
        if not self.validate():
            return False
        for name, message in wrong_question(self.asked()).items():
            self[name].errors = [*self[name].errors, message]
        return not self.errors


class ImportForm(Form):
    """A file of applications."""

    file = FileField("File", description="CSV with a first line that names the columns, or JSON.",
                     render_kw={"accept": ".csv,.json,text/csv,application/json"})  # fmt: skip
