"""A reviewer's opinion as a form."""

from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from portal.core.forms import Form
from portal.selection.models import Review
from portal.selection.rules import SCORES


class ReviewForm(Form):
    """One reviewer's opinion."""

    score = RadioField(
        "Score", choices={str(score): f"{score} {words}" for score, words in SCORES.items()},
        validators=[InputRequired("Choose a score from 0 to 5.")],
    )  # fmt: skip
    comment = TextAreaField(
        "Comment", description="For the staff only. The applicant never reads it.",
        validators=[Length(max=4000, message="At most 4,000 characters.")], render_kw={"rows": 4},
    )  # fmt: skip

    def show(self, review: Review) -> None:
        """Fill in what was said before."""
        self.score.data, self.comment.data = str(review.score), review.comment
