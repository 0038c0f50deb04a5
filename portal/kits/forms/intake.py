"""What is scanned in, and tables of units."""

import re
import secrets
from collections.abc import Iterable

from wtforms import HiddenField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from portal.core.forms import Form, TableForm
from portal.kits.forms.base import NEEDED, line
from portal.kits.models import KitModel
from portal.kits.rules.intake import LARGEST

_SITTING = re.compile(r"[0-9a-f]{16}")


class ScanInForm(Form):
    """One serial number under the scanner; the rest stays as it was chosen."""

    model = SelectField("Kit model", coerce=int, validators=[NEEDED])
    location = line("Location", 80)
    firmware = line("Firmware build", 60)
    sitting = HiddenField()
    serial = StringField(
        "Serial number", description="Scan it, or type it and press Enter.",
        render_kw={"class": "mono", "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false",
                   "enterkeyhint": "done"},
    )  # fmt: skip

    def offer(self, models: Iterable[KitModel]) -> None:
        """Set the choices."""
        self.model.choices = [SelectChoice(model.id, model.label) for model in models]

    def begin(self) -> str:
        """Name the sitting, unless it has a name; the name."""
        if not _SITTING.fullmatch(self.sitting.data or ""):
            self.sitting.data = secrets.token_hex(8)
        return str(self.sitting.data)


class ImportForm(TableForm):
    """A table of units."""

    largest = LARGEST


class ArrangeForm(Form):
    """What to set on many units, and how many the person saw."""

    value = line("Value", 80)
    count = IntegerField(validators=[NEEDED])
