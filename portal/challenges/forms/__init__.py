"""What people send about challenges."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from portal.accounts.rules import zones_by_region
from portal.accounts.states import Role
from portal.challenges.models import Challenge
from portal.challenges.rules import Outline, faults
from portal.core.forms import Form

# What browsers read, then what they send.
# To the minute first: a browser takes the seconds of what it is shown as the only ones that may be typed.
CLOCK = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def countries() -> dict[str, str]:
    """ISO 3166 countries by their English names."""
    territories = Locale("en").territories
    # CLDR also lists regions ("150", "EU"), and codes that no country has.
    odd = {"EU", "EZ", "UN", "XA", "XB", "QO", "ZZ"}
    named = [(code, name) for code, name in territories.items() if len(code) == 2 and code not in odd]
    return {"": "Choose"} | dict(sorted(named, key=lambda pair: pair[1]))


class SignForm(Form):
    """A name under the text that was read."""

    typed_name = StringField(
        "Your full name", validators=[DataRequired("Type your name to sign."), Length(max=120)],
        description="Typing it here signs the text above.",
    )  # fmt: skip
    seen = HiddenField()
    next = HiddenField()


class InviteForm(Form):
    """A colleague's address."""

    email = StringField("Their e-mail address", validators=[DataRequired("Type an address."), Length(max=254)])


class JoinForm(Form):
    """Where the new member works from."""

    country = SelectField(
        "Your country", choices=countries, validators=[DataRequired("Choose your country.")],
        description="Only counted in the statistics.",
    )  # fmt: skip


class OutlineForm(Form):
    """What a challenge says of itself. Times are in the challenge's zone."""

    title = StringField("Title", validators=[DataRequired(), Length(max=120)])
    summary = TextAreaField("Summary", validators=[DataRequired()], description="Markdown. The first that people read.")
    rules = TextAreaField(
        "Rules", validators=[DataRequired()], description="Markdown. What is in scope and what is not."
    )
    zone = SelectField("Time zone", choices=zones_by_region, description="Its days and deadlines are days there.")
    places = IntegerField("Places", validators=[InputRequired(), NumberRange(min=1, max=100_000)])
    currency = StringField("Currency of the rewards", validators=[DataRequired(), Length(min=3, max=3)])
    announced_on = DateField("Announced on", validators=[InputRequired()])
    apply_from = DateTimeLocalField("Applications open", format=CLOCK, validators=[InputRequired()])
    apply_until = DateTimeLocalField("Applications close", format=CLOCK, validators=[InputRequired()])
    starts_on = DateField("First day of research", validators=[InputRequired()])
    ends_on = DateField("Last day of research", validators=[InputRequired()])

    # The instants with their seconds, as the challenge's clocks showed them when the form was made.
    shown: Mapping[str, datetime] = MappingProxyType({})

    @classmethod
    def of(cls, challenge: Challenge) -> "OutlineForm":
        """The form with what a challenge says now."""
        zone, values = ZoneInfo(challenge.zone), {name: getattr(challenge, name) for name in Outline.__slots__}
        for name in ("apply_from", "apply_until"):
            values[name] = values[name].astimezone(zone)
        form = cls(data=values)
        form.shown = {name: values[name].replace(tzinfo=None) for name in ("apply_from", "apply_until")}
        return form

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Each field by itself, then all together."""
        if not super().validate(extra_validators):
            return False
        wrong = faults(self.outline())
        for name, text in wrong.items():
            self[name].errors = [text]
        return not wrong

    def outline(self) -> Outline:
        """The values; instants are what the zone's clocks show."""
        values = {name: field.data for name, field in self._fields.items() if name in Outline.__slots__}
        zone = ZoneInfo(values["zone"])
        for name in ("apply_from", "apply_until"):
            told, shown = values[name], self.shown.get(name)
            # Browsers show and send minutes: what was not touched keeps its seconds.
            kept = shown if shown and shown.replace(second=0, microsecond=0) == told else told
            values[name] = kept.replace(tzinfo=zone).astimezone(UTC)
        return Outline(**values)


class AgreementForm(Form):
    """The next version of what participants sign."""

    title = StringField("Title", validators=[DataRequired(), Length(max=120)])
    body = TextAreaField(
        "Text", validators=[DataRequired()],
        description="Markdown. Everybody signs a new version before kit, office hours and reports open again.",
    )  # fmt: skip


class ScenarioForm(Form):
    """Something that can be achieved."""

    code = StringField("Code", validators=[DataRequired(), Length(max=8)], description="Short and for good: G4.")
    title = StringField("Title", validators=[DataRequired(), Length(max=200)])
    kind = SelectField("Kind", choices={"general": "general", "high": "high priority"})
    reward = StringField("Reward", validators=[DataRequired(), Length(max=200)])


class GrantForm(Form):
    """A role for somebody who has an account."""

    email = StringField("E-mail address", validators=[DataRequired("Type the address of an account.")])
    role = SelectField("Role", choices={role.value: role.value for role in Role})
    reason = StringField("Reason", validators=[DataRequired("The audit keeps a reason."), Length(max=500)])


class WithdrawForm(Form):
    """A role that is taken back."""

    account_id = IntegerField(validators=[InputRequired()])
    role = SelectField(choices={role.value: role.value for role in Role})
    everywhere = BooleanField()
    reason = StringField("Reason", validators=[DataRequired("The audit keeps a reason."), Length(max=500)])


class RemoveForm(Form):
    """Why a participation ends."""

    reason = StringField("Reason", validators=[DataRequired("The audit keeps a reason."), Length(max=500)])


def messages(forms: Iterable[Form]) -> str:
    """What is wrong in forms that have no page of their own, in one line."""
    return " ".join(str(text) for form in forms for errors in form.errors.values() for text in errors)
