"""Proposals, and what the steps of an award need."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from wtforms import DecimalField, HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length, NumberRange, Optional, ValidationError

from portal.awards.actions import Proposal
from portal.awards.models import Award
from portal.awards.states import AwardState, Quality, Reason
from portal.challenges.models import Member
from portal.core.forms import Form
from portal.core.moves import Move
from portal.reports.states import Severity

NEEDED = DataRequired("This is needed.")
MOST = 10_000_000


def whole_cents(_form: Form, field: DecimalField) -> None:
    """Refuse what no account can hold."""
    # After another fault the amount may be of any size.
    if field.data is not None and not field.errors and field.data != field.data.quantize(Decimal("0.01")):
        raise ValidationError("At most two places after the point.")


class ProposeForm(Form):
    """How good a report is, and why it is awarded as it is; the fields for shares are added by `propose_form`."""

    members: Sequence[Member] = ()
    part = HiddenField(validators=[Length(max=60)])
    severity = HiddenField()
    quality = RadioField(
        "Quality of the report", choices=[SelectChoice(quality.value, quality.capitalize()) for quality in Quality],
        validators=[NEEDED],
    )  # fmt: skip
    reason = SelectField(
        "Reason",
        choices=[
            SelectChoice(reason.value, reason.capitalize()) for reason in Reason if reason is not Reason.CORRECTION
        ],
    )  # fmt: skip
    amount = DecimalField(
        "Another amount than the table's", [Optional(), NumberRange(min=Decimal("0.01"), max=MOST), whole_cents],
        places=None, description="Only with the reason “Exceptional”. The working says that people decided on it.",
    )  # fmt: skip
    because = StringField(
        "Why it is corrected", [Optional(), Length(max=300)],
        description="The researcher reads it: nothing of the report's content.",
    )  # fmt: skip
    note = TextAreaField(
        "Note for whoever approves", [Optional(), Length(max=500)], description="Nothing of the report's content.",
        render_kw={"rows": 3},
    )  # fmt: skip

    def validate_severity(self, field: HiddenField) -> None:
        """Refuse a word that is none."""
        if field.data and field.data not in list(Severity):
            raise ValidationError("There is no such severity.")

    def share_fields(self) -> list[tuple[Member, Any]]:
        """Who acts for the participant, each with the field of their share."""
        return [(member, self[f"share_{member.account_id}"]) for member in self.members]

    def _shares(self) -> Mapping[int, int] | None:
        typed = {member.account_id: field.data for member, field in self.share_fields()}
        if all(weight is None for weight in typed.values()):
            return None
        return {who: weight or 0 for who, weight in typed.items()}

    def proposal(self) -> Proposal:
        """What was typed."""
        return Proposal(
            quality=Quality(self.quality.data), reason=Reason(self.reason.data), note=self.note.data or "",
            part=self.part.data or "", severity=Severity(self.severity.data) if self.severity.data else None,
            amount=None if self.amount.data is None else self.amount.data.quantize(Decimal("0.01")),
            because=self.because.data or "", shares=self._shares(),
        )  # fmt: skip


def propose_form(members: Sequence[Member], stands: Award | None, filled: Mapping[str, Any]) -> ProposeForm:
    """The form with a share for each member: as they stand, else one for each."""
    before = {share.account_id: share.weight for share in stands.shares} if stands else {}
    fields: dict[str, Any] = {"members": members}
    for member in members:
        fields[f"share_{member.account_id}"] = IntegerField(
            member.account.name, [Optional(), NumberRange(0, 10_000, "A whole number from 0 to 10,000.")],
            default=before.get(member.account_id, 0 if before else 1),
        )  # fmt: skip
    made: ProposeForm = type("TeamProposeForm", (ProposeForm,), fields)(data=filled)
    return made


class VoidForm(Form):
    """Why an award is to be void."""

    because = StringField(
        "Why", [NEEDED, Length(max=300)], description="The researcher reads it: nothing of the report's content."
    )


class StepForm(Form):
    """What a step needs."""

    reason = StringField("Reason", [NEEDED, Length(max=300)])

    @classmethod
    def of(cls, move: Move[AwardState]) -> "StepForm":
        """The form of a step, with only the fields that it needs."""
        form = cls()
        if "reason" not in move.needs:
            del form.reason
        for field in form:
            field.id = f"{field.id}-{move.name}"
        return form

    def given(self) -> dict[str, str]:
        """What was typed."""
        return {"reason": self.reason.data or ""} if "reason" in self else {}
