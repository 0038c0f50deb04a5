"""Whatever happens in whatever order, an application's story stays one that the table of moves allows."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.applications import actions
from portal.applications.models import Application, Step
from portal.applications.states import MOVES, ApplicationState, Decision, Disqualified
from portal.challenges.queries import membership
from portal.core import audit
from portal.core.errors import PortalError
from portal.core.outbox import OutgoingMail
from portal.selection.actions import decisions, invitations, waves
from portal.selection.actions.invitations import Signing
from portal.selection.models import Wave, WaveEntry
from portal.selection.rules import UNDECIDED
from portal.selection.states import EntryState, WaveState
from tests.cast import NOON, make_account
from tests.selection.conftest import Bench

ARROWS = {(source, move.target) for move in MOVES for source in move.sources}
TOLD = {
    ApplicationState.INVITED: "selection/invited",
    ApplicationState.WAITLISTED: "selection/waitlisted",
    ApplicationState.DECLINED: "selection/declined",
}
NUMBER = st.integers(0, 5)
_names = count()


class Story:
    """Three applications, and everything that can happen to them."""

    def __init__(self, session: Session, bench: Bench) -> None:
        self.session, self.cast, self.lead = session, bench.cast, bench.cast.lead.id
        accounts = [make_account(session, f"Teller {next(_names)}") for _ in range(3)]
        self.rows = [bench.draft(account) for account in accounts]
        self.at = NOON

    def happen(self, verb: str, which: int, number: int) -> None:
        """One thing that somebody does or time brings; what is not possible now is refused and changes nothing."""
        self.at += timedelta(hours=5)
        row = self.rows[which % 3]
        try:
            getattr(self, verb)(row, number)
            self.session.commit()
        except PortalError:
            self.session.rollback()
        self.session.expire_all()

    def submit(self, row: Application, _number: int) -> None:
        actions.submit_application(self.session, row, row.account, at=self.at)

    def come_back(self, row: Application, _number: int) -> None:
        actions.return_application(self.session, row, row.account, at=self.at)

    def withdraw(self, row: Application, _number: int) -> None:
        actions.withdraw_application(self.session, row, at=self.at)

    def accept(self, row: Application, _number: int) -> None:
        invitations.accept_invitation(self.session, row, row.account, Signing("A. Name"), at=self.at)

    def refuse(self, row: Application, _number: int) -> None:
        invitations.refuse_invitation(self.session, row, row.account, at=self.at)

    def expire(self, row: Application, _number: int) -> None:
        invitations.expire_invitation(self.session, row, at=self.at)

    def mean(self, row: Application, number: int) -> None:
        decision = (None, *Decision)[number % 4]
        decisions.mean(self.session, self.cast.challenge, [row.id], decision, by=self.lead, at=self.at)

    def step(self, row: Application, number: int) -> None:
        told = decisions.Given("A reason.", Disqualified.CONDUCT, None, self.at + timedelta(days=2))
        step = decisions.SINGLE_STEPS[number % len(decisions.SINGLE_STEPS)]
        decisions.take_step(self.session, row, step, told, by=self.lead, at=self.at)

    def make(self, _row: Application, _number: int) -> None:
        answer_by = self.at + timedelta(days=3)
        waves.create_wave(self.session, self.cast.challenge, answer_by, by=self.lead, at=self.at)

    def steer(self, _row: Application, number: int) -> None:
        wave = self._last_wave()
        if wave and number == 0:
            held = sa.select(sa.func.count()).select_from(WaveEntry).where(WaveEntry.wave_id == wave.id)
            waves.release_wave(self.session, wave, count=self.session.scalars(held).one(), by=self.lead, at=self.at)
        elif wave and number == 1:
            waves.pause_wave(self.session, wave, by=self.lead, at=self.at)
        elif wave and number == 2:
            waves.resume_wave(self.session, wave, by=self.lead, at=self.at)
        elif wave and number == 3:
            waves.stop_wave(self.session, wave, "Wrong list.", by=self.lead, at=self.at)
        elif wave and number == 4:
            waves.discard_wave(self.session, wave, by=self.lead, at=self.at)
        elif wave:
            waves.hand_over(self.session, wave, at=self.at, limit=1)

    def pace(self, _row: Application, _number: int) -> None:
        """A wave that is still a draft sends one a minute from here on, so that it can be met on its way."""
        wave = self._last_wave()
        if wave:
            waves.pace_wave(self.session, wave, waves.Pace(rate=1), by=self.lead, at=self.at)

    def _last_wave(self) -> Wave | None:
        return self.session.scalars(sa.select(Wave).order_by(Wave.id.desc()).limit(1)).one_or_none()

    def check(self) -> None:
        """What must hold between any two things that happen."""
        for row in self.rows:
            told = list(
                self.session.scalars(sa.select(Step.state).where(Step.application_id == row.id).order_by(Step.id))
            )
            way = [ApplicationState.DRAFT, *told]
            assert way[-1] is row.state
            assert {pair for pair in pairwise(way) if pair not in ARROWS} == set()
            assert self._mails(row) == Counter(TOLD[state] for state in told if state in TOLD)
            assert row.pending_decision is None or row.state in UNDECIDED
            place = membership(self.session, row.challenge_id, row.account_id)
            assert (place is not None) is (row.state is ApplicationState.ACCEPTED)
            assert row.wave_id is None or self._in_wave(row) == 1

    def _mails(self, row: Application) -> Counter[str]:
        sent = sa.select(OutgoingMail.template).where(
            OutgoingMail.subject == f"application:{row.id}", OutgoingMail.template.in_(list(TOLD.values()))
        )
        return Counter(self.session.scalars(sent))

    def _in_wave(self, row: Application) -> int:
        waits = sa.select(sa.func.count()).select_from(WaveEntry).join(WaveEntry.wave).where(
            WaveEntry.application_id == row.id, WaveEntry.wave_id == row.wave_id, WaveEntry.state == EntryState.PENDING,
            Wave.state.in_([WaveState.DRAFT, WaveState.RELEASING, WaveState.PAUSED]),
        )  # fmt: skip
        return self.session.scalars(waits).one()


VERBS = (
    "submit",
    "come_back",
    "withdraw",
    "accept",
    "refuse",
    "expire",
    "mean",
    "mean",
    "step",
    "make",
    "steer",
    "pace",
)
ACTS = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 2), NUMBER), min_size=10, max_size=40)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_no_order_of_events_leads_off_the_table(
    session: Session, bench: Bench, acts: Sequence[tuple[str, int, int]]
) -> None:
    story = Story(session, bench)
    for which in range(3):
        story.happen("submit", which, 0)
    for act in acts:
        story.happen(*act)
        story.check()
    assert audit.first_broken(session) is None


def _played(session: Session, bench: Bench, *acts: tuple[str, int, int]) -> Story:
    story = Story(session, bench)
    for act in acts:
        story.happen(*act)
        story.check()
    return story


def test_the_stories_go_far_enough(session: Session, bench: Bench) -> None:
    """The machine above can reach what matters: otherwise it would hold of nothing."""
    story = _played(
        session, bench, ("submit", 0, 0), ("submit", 1, 0), ("submit", 2, 0), ("mean", 0, 1), ("mean", 1, 2),
        ("mean", 2, 3), ("make", 0, 0), ("steer", 0, 0), ("accept", 0, 0), ("withdraw", 0, 0), ("step", 2, 4),
    )  # fmt: skip
    states: list[Any] = [row.state for row in story.rows]
    assert states == [ApplicationState.WITHDRAWN, ApplicationState.WAITLISTED, ApplicationState.INVITED]
    end: datetime = story.at
    assert end == NOON + timedelta(hours=55)
