"""A reviewer's opinion as a form."""

from collections.abc import Sequence
from functools import lru_cache

from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from portal.core.forms import Form
from portal.selection.models import Criterion
from portal.selection.rules.reviews import CONFIDENCE, SCORES, TEXT_LENGTH, Opinion, mark_field

_TOO_LONG = Length(max=TEXT_LENGTH, message=f"At most {TEXT_LENGTH:,} characters.")


class ReviewForm(Form):
    """One reviewer's opinion; `form_for` adds a field for each criterion."""

    criteria: tuple[int, ...] = ()

    confidence = RadioField(
        "How sure are you?", default="2", choices={str(number): words for number, words in CONFIDENCE.items()},
        validators=[InputRequired("Say how sure you are.")],
    )  # fmt: skip
    comment = TextAreaField(
        "Comment", description="Other reviewers read it once they have written their own. The applicant never does.",
        validators=[_TOO_LONG], render_kw={"rows": 4},
    )  # fmt: skip
    note = TextAreaField(
        "Private note", description="For you and the lead only.", validators=[_TOO_LONG], render_kw={"rows": 2},
    )  # fmt: skip

    def marks(self) -> list[RadioField]:
        """The fields of the criteria, in their order."""
        return [self[mark_field(number)] for number in self.criteria]

    def show(self, opinion: Opinion) -> None:
        """Fill in what was said before."""
        for number in self.criteria:
            if number in opinion.marks:
                self[mark_field(number)].data = str(opinion.marks[number])
        self.confidence.data, self.comment.data, self.note.data = str(opinion.confidence), opinion.comment, opinion.note

    def opinion(self) -> Opinion:
        """As the action takes it."""
        return Opinion(
            {number: int(self[mark_field(number)].data) for number in self.criteria}, int(self.confidence.data),
            self.comment.data or "", self.note.data or "",
        )  # fmt: skip

    def complain(self, messages: dict[str, str]) -> None:
        """Put what the action would refuse beside the fields."""
        for name, message in messages.items():
            if name in self:
                self[name].errors = [*self[name].errors, message]
            else:
                self.form_errors.append(message)


def form_for(criteria: Sequence[Criterion]) -> type[ReviewForm]:
    """The form that asks for these criteria."""
    return _form_for(tuple((row.id, row.label, row.help) for row in criteria))


@lru_cache(maxsize=64)
def _form_for(criteria: tuple[tuple[int, str, str], ...]) -> type[ReviewForm]:
    choices = {str(mark): str(mark) for mark in SCORES}
    fields = {
        mark_field(number): RadioField(
            label, description=words, choices=choices, validators=[InputRequired("Choose a mark from 0 to 5.")]
        )
        for number, label, words in criteria
    }
    return type("AskedForm", (ReviewForm,), {**fields, "criteria": tuple(number for number, _, _ in criteria)})
