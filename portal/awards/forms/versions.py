"""A version of the rules as it is typed."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from wtforms import DateTimeLocalField, DecimalField, IntegerField, StringField
from wtforms.validators import Length, NumberRange, Optional

from portal.awards.forms.awards import MOST, whole_cents
from portal.awards.models import BountyRules
from portal.awards.queries import table_of
from portal.awards.rules import Table
from portal.awards.states import Quality
from portal.challenges.models import Scenario
from portal.challenges.states import ScenarioKind
from portal.core.forms import Form
from portal.reports.states import Severity


class RulesBase(Form):
    """The rules of bounties; the fields for amounts are added by `rules_form`."""

    cap = DecimalField(
        "Most that is ever awarded", [Optional(), NumberRange(min=1, max=MOST), whole_cents], places=None,
        description="For one report, all its parts together.",
    )  # fmt: skip
    in_force_from = DateTimeLocalField(
        "In force from", [Optional()], format="%Y-%m-%dT%H:%M", description="Empty: from now on."
    )
    note = StringField(
        "What it is about", [Optional(), Length(max=300)], description="Whoever sees the rules reads it."
    )

    def begins(self, zone: str) -> datetime | None:
        """From when it is to hold; typed in the programme's own zone. None for at once."""
        typed: datetime | None = self.in_force_from.data
        return typed.replace(tzinfo=ZoneInfo(zone)) if typed else None

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
    return DecimalField(label, [Optional(), NumberRange(min=1, max=MOST), whole_cents], places=None)


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
