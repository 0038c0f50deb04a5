"""What is typed about awards and their rules."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from wtforms import DecimalField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from portal.awards.models import BountyRules
from portal.awards.queries import table_of
from portal.awards.rules import Table
from portal.awards.states import AwardState, Quality, Reason
from portal.challenges.models import Scenario
from portal.challenges.states import ScenarioKind
from portal.core.forms import Form
from portal.core.moves import Move
from portal.reports.states import Severity

_NEEDED = DataRequired("This is needed.")
_MOST = 10_000_000


class ProposeForm(Form):
    """How good a report is, and why it is awarded as it is."""

    quality = RadioField(
        "Quality of the report", choices=[SelectChoice(quality.value, quality.capitalize()) for quality in Quality],
        validators=[_NEEDED],
    )  # fmt: skip
    reason = SelectField(
        "Reason",
        choices=[
            SelectChoice(reason.value, reason.capitalize()) for reason in Reason if reason is not Reason.CORRECTION
        ],
    )  # fmt: skip
    note = TextAreaField(
        "Note for whoever approves", [Optional(), Length(max=500)], description="Nothing of the report's content.",
        render_kw={"rows": 3},
    )  # fmt: skip


class StepForm(Form):
    """What a step needs."""

    reason = StringField("Reason", [_NEEDED, Length(max=300)])
    payment_reference = StringField("Payment reference", [_NEEDED, Length(max=80)])

    @classmethod
    def of(cls, move: Move[AwardState]) -> "StepForm":
        """The form of a step, with only the fields that it needs."""
        form = cls()
        for name in ("reason", "payment_reference"):
            if name not in move.needs:
                del form[name]
        for field in form:
            field.id = f"{field.id}-{move.name}"
        return form

    def given(self) -> dict[str, str]:
        """What was typed."""
        return {name: self[name].data for name in ("reason", "payment_reference") if name in self}


class RulesBase(Form):
    """The rules of bounties; the fields for amounts are added by `rules_form`."""

    cap = DecimalField("Most that is ever awarded", [Optional(), NumberRange(min=1, max=_MOST)], places=None)

    def table(self, scenarios: Iterable[Scenario]) -> Table:
        """What was typed; an empty field is no amount."""
        return Table(
            base={
                (severity, quality): _cents(self[f"base_{severity}_{quality}"].data)
                for severity in Severity
                for quality in Quality
                if self[f"base_{severity}_{quality}"].data is not None
            },
            uplift={
                (kind, severity): self[f"uplift_{kind}_{severity}"].data
                for kind in ScenarioKind
                for severity in Severity
                if self[f"uplift_{kind}_{severity}"].data
            },
            fixed={
                scenario.id: _cents(self[f"fixed_{scenario.id}"].data)
                for scenario in scenarios
                if self[f"fixed_{scenario.id}"].data is not None
            },
            cap=None if self.cap.data is None else _cents(self.cap.data),
        )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def _amount(label: str) -> Any:
    return DecimalField(label, [Optional(), NumberRange(min=1, max=_MOST)], places=None)


def rules_form(scenarios: Iterable[Scenario], current: BountyRules | None) -> RulesBase:
    """The form with a field for each severity and quality, kind and severity, and scenario; filled from `current`."""
    fields: dict[str, Any] = {}
    for severity in Severity:
        for quality in Quality:
            fields[f"base_{severity}_{quality}"] = _amount(f"{severity.capitalize()}, {quality} quality")
        for kind in ScenarioKind:
            words = {ScenarioKind.GENERAL: "general", ScenarioKind.HIGH_PRIORITY: "high-priority"}[kind]
            fields[f"uplift_{kind}_{severity}"] = IntegerField(
                f"{severity.capitalize()}, {words} scenario, per cent", [Optional(), NumberRange(1, 100)]
            )
    for scenario in scenarios:
        fields[f"fixed_{scenario.id}"] = _amount(f"{scenario.code} {scenario.title}")
    made: RulesBase = type("RulesForm", (RulesBase,), fields)(data=_filled(current))
    return made


def _filled(current: BountyRules | None) -> dict[str, Any]:
    if current is None:
        return {}
    table = table_of(current)
    return {
        **{f"base_{severity}_{quality}": amount for (severity, quality), amount in table.base.items()},
        **{f"uplift_{kind}_{severity}": percent for (kind, severity), percent in table.uplift.items()},
        **{f"fixed_{scenario_id}": amount for scenario_id, amount in table.fixed.items()},
        "cap": table.cap,
    }
