"""What a triager looks for, and whom the selected reports are given to."""

from collections.abc import Mapping, Sequence

from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import Length

from portal.core.forms import Form
from portal.reports.forms.base import SEVERITIES
from portal.reports.rules.searching import LINKS, MESSAGE, MINE, NOBODY, OTHER, Search
from portal.reports.states import ReportKind

Offered = Mapping[str, Sequence[tuple[str, str]]]


class SearchForm(Form):
    """The filters of the queue. It is sent by GET, and what it means is read from the address."""

    class Meta(Form.Meta):
        """Nothing is changed by it."""

        csrf = False

    q = StringField("Reference or title", render_kw={"type": "search", "autocomplete": "off"})
    who = SelectField("Responsible")
    severity = SelectField("Severity", choices={"": "any", **SEVERITIES})
    claimed = SelectField("Severity claimed", choices={"": "any", **SEVERITIES})
    kind = SelectField(
        "Kind",
        choices={"": "any", ReportKind.FULL.value: "on its own", ReportKind.ASSUMING.value: "assumes something"},
    )
    scenario = SelectField("Scenario")
    build = SelectField("Build")
    participant = SelectField("From")
    waits = SelectField("Waits for", choices={"": "anything", MESSAGE: "an answer", LINKS: "link decisions"})
    late = BooleanField("Only what is late")

    @classmethod
    def of(cls, search: Search, offered: Offered) -> "SearchForm":
        """The form as an address fills it."""
        form = cls(
            formdata=None, q=search.q, who=search.who, severity=search.severity, claimed=search.claimed,
            kind=search.kind, scenario=str(search.scenario or ""), build=search.build,
            participant=str(search.participant or ""), late=search.late, waits=search.waits,
        )  # fmt: skip
        form.who.choices = {"": "anybody", MINE: "me", NOBODY: "nobody", **dict(offered["who"])}
        form.scenario.choices = {"": "any", **dict(offered["scenario"])}
        form.build.choices = {"": "any", OTHER: "not in the list", **dict(offered["build"])}
        form.participant.choices = {"": "anybody", **dict(offered["participant"])}
        return form


class BulkForm(Form):
    """Who is responsible for the selected reports."""

    assignee = SelectField("Give them to")
    hand_over = StringField("Word to whoever takes over", [Length(max=1000)])

    @classmethod
    def of(cls, offered: Offered) -> "BulkForm":
        """The form with the triagers that there are."""
        form = cls()
        form.assignee.choices = {"": "Nobody", **dict(offered["who"])}
        return form
