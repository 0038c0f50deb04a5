"""What the board of parcels shows, and what is done to many of them."""

from collections.abc import Sequence

from wtforms import BooleanField, HiddenField, IntegerField, SelectField, StringField
from wtforms.validators import Optional

from portal.core.forms import Form
from portal.kits import postal
from portal.kits.forms.base import line
from portal.kits.rules.bulk import LABELS
from portal.kits.rules.late import Late, label
from portal.kits.states import Word

TROUBLES = {
    "": "All", "any": "any", Word.DAMAGED.value: "damaged", Word.DUTY.value: "duty demanded",
    Word.NOTHING.value: "nothing came", "replacement": "replacement asked for",
}  # fmt: skip


class BoardForm(Form):
    """A filter in the address."""

    class Meta(Form.Meta):
        """An address changes nothing, so nothing has to protect it."""

        csrf = False

    state = HiddenField()
    q = StringField(
        "Search", render_kw={"type": "search", "placeholder": "participant, parcel, serial, tracking number"}
    )
    late = SelectField("Late", validate_choice=False)
    trouble = SelectField("Trouble", choices=TROUBLES, validate_choice=False)
    country = SelectField("Country", validate_choice=False)
    carrier = SelectField("Carrier", validate_choice=False)

    def offer(self, countries: Sequence[str], carriers: Sequence[str]) -> None:
        """What can be chosen."""
        self.late.choices = {"": "All", "any": "any", **{late.value: label(late) for late in Late}}
        named = sorted((postal.country_name(code), code) for code in countries)
        self.country.choices = {"": "All", **{code: name for name, code in named}}
        self.carrier.choices = {"": "All", **{name: name for name in carriers}}


class BulkForm(Form):
    """A verb for the ticked parcels, or for all of the filter in the address."""

    verb = SelectField("What to do", validate_choice=False)
    all = BooleanField("All that are shown")
    count = IntegerField("How many", validators=[Optional()])
    reason = line("Reason", 300, description="The same for all of them; it stands in the audit and in their stories.")

    def offer(self, *, keep: bool) -> None:
        """The verbs; `keep` where the challenge is over."""
        words = {name: words for name, words in LABELS.items() if keep or name != "keep"}
        self.verb.choices = {"": "With the selected …", **words}

    def chosen(self) -> str | None:
        """The verb; None where none was chosen."""
        return self.verb.data if self.verb.data in LABELS else None
