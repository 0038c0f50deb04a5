"""What is typed about releases and builds."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from portal.core.forms import Form
from portal.reports.states import Finding

FINDINGS = {"": "not looked at", **{each.value: each.replace("_", " ") for each in Finding}}


class ReleaseForm(Form):
    """A release of the product."""

    name = StringField("Name", [DataRequired("Give it a name."), Length(max=40)], description="20.07, say.")
    planned_on = DateField("Planned for", [InputRequired("Say for which day.")])
    notes = TextAreaField("Notes", [Length(max=1000)], description="For the team. No details of findings.")


class PublishForm(Form):
    """The day on which a release came out."""

    released_on = DateField("Released on", [InputRequired("Say on which day.")])


class PlanForm(Form):
    """For which release a fix is planned."""

    release = SelectField("Release")

    @classmethod
    def of(cls, open_ones: Sequence[tuple[int, str]], now: int | None) -> "PlanForm":
        """The form with the releases that are not out yet."""
        form = cls(release=str(now or ""))
        form.release.choices = {"": "None yet", **{str(number): name for number, name in open_ones}}
        return form


class BuildsForm(Form):
    """On which build a report was reproduced, and what each turned out to be."""

    reproduced_on = SelectField("Reproduced on")

    rows: Sequence[Any] = ()

    @classmethod
    def of(
        cls, listed: Sequence[tuple[int, str, bool]], reproduced_on: int | None, found: Mapping[int, Finding]
    ) -> "BuildsForm":
        """The form with a field for each build of the challenge."""
        fields = {
            f"build_{number}": SelectField(f"{name} (pinned)" if pinned else name, choices=FINDINGS)
            for number, name, pinned in listed
        }
        made = type("BuildsFormOfChallenge", (cls,), fields)
        given = {f"build_{number}": finding.value for number, finding in found.items()}
        form = made(reproduced_on=str(reproduced_on or ""), **given)
        form.reproduced_on.choices = {"": "not said", **{str(number): name for number, name, _ in listed}}
        form.rows = [form[name] for name in fields]
        return form  # type: ignore[no-any-return]

    def findings(self) -> dict[int, Finding | None]:
        """What was chosen, by build."""
        return {int(row.name.removeprefix("build_")): Finding(row.data) if row.data else None for row in self.rows}
