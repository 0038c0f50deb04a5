"""What-ifs of the selection as forms."""

from collections.abc import Iterable, Mapping, Sequence

from wtforms import BooleanField, IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal.applications.rules import COUNTRIES
from portal.challenges.models import Scenario
from portal.core.forms import Form
from portal.selection.actions.drafts import Freezing, Settings
from portal.selection.models import Draft
from portal.selection.queries.drafts import Shown
from portal.selection.rules.assigning import organisation
from portal.selection.rules.drafts import EACH, KINDS, Wish
from portal.selection.rules.regions import NAMED
from portal.selection.states import Because, LimitKind

MOST = 100_000
_NUMBER = NumberRange(0, MOST, f"Between 0 and {MOST:,}.")
_REST = {"nobody": "nobody", "scored": "everybody else with a score", "all": "everybody else"}


class DraftForm(Form):
    """What a draft is about."""

    name = StringField("Name", validators=[InputRequired("Give it a name."), Length(max=80)],
                       description="So that you know it again, such as “70, ten from Africa”.")  # fmt: skip
    places = IntegerField("Places to give", validators=[InputRequired("Say how many places it gives."), _NUMBER])
    unscored = BooleanField("Those without a score count as 0, if triage said yes to them")
    kits_each = IntegerField(
        "Kits for each place", validators=[Optional(), NumberRange(1, 100, "Between 1 and 100.")],
        description="Then it gives no more places than the kits in stock allow. Empty: kits do not matter.",
    )  # fmt: skip
    unshippable = SelectMultipleField(
        "Countries to which no kit can be sent", choices=dict(COUNTRIES), validators=[Optional()],
        description="Nobody from there gets a place, unless pinned in or in no need of a kit.", render_kw={"size": 6},
    )  # fmt: skip

    def show(self, draft: Draft) -> None:
        """Fill in what it is about now."""
        self.name.data, self.places.data, self.unscored.data = draft.name, draft.places, draft.unscored
        self.kits_each.data, self.unshippable.data = draft.kits_each, list(draft.unshippable)

    def settings(self) -> Settings:
        """As the action takes it."""
        return Settings(
            self.name.data or "", self.places.data or 0, bool(self.unscored.data), self.kits_each.data,
            tuple(self.unshippable.data or ()),
        )  # fmt: skip


class NewDraftForm(Form):
    """A new draft by name; the rest is set on its page."""

    name = StringField("Name", validators=[InputRequired("Give it a name."), Length(max=80)])
    places = IntegerField("Places to give", validators=[InputRequired("Say how many places it gives."), _NUMBER])


class NameForm(Form):
    """What a copy is called."""

    name = StringField("Name of the copy", validators=[InputRequired("Give it a name."), Length(max=80)])


class LimitForm(Form):
    """At least and at most so many of whom."""

    whom = SelectField("Whom", validate_choice=False)
    organisation = StringField(
        "Organisation", validators=[Length(max=120)], render_kw={"maxlength": 120},
        description="Only for a limit on one organisation. Case, accents and legal forms do not matter.",
    )  # fmt: skip
    least = IntegerField("At least", validators=[Optional(), _NUMBER])
    most = IntegerField("At most", validators=[Optional(), _NUMBER])

    def offer(self, countries: Sequence[tuple[str, str]], scenarios: Iterable[Scenario]) -> None:
        """What can be limited, by group."""
        self.groups: dict[str, dict[str, str]] = {
            "Everybody": {
                f"{LimitKind.EACH_COUNTRY}:": "any one country (at most)",
                f"{LimitKind.EACH_ORGANISATION}:": "any one organisation (at most)",
                f"{LimitKind.FIRST_TIMERS}:": "first-timers",
                **{f"{LimitKind.KIND}:{kind}": label for kind, label in KINDS.items()},
                f"{LimitKind.ORGANISATION}:": "one organisation, named below",
            },
            "Regions": {f"{LimitKind.REGION}:{name}": name for name in NAMED},
            "Countries": {f"{LimitKind.COUNTRY}:{code}": name for code, name in countries},
            "Scenarios": {f"{LimitKind.SCENARIO}:{one.code}": f"{one.code} {one.title}" for one in scenarios},
        }

    def wish(self) -> Wish | None:
        """The limit, or None with messages beside the fields."""
        name, _, value = (self.whom.data or "").partition(":")
        offered = any(self.whom.data in group for group in self.groups.values())
        kind = LimitKind(name) if offered else None
        if kind is None:
            self.whom.errors = [*self.whom.errors, "Choose whom it limits."]
            return None
        if kind is LimitKind.ORGANISATION:
            value = organisation(self.organisation.data or "")
            if not value:
                self.organisation.errors = [*self.organisation.errors, "Name the organisation."]
        if self.least.data is None and self.most.data is None:
            self.least.errors = [*self.least.errors, "Say at least or at most how many."]
        elif self.least.data is not None and self.most.data is not None and self.least.data > self.most.data:
            self.most.errors = [*self.most.errors, "The most is below the least."]
        if kind in EACH and (self.least.data is not None or self.most.data is None):
            self.least.errors = [*self.least.errors, "Of each, only at most can be said."]
        return None if self.errors else Wish(kind, value, self.least.data, self.most.data)


class PinForm(Form):
    """Somebody in or out, whatever the scores say."""

    application = IntegerField("Application", validators=[InputRequired("Give the number of the application.")],
                               description="Its number stands in the list below.")  # fmt: skip
    inside = SelectField("What", choices={"in": "gets a place", "out": "gets no place"})
    reason = TextAreaField(
        "Reason", validators=[InputRequired("Say why."), Length(max=300, message="At most 300 characters.")],
        render_kw={"rows": 2, "maxlength": 300}, description="For the staff only. It is kept in the audit.",
    )  # fmt: skip


class FreezeForm(Form):
    """The number of invitations, restated, and what becomes of the others."""

    count = IntegerField("Number of invitations", validators=[InputRequired("Write how many are to be invited.")],
                         render_kw={"inputmode": "numeric", "autocomplete": "off"})  # fmt: skip
    waitlist = IntegerField("Waitlist the next", default=0, validators=[InputRequired("Say how many."), _NUMBER])
    rest = SelectField("Decline", choices=_REST)

    def given(self) -> Freezing:
        """As the action takes it."""
        return Freezing(self.count.data or 0, self.waitlist.data or 0, self.rest.data)


def shown_from(query: Mapping[str, str]) -> Shown:
    """Which choices an address asks for."""
    because = query.get("because", "")
    known = because if because in set(Because) else ""
    return Shown(query.get("taken", "")[:3], known, query.get("q", "")[:100].strip())
