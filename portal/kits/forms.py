"""What is typed about kits, and what is wrong with it."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from wtforms import (
    BooleanField,
    DateTimeLocalField,
    DecimalField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from portal.core.forms import Form
from portal.core.moves import Move
from portal.kits import postal, states
from portal.kits.actions import Given, KitSpec, Scan
from portal.kits.models import KitModel
from portal.kits.postal import Address
from portal.kits.states import ShipmentState, Word

_NEEDED = DataRequired("This is needed.")
Kind = TypeVar("Kind", bound=Form)


def told_apart(form: Kind, suffix: object) -> Kind:
    """The same form under other ids, where a page has several of its kind. The names stay."""
    for field in form:
        field.id = f"{field.id}-{suffix}"
    return form


def _line(label: str, most: int, *checks: Any, **more: Any) -> StringField:
    return StringField(label, [*(checks or (Optional(),)), Length(max=most)], **more)


class AddressForm(Form):
    """Where a parcel goes, in the local script and, where that is another, in Latin letters for the label."""

    country = SelectField(
        "Country",
        choices=[SelectChoice("", "Choose …"), *(SelectChoice(code, name) for code, name in postal.countries())],
        validators=[_NEEDED],
    )
    refresh = SubmitField("Show this country's fields")
    recipient = _line("Recipient", 80, _NEEDED)
    company = _line("Company or laboratory", 80)
    street = TextAreaField("Street address", [_NEEDED, Length(max=200)], render_kw={"rows": 3})
    city = _line("City", 80)
    region = _line("Region", 80)
    postal_code = _line("Postal code", 20)
    phone = _line("Telephone", 30, _NEEDED, description="With the country's prefix, for example +49 30 1234567.")
    tax_id = _line("Tax or ID number", 40, description="Only where your customs want one.")
    latin_recipient = _line("Recipient in Latin letters", 80)
    latin_company = _line("Company in Latin letters", 80)
    latin_street = TextAreaField(
        "Street address in Latin letters", [Optional(), Length(max=200)], render_kw={"rows": 3}
    )
    latin_city = _line("City in Latin letters", 80)
    latin_region = _line("Region in Latin letters", 80)
    use_anyway = BooleanField("It is right as it is: use it anyway")

    NAMES = (
        "recipient", "company", "street", "city", "region", "postal_code", "tax_id", "latin_recipient",
        "latin_company", "latin_street", "latin_city", "latin_region",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doubts: dict[str, str] = {}
        self.hints = postal.hints(self.country.data or "")
        if self.hints:
            for name in ("region", "postal_code", "city"):
                self[name].label.text = getattr(self.hints, name)
            if self.hints.example:
                self.postal_code.description = f"For example {self.hints.example}."

    def validate_phone(self, field: StringField) -> None:
        """A number that the carrier can call from anywhere."""
        if postal.phone_number(field.data or "") is None:
            raise ValidationError("Write it with the country's prefix, for example +49 30 1234567.")

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Refuse what cannot be sent to; doubt what looks unusual, unless the person insists."""
        if not super().validate(*args, **kwargs):
            return False
        address = self.address()
        missing = postal.needs_latin(address)
        for name in missing:
            self[name].errors = [*self[name].errors, "The carrier's label needs this in Latin letters."]
        self.doubts = postal.doubts(address)
        if not self.use_anyway.data:
            for name, doubt in self.doubts.items():
                self[name].errors = [*self[name].errors, doubt]
        return not missing and (not self.doubts or bool(self.use_anyway.data))

    def address(self) -> Address:
        """What was typed."""
        typed = {name: self[name].data or "" for name in self.NAMES}
        typed["street"] = "\n".join(line.strip() for line in typed["street"].splitlines() if line.strip())
        return Address(country=self.country.data, phone=postal.phone_number(self.phone.data or "") or "", **typed)

    @property
    def in_latin(self) -> bool:
        """Whether the part for the label is to be unfolded."""
        return any(self[name].data or self[name].errors for name in self.NAMES if name.startswith("latin_"))


class WordForm(Form):
    """How a parcel arrived."""

    word = RadioField(
        "How did it go?",
        choices=[
            SelectChoice(Word.RECEIVED.value, "It is here and looks well"),
            SelectChoice(Word.DAMAGED.value, "It is here, but damaged"),
            SelectChoice(Word.DUTY.value, "Duty or tax is demanded from me"),
            SelectChoice(Word.NOTHING.value, "Nothing came"),
        ],
        validators=[_NEEDED],
    )  # fmt: skip
    text = TextAreaField("Note", [Optional(), Length(max=500)], render_kw={"rows": 2})


class ModelForm(Form):
    """A kind of kit."""

    name = _line("Name", 80, _NEEDED)
    revision = _line("Revision", 40)
    weight_g = IntegerField("Weight in grams", [_NEEDED, NumberRange(1, 100_000)])
    declared_value = DecimalField("Declared value", [_NEEDED, NumberRange(min=0.01, max=1_000_000)], places=2)
    currency = _line("Currency", 3, _NEEDED, Regexp(r"[A-Z]{3}$", message="Three capital letters, such as USD."))
    hs_code = _line(
        "HS code", 14, Optional(), Regexp(r"[0-9. ]+$", message="Digits and points only."),
        description="The customs tariff number.",
    )  # fmt: skip
    eccn = _line("ECCN", 20, description="The export control classification.")
    origin = _line("Country of origin", 2, Optional(), Regexp(r"[A-Z]{2}$", message="Two capital letters, such as CN."))
    basis = _line("Basis", 300, description="Where the codes and the value come from. This is no legal advice.")

    def validate_declared_value(self, field: DecimalField) -> None:
        """Whole cents."""
        if field.data is not None and field.data != round(field.data, 2):
            raise ValidationError("At most two places after the point.")

    def spec(self) -> KitSpec:
        """What was typed."""
        names = ("name", "revision", "currency", "hs_code", "eccn", "origin", "basis")
        texts = {name: self[name].data or "" for name in names}
        weight_g, value = self.weight_g.data, self.declared_value.data
        assert weight_g is not None
        assert value is not None
        return KitSpec(weight_g=weight_g, declared_value=value, **texts)


class UnitsForm(Form):
    """Units to add, by serial number."""

    model = SelectField("Kit model", coerce=int, validators=[_NEEDED])
    serials = TextAreaField(
        "Serial numbers", [_NEEDED, Length(max=100_000)], description="One a line, as scanned or pasted.",
        render_kw={"rows": 8, "class": "mono"},
    )  # fmt: skip
    location = _line("Location", 80)
    firmware = _line("Firmware build", 60)

    def offer(self, models: Iterable[KitModel]) -> None:
        """Set the choices."""
        self.model.choices = [SelectChoice(model.id, model.label) for model in models]

    def tell(self, faults: Sequence[str]) -> None:
        """Say what is wrong, line by line."""
        self.serials.errors = [*self.serials.errors, *faults]


class UnitMoveForm(Form):
    """Why something is done to a unit."""

    reason = _line("Reason", 300)


class StepForm(Form):
    """What a step of a parcel needs; only the fields in `needs` are asked for."""

    reason = _line("Reason", 300)
    carrier = _line("Carrier", 40)
    tracking_number = _line("Tracking number", 60)

    @classmethod
    def of(cls, move: Move[ShipmentState]) -> "StepForm":
        """The form of a step."""
        form = cls()
        for name in ("reason", "carrier", "tracking_number"):
            if name not in move.needs:
                del form[name]
            else:
                form[name].validators = (_NEEDED, Length(max=300 if name == "reason" else 60))
        return told_apart(form, move.name)

    def given(self) -> Given:
        """What was typed."""
        return Given(**{name: self[name].data or "" for name in Given.__slots__ if name in self})


class AssignForm(Form):
    """A unit for a parcel."""

    serial = _line("Serial number", 64, _NEEDED)


class ScanForm(Form):
    """News of a parcel, by hand. The time is in the zone of the person who types it."""

    status = SelectField(
        "What", choices=[SelectChoice(move.target.value, move.label) for move in states.TRACKING], validators=[_NEEDED]
    )
    occurred_at = DateTimeLocalField("When", [_NEEDED], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
    detail = _line("Place or words of the carrier", 300)
    key = HiddenField(validators=[_NEEDED, Length(max=64)])

    def scan(self, zone: ZoneInfo) -> Scan:
        """What was typed, by somebody in `zone`."""
        typed = self.occurred_at.data
        assert typed is not None
        occurred_at = typed.replace(tzinfo=zone).astimezone(UTC)
        return Scan("hand", self.key.data or "", ShipmentState(self.status.data), occurred_at, self.detail.data or "")


class RevealForm(Form):
    """Why somebody needs an address."""

    reason = _line("Why do you need it?", 300, _NEEDED, description="Your name, the time and this stand in the audit.")


class CountForm(Form):
    """How many the page said there are, so that nobody presses a button for more than they saw."""

    count = IntegerField(validators=[InputRequired()])
