"""What is typed about parcels."""

from datetime import UTC
from zoneinfo import ZoneInfo

from wtforms import DateTimeLocalField, HiddenField, IntegerField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired, Length, Optional

from portal.core.forms import Form
from portal.core.moves import Move
from portal.kits import states
from portal.kits.actions import Given, Scan
from portal.kits.forms.base import NEEDED, line, told_apart
from portal.kits.states import ShipmentState, Word


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
        validators=[NEEDED],
    )  # fmt: skip
    text = TextAreaField("Note", [Optional(), Length(max=500)], render_kw={"rows": 2})


class StepForm(Form):
    """What a step of a parcel needs; only the fields in `needs` are asked for."""

    reason = line("Reason", 300)
    carrier = line("Carrier", 40)
    tracking_number = line("Tracking number", 60)

    @classmethod
    def of(cls, move: Move[ShipmentState]) -> "StepForm":
        """The form of a step."""
        form = cls()
        for name in ("reason", "carrier", "tracking_number"):
            if name not in move.needs:
                del form[name]
            else:
                form[name].validators = (NEEDED, Length(max=300 if name == "reason" else 60))
        return told_apart(form, move.name)

    def given(self) -> Given:
        """What was typed."""
        return Given(**{name: self[name].data or "" for name in Given.__slots__ if name in self})


class AssignForm(Form):
    """A unit for a parcel."""

    serial = line("Serial number", 64, NEEDED)


class ScanForm(Form):
    """News of a parcel, by hand. The time is in the zone of the person who types it."""

    status = SelectField(
        "What", choices=[SelectChoice(move.target.value, move.label) for move in states.TRACKING], validators=[NEEDED]
    )
    occurred_at = DateTimeLocalField("When", [NEEDED], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
    detail = line("Place or words of the carrier", 300)
    key = HiddenField(validators=[NEEDED, Length(max=64)])

    def scan(self, zone: ZoneInfo) -> Scan:
        """What was typed, by somebody in `zone`."""
        typed = self.occurred_at.data
        assert typed is not None
        occurred_at = typed.replace(tzinfo=zone).astimezone(UTC)
        return Scan("hand", self.key.data or "", ShipmentState(self.status.data), occurred_at, self.detail.data or "")


class CountForm(Form):
    """How many the page said there are, so that nobody presses a button for more than they saw."""

    count = IntegerField(validators=[InputRequired()])
