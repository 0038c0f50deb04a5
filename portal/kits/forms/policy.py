"""What is typed about countries, screening lists and holds."""

from datetime import date

from wtforms import BooleanField, DateField, FileField, IntegerField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired, Length, NumberRange

from portal.core.forms import Form
from portal.kits import postal
from portal.kits.actions.lists import ListSpec
from portal.kits.forms.base import NEEDED, line
from portal.kits.models import CountryPolicy
from portal.kits.rules.policy import PolicySpec
from portal.kits.rules.screening import THRESHOLD
from portal.kits.states.holds import Judgement, Verdict


class PolicyForm(Form):
    """What may be sent to a country, or to a part of it."""

    country = SelectField(
        "Country",
        choices=[SelectChoice("", "Choose …"), *(SelectChoice(code, name) for code, name in postal.countries())],
        validators=[NEEDED],
    )
    region = line("Region", 80, description="Empty for the whole country. A name or an ISO 3166-2 code.")
    verdict = RadioField(
        "What may be sent there?",
        choices=[
            SelectChoice(Verdict.ALLOW.value, "Allow: it goes"),
            SelectChoice(Verdict.REVIEW.value, "Review: each parcel is held for a person"),
            SelectChoice(Verdict.BLOCKED.value, "Blocked: nothing goes"),
        ],
        validators=[NEEDED],
    )
    valid_from = DateField("Valid from", [InputRequired("A date is needed.")])
    basis = line("Basis", 300, description="The rule, licence or advice on which this rests.")
    note = TextAreaField("Note", [Length(max=500)], render_kw={"rows": 2})

    def show(self, policy: CountryPolicy) -> None:
        """Fill in a policy that is to be changed."""
        for name in ("country", "region", "valid_from", "basis", "note"):
            self[name].data = getattr(policy, name)
        self.verdict.data = policy.verdict.value

    def spec(self) -> PolicySpec:
        """What was typed."""
        assert self.valid_from.data is not None
        return PolicySpec(
            self.country.data, self.region.data or "", Verdict(self.verdict.data), self.valid_from.data,
            self.note.data or "", self.basis.data or "",
        )  # fmt: skip


class PoliciesForm(Form):
    """Policies from a file."""

    file = FileField("CSV file", render_kw={"accept": ".csv,text/csv"})
    skip = BooleanField("Skip faulty rows")


class ListForm(Form):
    """A screening list."""

    file = FileField("File", render_kw={"accept": ".csv,.json,text/csv,application/json"})
    name = line("Name", 80, NEEDED, description="One that is here already is replaced by the newer one.")
    source = line("Where it comes from", 300, NEEDED)
    as_of = DateField("As of", [InputRequired("A date is needed.")])
    threshold = IntegerField(
        "Hold from a score of", [InputRequired("A number is needed."), NumberRange(60, 100)], default=THRESHOLD,
        description="Of 100. 100 is the same name; less finds other spellings, and more people of similar names.",
    )  # fmt: skip
    skip = BooleanField("Skip faulty entries")

    def spec(self, filename: str) -> ListSpec:
        """What was typed."""
        as_of, threshold = self.as_of.data, self.threshold.data
        assert isinstance(as_of, date)
        assert threshold is not None
        return ListSpec(self.name.data or "", self.source.data or "", as_of, threshold, filename)


class ThresholdForm(Form):
    """From which score on a list holds parcels."""

    threshold = IntegerField("Hold from a score of", [InputRequired("A number is needed."), NumberRange(60, 100)])


class VerdictForm(Form):
    """A person's word on what holds a parcel."""

    verdict = RadioField(
        "Your verdict",
        choices=[
            SelectChoice(Judgement.CLEARED.value, "Cleared: this is no reason to hold it"),
            SelectChoice(Judgement.CONFIRMED.value, "Confirmed: nothing may be sent to them"),
        ],
        validators=[NEEDED],
    )
    note = TextAreaField(
        "What you have looked at", [NEEDED, Length(max=500)], render_kw={"rows": 2},
        description="It stands in the audit, with your name.",
    )  # fmt: skip
