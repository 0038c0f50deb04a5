"""Twenty people at the same pile at once: every card once, never on two screens."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Barrier, Lock

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications.models import Application
from portal.applications.states import Triage
from portal.challenges.models import Challenge
from portal.core.db import db, set_reading
from portal.core.errors import Conflict
from portal.selection.actions import triage
from portal.selection.models import Conflict as ConflictRow
from portal.selection.models import Look, Plan, Verdict
from portal.selection.queries.plan import plan_of
from portal.selection.rules.triage import LEASE, VERDICTS
from tests.cast import NOON, Cast, make_account
from tests.selection.conftest import Bench

CROWD, CARDS = 20, 200


@dataclass
class Screens:
    """Who sees what at this moment, as everybody tells it."""

    seen: dict[int, int] = field(default_factory=dict)
    twice: list[tuple[int, int, int]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def show(self, who: int, number: int) -> None:
        with self.lock:
            other = self.seen.setdefault(number, who)
            if other != who:
                self.twice.append((number, other, who))

    def clear(self, who: int, number: int) -> None:
        with self.lock:
            if self.seen.get(number) == who:
                del self.seen[number]


@dataclass
class Triager:
    """One person at their own browser: the card that they read, and the next one."""

    app: Flask
    challenge_id: int
    me: int
    screens: Screens
    chance: Random
    cards: list[int] = field(default_factory=list)

    @contextmanager
    def request(self) -> Iterator[tuple[Session, Challenge, Plan]]:
        """A transaction of its own on a connection of its own."""
        with self.app.app_context():
            set_reading(False)
            session = db.session
            yield session, session.get_one(Challenge, self.challenge_id), plan_of(session, self.challenge_id)
            session.commit()

    def take(self, number: int | None) -> None:
        if number is not None and number not in self.cards:
            self.cards.append(number)
            self.screens.show(self.me, number)

    def ask(self) -> None:
        with self.request() as (session, challenge, plan):
            number = triage.hand_out(session, challenge, plan, self.me, at=NOON, shown=self.cards[:1])
        self.take(number)

    def say(self, number: int) -> None:
        self.cards.remove(number)
        self.screens.clear(self.me, number)
        with self.request() as (session, challenge, plan):
            if self.chance.random() < 0.03:
                triage.declare_conflict(session, challenge, number, by=self.me, at=NOON)
            else:
                verdict = self.chance.choice(VERDICTS)
                triage.judge(session, challenge, number, verdict, by=self.me, at=NOON, seconds=3)
            after = triage.hand_out(session, challenge, plan, self.me, at=NOON, shown=self.cards[:1])
        self.take(after)

    def take_back(self) -> None:
        before, self.cards = self.cards, self.cards[:1]
        for number in before[1:]:
            self.screens.clear(self.me, number)
        try:
            with self.request() as (session, challenge, plan):
                number = triage.undo(session, challenge, plan, by=self.me, at=NOON, shown=self.cards)
        except Conflict:  # somebody else looks at it by now: everything stays as it was
            self.cards = before
            for number in before:
                self.screens.show(self.me, number)
        else:
            self.cards.insert(0, number)
            self.screens.show(self.me, number)

    def work(self, start: Barrier | None = None) -> int:
        """Go on until nothing is left for me; gives how many verdicts and conflicts it took."""
        if start:
            start.wait()
        said = 0
        self.ask()
        while self.cards:
            if len(self.cards) < 2 and self.chance.random() < 0.5:
                self.ask()
            self.say(self.cards[0])
            said += 1
            if self.chance.random() < 0.05:
                self.take_back()
        return said


@pytest.mark.slow
@pytest.mark.parametrize("looks", [1, 2])
def test_twenty_at_once_judge_every_card_once_and_never_share_a_screen(
    app: Flask, session: Session, bench: Bench, cast: Cast, looks: int
) -> None:
    cards = bench.crowd([f"Card {n}" for n in range(CARDS // looks)])
    people = [make_account(session, f"Triager {n}", Role.REVIEWER).id for n in range(CROWD)]
    session.add(Plan(challenge_id=cast.challenge.id, looks=looks))
    numbers, challenge_id = sorted(card.id for card in cards), cast.challenge.id
    session.commit()
    session.close()
    screens, start = Screens(), Barrier(CROWD)

    with ThreadPoolExecutor(CROWD) as pool:
        crowd = [Triager(app, challenge_id, who, screens, Random(who)) for who in people]
        said = list(pool.map(lambda triager: triager.work(start), crowd))
    # What somebody gave back when the others had gone already waits for whoever comes again.
    while any(more := [triager.work() for triager in crowd]):
        said += more

    assert screens.twice == []
    judged = Counter(session.scalars(sa.select(Verdict.application_id)))
    assert judged == dict.fromkeys(numbers, looks)
    assert set(session.execute(sa.select(Application.looks).distinct()).scalars()) == {looks}
    assert session.scalars(sa.select(Look)).all() == []
    barred = session.execute(sa.select(ConflictRow.application_id, ConflictRow.reviewer_id)).all()
    both = session.execute(sa.select(Verdict.application_id, Verdict.reviewer_id)).all()
    assert not set(barred) & set(both)
    assert sum(said) >= CARDS


def test_of_two_who_want_a_lapsed_card_one_gets_it(app: Flask, session: Session, bench: Bench, cast: Cast) -> None:
    (card,) = bench.crowd(["Only"])
    number, challenge_id = card.id, cast.challenge.id
    first, others = cast.reviewer.id, [make_account(session, f"Other {n}", Role.REVIEWER).id for n in range(8)]
    plan = plan_of(session, challenge_id)
    assert triage.hand_out(session, cast.challenge, plan, first, at=NOON) == number
    session.commit()
    session.close()
    start, later = Barrier(len(others) + 1), NOON + LEASE

    def grab(who: int) -> int | None:
        with app.app_context():
            set_reading(False)
            start.wait()
            challenge, settings = db.session.get_one(Challenge, challenge_id), plan_of(db.session, challenge_id)
            found = triage.hand_out(db.session, challenge, settings, who, at=later)
            db.session.commit()
            return found

    def insist() -> str:
        with app.app_context():
            set_reading(False)
            start.wait()
            try:
                challenge = db.session.get_one(Challenge, challenge_id)
                triage.judge(db.session, challenge, number, Triage.YES, by=first, at=later)
                db.session.commit()
            except Conflict:
                db.session.rollback()
                return "refused"
            return "counted"

    with ThreadPoolExecutor(len(others) + 1) as pool:
        late = pool.submit(insist)
        got = [found for found in pool.map(grab, others) if found is not None]

    # Whoever is first: either the late verdict counts and nobody has the card, or one other person has it.
    assert (late.result(), got) in (("counted", []), ("refused", [number]))
