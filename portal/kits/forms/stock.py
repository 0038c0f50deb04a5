"""What is typed about the stock."""

from collections.abc import Iterable, Sequence

from wtforms import DecimalField, IntegerField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from portal.core.forms import Form
from portal.kits.actions import KitSpec
from portal.kits.forms.base import NEEDED, line
from portal.kits.models import KitModel


class ModelForm(Form):
    """A kind of kit."""

    name = line("Name", 80, NEEDED)
    revision = line("Revision", 40)
    weight_g = IntegerField("Weight in grams", [NEEDED, NumberRange(1, 100_000)])
    declared_value = DecimalField("Declared value", [NEEDED, NumberRange(min=0.01, max=1_000_000)], places=2)
    currency = line("Currency", 3, NEEDED, Regexp(r"[A-Z]{3}$", message="Three capital letters, such as USD."))
    hs_code = line(
        "HS code", 14, Optional(), Regexp(r"[0-9. ]+$", message="Digits and points only."),
        description="The customs tariff number.",
    )  # fmt: skip
    eccn = line("ECCN", 20, description="The export control classification.")
    origin = line("Country of origin", 2, Optional(), Regexp(r"[A-Z]{2}$", message="Two capital letters, such as CN."))
    per_place = IntegerField(
        "For each place", [InputRequired("This is needed."), NumberRange(0, 20)], default=1,
        description="How many of it everybody gets. 0 for what only some get, such as a probe.",
    )  # fmt: skip
    basis = line("Basis", 300, description="Where the codes and the value come from. This is no legal advice.")

    def validate_declared_value(self, field: DecimalField) -> None:
        """Whole cents."""
        if field.data is not None and field.data != round(field.data, 2):
            raise ValidationError("At most two places after the point.")

    def spec(self) -> KitSpec:
        """What was typed."""
        names = ("name", "revision", "currency", "hs_code", "eccn", "origin", "basis")
        texts = {name: self[name].data or "" for name in names}
        weight_g, value, per_place = self.weight_g.data, self.declared_value.data, self.per_place.data
        assert weight_g is not None
        assert value is not None
        assert per_place is not None
        return KitSpec(
            texts["name"], texts["revision"], weight_g, value, texts["currency"], texts["hs_code"], texts["eccn"],
            texts["origin"], texts["basis"], per_place,
        )  # fmt: skip


class UnitsForm(Form):
    """Units to add, by serial number."""

    model = SelectField("Kit model", coerce=int, validators=[NEEDED])
    serials = TextAreaField(
        "Serial numbers", [NEEDED, Length(max=100_000)], description="One a line, as scanned or pasted.",
        render_kw={"rows": 8, "class": "mono"},
    )  # fmt: skip
    location = line("Location", 80)
    firmware = line("Firmware build", 60)

    def offer(self, models: Iterable[KitModel]) -> None:
        """Set the choices."""
        self.model.choices = [SelectChoice(model.id, model.label) for model in models]

    def tell(self, faults: Sequence[str]) -> None:
        """Say what is wrong, line by line."""
        self.serials.errors = [*self.serials.errors, *faults]


class UnitMoveForm(Form):
    """Why something is done to a unit."""

    reason = line("Reason", 300)
