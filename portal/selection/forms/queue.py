"""The filters of the queue, and the names under which they are kept."""

from collections.abc import Iterable, Mapping, Sequence

from wtforms import BooleanField, HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from portal.applications.states import Decision, Triage
from portal.challenges.models import Scenario
from portal.core.forms import Form

_EITHER = {"": "All", "yes": "yes", "no": "no"}
_SHIPS = {"": "All", "yes": "can go, or none needed", "review": "country under review", "blocked": "country blocked"}
_MARK = {"type": "number", "min": "0", "max": "5", "step": "0.01", "inputmode": "decimal"}


class FilterForm(Form):
    """What the queue shows, from the address."""

    class Meta(Form.Meta):
        """An address changes nothing, so nothing has to protect it."""

        csrf = False

    state = StringField("State")
    q = StringField("Search", render_kw={"type": "search", "placeholder": "words of the application"})
    country = SelectField("Country", validate_choice=False)
    scenario = SelectField("Scenario", validate_choice=False)
    pending = SelectField("Meant answer", validate_choice=False)
    triage = SelectField("Triage", validate_choice=False)
    low = StringField("Score from", render_kw=_MARK)
    high = StringField("Score to", render_kw=_MARK)
    assigned = SelectField("Assigned to", validate_choice=False)
    reviewed = SelectField("Reviewed by", validate_choice=False)
    flag = StringField("Flag")
    second = SelectField("In the review", choices=_EITHER, validate_choice=False)
    calibration = SelectField("Calibration", choices=_EITHER, validate_choice=False)
    cluster = SelectField("Possible duplicate", choices=_EITHER, validate_choice=False)
    ships = SelectField("Kit", choices=_SHIPS, validate_choice=False)
    sort = HiddenField()

    def offer(
        self, countries: Sequence[tuple[str, str]], scenarios: Iterable[Scenario | str],
        readers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """What can be chosen; `readers` are the people who review, as number and name."""
        codes = [scenario if isinstance(scenario, str) else scenario.code for scenario in scenarios]
        self.country.choices = {"": "All", **dict(countries)}
        self.scenario.choices = {"": "All", **{code: code for code in codes}}
        self.pending.choices = _words(Decision)
        self.triage.choices = _words(kind for kind in Triage if kind is not Triage.CONFLICT)
        self.assigned.choices = self.reviewed.choices = {"": "All", "me": "me", **(readers or {})}


def _words(kinds: Iterable[Decision | Triage]) -> dict[str, str]:
    return {"": "All", "none": "none yet", **{kind.value: kind.value for kind in kinds}}


class ViewForm(Form):
    """A name for a filter."""

    name = StringField(
        "Name", validators=[DataRequired("Give it a name."), Length(max=40, message="At most 40 signs.")]
    )
    query = HiddenField()
    is_shared = BooleanField("Show it to all reviewers")
    is_first = BooleanField("Open the list with it")
