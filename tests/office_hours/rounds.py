"""Demand rounds on stage."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, undefer

from portal.challenges.models import Member
from portal.office_hours.actions import requests, rounds
from portal.office_hours.actions.requests import Asking
from portal.office_hours.models import Booking, Round, RoundRequest, Series, Sitting, Slot
from portal.office_hours.queries.rounds import round_of, rounds_due, sittings_without
from tests.cast import NOON, make_account, make_participant
from tests.office_hours.conftest import SENDER, Stage

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# When the rounds that open at NOON are drawn.
DRAW = NOON + DAY


class Rounds:
    """Series whose seats are drawn after a day, rounds, and requests in them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.session: Session = stage.session

    def series(self, **changes: object) -> Series:
        """Two slots of one seat, drawn after a day."""
        return self.stage.series(**{"slots": 2, "round_hours": 24, **changes})

    def open(self, at: datetime = NOON) -> list[Round]:
        """Open what is due, as the worker does; all rounds there are, the next session's first."""
        for sitting in sittings_without(self.session, at):
            rounds.open_round(self.session, sitting.id, at=at)
        self.session.commit()
        return self.all()

    def all(self) -> list[Round]:
        """All rounds there are, the next session's first, with what nobody else loads."""
        rows = sa.select(Round).join(Round.sitting).order_by(Sitting.starts_at, Round.id)
        whole = rows.options(undefer(Round.seed), undefer(Round.protocol)).execution_options(populate_existing=True)
        return list(self.session.scalars(whole))

    def one(self, **changes: object) -> tuple[Round, list[Slot]]:
        """The first round of a new series, open since NOON, and its slots."""
        series = self.series(**changes)
        first = self.open()[0]
        return first, [slot for slot in self.stage.slots(series) if slot.sitting_id == first.sitting_id]

    def ask(
        self, found: Round, member: Member, *slots: Slot, topic: str = "The boot log", at: datetime = NOON
    ) -> RoundRequest:
        """Ask for these slots, the best first, or for any; committed."""
        wish = Asking(topic, tuple(slot.id for slot in slots), anywhere=not slots)
        made = requests.ask(self.session, self.load(found), member, wish, at=at)
        self.session.commit()
        return made

    def load(self, found: Round) -> Round:
        """The round as its page loads it."""
        return round_of(self.session, self.stage.cast.challenge.id, found.id)

    def draw(self, at: datetime = DRAW) -> int:
        """Draw what is due, as the worker does; how many were drawn."""
        drawn = 0
        for round_id in rounds_due(self.session, at):
            drawn += rounds.draw_round(self.session, round_id, at=at, sender=SENDER)
            self.session.commit()
        return drawn

    def crowd(self, number: int) -> list[Member]:
        """So many participants more; their places."""
        cast = self.stage.cast
        made = [
            make_participant(self.session, cast.challenge, make_account(self.session, f"Asker {one}"))
            for one in range(number)
        ]
        self.session.commit()
        return [participant.members[0] for participant in made]

    def states(self, requests: Sequence[RoundRequest]) -> list[str]:
        """What became of requests."""
        for request in requests:
            self.session.refresh(request)
        return [str(request.state) for request in requests]

    def seats(self) -> list[tuple[int, int, str]]:
        """The slot, participant and source of each booking."""
        rows = sa.select(Booking.slot_id, Booking.participant_id, Booking.source).order_by(Booking.slot_id)
        return [(slot, who, str(source)) for slot, who, source in self.session.execute(rows)]
