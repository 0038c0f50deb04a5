"""Where a parcel goes, and why somebody wants to see it."""

from typing import Any

from wtforms import BooleanField, SelectField, StringField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Length, Optional, ValidationError

from portal.core.forms import Form
from portal.kits import customs, postal
from portal.kits.forms.base import NEEDED, line
from portal.kits.postal import Address


class AddressForm(Form):
    """Where a parcel goes, in the local script and, where that is another, in Latin letters for the label."""

    country = SelectField(
        "Country",
        choices=[SelectChoice("", "Choose …"), *(SelectChoice(code, name) for code, name in postal.countries())],
        validators=[NEEDED],
    )
    refresh = SubmitField("Show this country's fields")
    recipient = line("Recipient", 80, NEEDED)
    company = line("Company or laboratory", 80)
    street = TextAreaField("Street address", [NEEDED, Length(max=200)], render_kw={"rows": 3})
    city = line("City", 80)
    region = line("Region", 80)
    postal_code = line("Postal code", 20)
    phone = line("Telephone", 30, NEEDED, description="With the country's prefix, for example +49 30 1234567.")
    tax_id = line("Tax or ID number", 40, description="Only where your customs want one.")
    latin_recipient = line("Recipient in Latin letters", 80)
    latin_company = line("Company in Latin letters", 80)
    latin_street = TextAreaField(
        "Street address in Latin letters", [Optional(), Length(max=200)], render_kw={"rows": 3}
    )
    latin_city = line("City in Latin letters", 80)
    latin_region = line("Region in Latin letters", 80)
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
        self.number = customs.number_of(self.country.data or "")
        if self.number:
            self.tax_id.label.text = f"Customs number: {self.number.name}"
            self.tax_id.description = f"Customs usually ask for it before they let a parcel in: {self.number.looks}."

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
        self.doubts = postal.doubts(address) | self._customs_doubt(address)
        if not self.use_anyway.data:
            for name, doubt in self.doubts.items():
                self[name].errors = [*self[name].errors, doubt]
        return not missing and (not self.doubts or bool(self.use_anyway.data))

    @staticmethod
    def _customs_doubt(address: Address) -> dict[str, str]:
        doubt = customs.doubt(address.country, address.tax_id)
        return {"tax_id": doubt} if doubt else {}

    def address(self) -> Address:
        """What was typed."""
        typed = {name: self[name].data or "" for name in self.NAMES}
        typed["street"] = "\n".join(line.strip() for line in typed["street"].splitlines() if line.strip())
        return Address(country=self.country.data, phone=postal.phone_number(self.phone.data or "") or "", **typed)

    @property
    def in_latin(self) -> bool:
        """Whether the part for the label is to be unfolded."""
        return any(self[name].data or self[name].errors for name in self.NAMES if name.startswith("latin_"))


class RevealForm(Form):
    """Why somebody needs an address."""

    reason = line("Why do you need it?", 300, NEEDED, description="Your name, the time and this stand in the audit.")
