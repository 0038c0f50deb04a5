"""What is typed about files for carriers' programs, and about the numbers that come back."""

import re
from collections.abc import Iterable, Mapping

from wtforms import FileField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from portal.core.forms import Form
from portal.kits.forms.base import NEEDED, line
from portal.kits.rules.carriers import Profile
from portal.kits.rules.carriers.profile import Options
from portal.kits.rules.carriers.returns import ROLES, Table, guess

# The field that says which column has what role.
_FIELD_OF = {role: "carrier_column" if role == "carrier" else role for role in ROLES}
_TYPED = re.compile(r"typed-([1-9][0-9]{0,9})-([0-9]{1,3})", re.ASCII)


class CarrierForm(Form):
    """What a file for a program needs to know besides its parcels."""

    unit = RadioField(
        "Weights in", choices=[SelectChoice("kg", "kilograms"), SelectChoice("lb", "pounds")], default="kg"
    )
    service = SelectField("Service", validators=[NEEDED])
    reason = line("Why do you need the addresses?", 300, NEEDED,
                  description="Your name, the time and this stand in the audit of each parcel.")  # fmt: skip

    @classmethod
    def of(cls, profile: Profile) -> "CarrierForm":
        """The form for a program: only what its columns ask for."""
        form = cls()
        form.service.choices = [
            SelectChoice("", "Choose …"), *(SelectChoice(code, name) for code, name in profile.services.items())
        ]  # fmt: skip
        if not profile.services:
            del form.service
        if not profile.weighs:
            del form.unit
        return form

    def options(self) -> Options:
        """What was chosen."""
        chosen = {name: self[name].data for name in ("unit", "service") if name in self and self[name].data}
        return Options(**chosen)


def numbers_in(values: Iterable[str]) -> frozenset[int]:
    """The parcels that were ticked; what is no number is none of them."""
    return frozenset(int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 11)


def typed_in(sent: Mapping[str, str], profile: Profile) -> dict[int, dict[int, str]]:
    """What was typed for this file alone, by parcel and place of the column."""
    typed: dict[int, dict[int, str]] = {}
    for name, text in sent.items():
        match = _TYPED.fullmatch(name)
        if match and int(match[2]) < len(profile.columns):
            typed.setdefault(int(match[1]), {})[int(match[2])] = text.replace("\0", "").strip()[:200]
    return typed


class NumbersForm(Form):
    """A table of tracking numbers: a file, or pasted; which column is what; whose numbers they are."""

    file = FileField("File", description="As the carrier's program exports it: CSV or text with tabs.",
                     render_kw={"accept": ".csv,.ssv,.tsv,.txt,text/csv,text/plain"})  # fmt: skip
    text = TextAreaField("Rows", description="Or paste them here.", render_kw={"rows": 6, "class": "mono"})
    carrier = line("Carrier", 40, description="Where no column tells it: UPS, DHL, FedEx, USPS, or another.")
    reference = SelectField("Our reference is in", validate_choice=False)
    number = SelectField("The tracking number is in", validate_choice=False)
    carrier_column = SelectField("The carrier is in", validate_choice=False)
    void = SelectField("That a label is void is in", validate_choice=False)

    @property
    def written(self) -> str:
        """The rows with the spaces and tabs at their ends: an empty cell is one, too."""
        sent: str = (self.text.raw_data or [""])[0]
        return sent.replace("\0", "")

    def columns(self, table: Table) -> dict[str, int]:
        """Which column is what: as it was chosen, or as the table looks. What is missing is told at its field."""
        sent = bool(self.reference.raw_data)
        guessed = {} if sent else guess(table)
        chosen: dict[str, int] = {}
        for role, name in _FIELD_OF.items():
            field = self[name]
            field.choices = [
                SelectChoice("", "none of them"), *(SelectChoice(str(n), told) for n, told in enumerate(table.header))
            ]  # fmt: skip
            if not sent:
                field.data = str(guessed[role]) if role in guessed else ""
            place = field.data or ""
            if place.isascii() and place.isdigit() and int(place) < len(table.header):
                chosen[role] = int(place)
        for role in ("reference", "number"):
            if role not in chosen:
                self[role].errors = ["Choose the column."]
        return chosen
