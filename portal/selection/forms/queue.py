"""The filters of the queue."""

from collections.abc import Iterable, Sequence

from werkzeug.datastructures import MultiDict
from wtforms import (
    HiddenField,
    SelectField,
    StringField,
)

from portal.applications.states import Decision
from portal.challenges.models import Scenario
from portal.core.forms import Form
from portal.selection.queries.queue import Filter


class FilterForm(Form):
    """What the queue shows, from the address."""

    class Meta(Form.Meta):
        """An address changes nothing, so nothing has to protect it."""

        csrf = False

    state = StringField("State")
    country = SelectField("Country", validate_choice=False)
    scenario = SelectField("Scenario", validate_choice=False)
    pending = SelectField("Pending decision", validate_choice=False)
    q = StringField("Search", render_kw={"type": "search", "placeholder": "name, handle, affiliation"})
    sort = HiddenField()

    def offer(self, countries: Sequence[tuple[str, str]], scenarios: Iterable[Scenario]) -> None:
        """What can be chosen."""
        self.country.choices = {"": "All", **dict(countries)}
        self.scenario.choices = {"": "All", **{scenario.code: scenario.code for scenario in scenarios}}
        self.pending.choices = {
            "": "All",
            "none": "none yet",
            **{decision.value: decision.value for decision in Decision},
        }


def filter_from(query: MultiDict[str, str], *, full: bool) -> Filter:
    """The filter that an address asks for; `full` for those who may see scores."""

    def told(name: str) -> str:
        return query.get(name, "").strip()[:100]

    return Filter(
        state=told("state"), country=told("country"), scenario=told("scenario"), text=told("q"),
        pending=told("pending"), sort=told("sort"), full=full,
    )  # fmt: skip
