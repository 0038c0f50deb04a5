"""What is typed about news of carriers."""

import re

from wtforms import HiddenField, ValidationError
from wtforms.validators import Length

from portal.core.forms import Form
from portal.kits.forms.base import NEEDED, line

_REFERENCE = re.compile(r"(?:S-)?0*([0-9]{1,9})", re.IGNORECASE | re.ASCII)


class NumberForm(Form):
    """A tracking number that nobody has."""

    number = HiddenField(validators=[NEEDED, Length(max=60)])


class MatchForm(NumberForm):
    """Whose it is."""

    parcel = line("Parcel", 12, NEEDED, description="Its reference, such as S-12.")

    def validate_parcel(self, field: HiddenField) -> None:
        """A reference, with or without its letter."""
        if not _REFERENCE.fullmatch(field.data or ""):
            raise ValidationError("This is no reference. It looks like S-12.")

    @property
    def shipment_id(self) -> int:
        """The parcel that was named."""
        found = _REFERENCE.fullmatch(self.parcel.data or "")
        assert found is not None
        return int(found[1])
