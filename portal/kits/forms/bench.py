"""What is typed at the bench: who sends, what is printed and why, and what the scanner types."""

from typing import Any

from wtforms import HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from portal.core.forms import Form
from portal.kits import postal
from portal.kits.actions.packing import Typed
from portal.kits.actions.papers import SenderSpec
from portal.kits.forms.base import NEEDED, line
from portal.kits.models import Sender
from portal.kits.rules.papers import LabelFormat, Paper
from portal.kits.states.packing import Act

_LATIN = ("name", "company", "street", "city", "region", "export_reason")


class SenderForm(Form):
    """Who sends a challenge's parcels."""

    name = line("Name", 80, NEEDED, description="Whom the carrier and customs may ask.")
    company = line("Company", 80)
    street = TextAreaField("Street address", [NEEDED, Length(max=200)], render_kw={"rows": 2})
    postal_code = line("Postal code", 20)
    city = line("City", 80, NEEDED)
    region = line("Region", 80)
    country = SelectField(
        "Country",
        choices=[SelectChoice("", "Choose …"), *(SelectChoice(code, name) for code, name in postal.countries())],
        validators=[NEEDED],
    )
    phone = line("Telephone", 30, NEEDED, description="With the country's prefix, for example +1 425 555 0100.")
    tax_id = line("Tax or EORI number", 40, description="What your customs know you by.")
    export_reason = line("Reason for export", 120, NEEDED, description="As it shall stand on the customs sheets.")
    packaging_g = IntegerField(
        "Weight of an empty box in grams", [InputRequired("This is needed."), NumberRange(0, 50_000)], default=0,
        description="With its padding. Net weight and this make the gross weight.",
    )  # fmt: skip

    @classmethod
    def of(cls, kept: Sender | None) -> "SenderForm":
        """The form as it was sent, or else with what is known."""
        return cls(obj=kept) if kept else cls()

    def validate_phone(self, field: StringField) -> None:
        """A number that can be called from anywhere."""
        if postal.phone_number(field.data or "") is None:
            raise ValidationError("Write it with the country's prefix, for example +1 425 555 0100.")

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Refuse what is not in Latin letters: the papers are read abroad."""
        good: bool = super().validate(*args, **kwargs)
        for name in _LATIN:
            if not postal.is_latin(self[name].data or ""):
                self[name].errors = [*self[name].errors, "Customs abroad need this in Latin letters."]
                good = False
        return good

    def spec(self) -> SenderSpec:
        """What was typed."""
        names = ("name", "company", "city", "region", "postal_code", "country", "tax_id", "export_reason")
        street = "\n".join(line.strip() for line in (self.street.data or "").splitlines() if line.strip())
        return SenderSpec(
            **{name: self[name].data or "" for name in names}, street=street,
            phone=postal.phone_number(self.phone.data or "") or "", packaging_g=self.packaging_g.data or 0,
        )  # fmt: skip


class PrintForm(Form):
    """Why addresses are printed, and on what."""

    reason = line("Why do you need them?", 300, NEEDED, description="Your name, the time and this stand in the audit.")


class CustomsForm(PrintForm):
    """Customs sheets."""

    paper = SelectField(
        "Paper", choices=[SelectChoice(Paper.A4.value, "A4"), SelectChoice(Paper.LETTER.value, "Letter")]
    )


class LabelsForm(PrintForm):
    """Address labels."""

    paper = SelectField(
        "Labels",
        choices=[
            SelectChoice(LabelFormat.A4.value, "A4, two columns of four (105 × 74 mm)"),
            SelectChoice(LabelFormat.LETTER.value, "Letter, two columns of five (4 × 2 inches)"),
            SelectChoice(LabelFormat.SINGLE.value, "One a page, 100 × 150 mm"),
        ],
    )


class TypedForm(Form):
    """One scan. An empty code is Enter on the empty field."""

    code = StringField("Scan or type", [Optional(), Length(max=500, message="This is too long for a code.")])
    key = HiddenField(validators=[DataRequired("Reload the page, and scan it again."), Length(max=64)])
    act = HiddenField(default=Act.SCAN.value)

    def validate_act(self, field: HiddenField) -> None:
        """One of the buttons."""
        if field.data and field.data not in list(Act):
            raise ValidationError("There is no such button.")

    def typed(self) -> Typed:
        """What came from the scanner."""
        return Typed(self.code.data or "", self.key.data or "", Act(self.act.data or Act.SCAN))
