"""What is asked for in a demand round."""

from collections.abc import Mapping, Sequence

from wtforms import FieldList, FormField, HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from portal.core.forms import Form
from portal.office_hours.actions.requests import Asking


class RankForm(Form):
    """One slot, and how dear it is."""

    class Meta(Form.Meta):
        """Protected by the form around it."""

        csrf = False

    slot = HiddenField()
    rank = SelectField("Choice", coerce=int, default=0)

    def number(self) -> int:
        """The slot's id, or 0 where the page has been meddled with."""
        text = self.slot.data or ""
        return int(text) if text.isdecimal() else 0


class AskForm(Form):
    """A topic, and the slots that would do, in an order; none in particular where none is numbered."""

    topic = StringField(
        "Topic", [DataRequired("Say in a few words what you want to talk about."), Length(max=120)],
        description="A few words for the engineer, and nothing that has to stay secret.",
    )  # fmt: skip
    ranks = FieldList(FormField(RankForm), "Your choice", max_entries=200)

    def __init__(self, labels: Mapping[int, str], topic: str = "", named: Sequence[int] | None = None) -> None:
        """`labels` are the slots by their ids; `named` those of the request that there is, the best first."""
        place = {slot: rank for rank, slot in enumerate(named or (), start=1)}
        rows = [{"slot": str(slot), "rank": place.get(slot, 0)} for slot in labels]
        super().__init__(data={"topic": topic, "ranks": rows})
        choices = {"0": "–", **{str(rank): f"{rank}." for rank in range(1, len(labels) + 1)}}
        self.labels = [labels.get(row.number(), "") for row in self.rows()]
        for row in self.rows():
            row.rank.choices = choices

    def rows(self) -> list[RankForm]:
        """The slots' rows."""
        return [entry.form for entry in self.ranks]

    def validate(self, extra_validators: object = None) -> bool:
        """Besides each field by itself: no number twice."""
        fine = bool(super().validate(extra_validators))
        ranks = [row.rank.data for row in self.rows() if row.rank.data]
        if len(set(ranks)) < len(ranks):
            self.ranks.errors = [*self.ranks.errors, "Give each number only once."]
            return False
        return fine

    def asking(self) -> Asking:
        """What the form asks for."""
        chosen = sorted((row.rank.data, row.number()) for row in self.rows() if row.rank.data)
        return Asking(self.topic.data or "", tuple(slot for _, slot in chosen), anywhere=not chosen)
