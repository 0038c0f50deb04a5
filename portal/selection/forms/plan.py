"""How the challenge chooses, as forms."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal.core.forms import Form
from portal.selection.actions.plan import Line, Settings, Terms
from portal.selection.models import Criterion, Plan
from portal.selection.queries.assigning import Load
from portal.selection.rules import end_of_day
from portal.selection.states import Pool

# Empty lines below the rubric, for new criteria.
BLANK = 2


def number_of(text: str | None) -> int | None:
    """A number that a hidden field brings back, if it is one."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


class _Part(Form):
    """A line of a larger form, which has the token."""

    class Meta(Form.Meta):
        """Protected by the form around it."""

        csrf = False


class PlanForm(Form):
    """The settings of triage and review."""

    looks = SelectField("Looks at each application in triage", choices={"1": "1", "2": "2", "3": "3"})
    pool = RadioField(
        "What is reviewed", default=Pool.ALL.value,
        choices={Pool.ALL.value: "Every submitted application", Pool.CHOSEN.value: "Only what is put into the review"},
    )  # fmt: skip
    reviews_each = IntegerField(
        "Reviewers for each application",
        validators=[InputRequired("Say how many."), NumberRange(1, 10, "Between 1 and 10.")],
    )
    until = DateField(
        "Reviews are due by the end of", validators=[Optional()],
        description="Reviewers are reminded two days before, once a day.",
    )  # fmt: skip
    blind = BooleanField(
        "Review blind",
        description="Reviewers see neither name, handle, affiliation, country, links nor key. You do.",
    )

    def show(self, plan: Plan, zone: str) -> None:
        """Fill in what is set."""
        self.looks.data, self.pool.data, self.blind.data = str(plan.looks), plan.pool.value, plan.blind
        self.reviews_each.data = plan.reviews_each
        self.until.data = plan.review_until.astimezone(ZoneInfo(zone)).date() if plan.review_until else None

    def settings(self, zone: str) -> Settings:
        """As the action takes it; the day ends in the challenge's zone."""
        until: datetime | None = end_of_day(self.until.data, zone) if self.until.data else None
        return Settings(int(self.looks.data), Pool(self.pool.data), self.reviews_each.data or 0, until, self.blind.data)


class LineForm(_Part):
    """One criterion."""

    number = HiddenField()
    label = StringField("Criterion", validators=[Length(max=80, message="At most 80 characters.")])
    help = TextAreaField("What to look for", validators=[Length(max=300, message="At most 300 characters.")])
    weight = IntegerField(
        "Weight", default=1, validators=[Optional(), NumberRange(1, 10, "Between 1 and 10.")],
        render_kw={"inputmode": "numeric"},
    )  # fmt: skip
    position = IntegerField(
        "Place", default=0, validators=[Optional(), NumberRange(0, 999, "Between 0 and 999.")],
        render_kw={"inputmode": "numeric"},
    )  # fmt: skip
    retired = BooleanField("Not asked any more")


class RubricForm(Form):
    """All criteria at once."""

    lines = FieldList(FormField(LineForm), "Criteria", max_entries=60)

    def lines_told(self) -> list[Line]:
        """As the action takes it; empty lines are none."""
        return [
            Line(
                number_of(part.number.data), part.label.data or "",
                part.help.data or "", part.weight.data if part.weight.data is not None else 1,
                part.position.data or 0, part.retired.data,
            )
            for part in (entry.form for entry in self.lines)
            if part.number.data or part.label.data or part.help.data
        ]  # fmt: skip


def rubric_form(criteria: Sequence[Criterion]) -> RubricForm:
    """The rubric as it is, with empty lines below."""
    rows = [
        {
            "number": str(row.id), "label": row.label, "help": row.help, "weight": row.weight, "position": row.position,
            "retired": row.retired_at is not None,
        }
        for row in criteria
    ]  # fmt: skip
    last = max((row.position for row in criteria), default=0)
    blank = [{"position": last + number + 1, "weight": 1} for number in range(BLANK)]
    return RubricForm(data={"lines": [*rows, *blank]})


class TermsForm(_Part):
    """What is known of one reviewer."""

    account = HiddenField()
    affiliation = StringField("Affiliation", validators=[Length(max=120, message="At most 120 characters.")])
    capacity = IntegerField(
        "Reads at most", validators=[Optional(), NumberRange(0, 100_000, "Not less than 0.")],
        render_kw={"inputmode": "numeric"},
    )  # fmt: skip


class ReviewersForm(Form):
    """All reviewers at once."""

    people = FieldList(FormField(TermsForm), "Reviewers", max_entries=500)

    def terms(self) -> Mapping[int, Terms]:
        """As the action takes it."""
        return {
            account_id: Terms(part.affiliation.data or "", part.capacity.data)
            for part in (entry.form for entry in self.people)
            if (account_id := number_of(part.account.data)) is not None
        }


def reviewers_form(loads: Iterable[Load]) -> ReviewersForm:
    """What is known of everybody who may review."""
    rows = [
        {
            "account": str(load.account.id), "affiliation": load.reviewer.affiliation if load.reviewer else "",
            "capacity": load.reviewer.capacity if load.reviewer else None,
        }
        for load in loads
        if load.holds_role
    ]  # fmt: skip
    return ReviewersForm(data={"people": rows})
