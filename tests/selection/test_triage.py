"""The first pass: verdicts, what they say together, conflicts, undoing, and who has what on the screen."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState, Triage
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.selection.actions import triage
from portal.selection.models import Conflict as ConflictRow
from portal.selection.models import Look, Plan, Reviewer, Verdict
from portal.selection.queries import triage as queries
from portal.selection.queries.plan import plan_of
from portal.selection.rules import triage as rules
from portal.selection.states import ConflictKind
from tests.cast import NOON, Cast, make_account, make_challenge
from tests.selection.conftest import Bench

LATER = NOON + rules.LEASE
YES, MAYBE, NO, SPAM = Triage.YES, Triage.MAYBE, Triage.NO, Triage.SPAM


class Table:
    """Where people triage."""

    def __init__(self, session: Session, cast: Cast) -> None:
        self.session, self.cast, self.at = session, cast, NOON

    def plan(self) -> Plan:
        return plan_of(self.session, self.cast.challenge.id)

    def next(self, who: int, *shown: int) -> int | None:
        """What somebody is handed, committed."""
        found = triage.hand_out(
            self.session, self.cast.challenge, self.plan(), who, at=self.at, shown=shown
        )  # fmt: skip
        self.session.commit()
        return found

    def judge(self, who: int, number: int, verdict: Triage, seconds: int | None = 5) -> Triage | None:
        """Somebody says something, committed."""
        said = triage.judge(self.session, self.cast.challenge, number, verdict, by=who, at=self.at, seconds=seconds)
        self.session.commit()
        return said

    def conflict(self, who: int, number: int) -> None:
        triage.declare_conflict(self.session, self.cast.challenge, number, by=who, at=self.at)
        self.session.commit()

    def undo(self, who: int, *shown: int) -> int:
        number = triage.undo(self.session, self.cast.challenge, self.plan(), by=who, at=self.at, shown=shown)
        self.session.commit()
        return number

    def looks(self, number: int) -> tuple[int, Triage | None]:
        self.session.expire_all()
        row = self.session.get_one(Application, number)
        return row.looks, row.triage

    def screens(self) -> list[tuple[int, int]]:
        rows = self.session.execute(sa.select(Look.application_id, Look.reviewer_id).order_by(Look.application_id))
        return [tuple(row) for row in rows]


@pytest.fixture
def table(session: Session, bench: Bench, cast: Cast) -> Table:
    return Table(session, cast)


@pytest.fixture
def crowd(bench: Bench) -> list[int]:
    return [row.id for row in bench.crowd([f"Person {n}" for n in range(5)])]


# What is pure


@pytest.mark.parametrize(
    ("said", "together"),
    [
        ((), None),
        ((YES,), YES),
        ((SPAM,), SPAM),
        ((YES, YES), YES),
        ((YES, NO), MAYBE),
        ((YES, MAYBE), MAYBE),
        ((NO, NO, MAYBE), MAYBE),
        ((NO, SPAM), NO),
        ((SPAM, SPAM), SPAM),
        ((SPAM, SPAM, YES), MAYBE),
    ],
)
def test_what_several_say_together(said: tuple[Triage, ...], together: Triage | None) -> None:
    assert rules.combined(said) is together


@given(st.lists(st.sampled_from(rules.VERDICTS), max_size=3), st.randoms())
def test_the_order_of_looks_does_not_matter(said: list[Triage], chance: object) -> None:
    shuffled = list(said)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rules.combined(shuffled) is rules.combined(said)


@given(st.lists(st.integers(0, 600), min_size=1, max_size=40))
def test_the_median_of_counted_values_is_that_of_the_values(values: list[int]) -> None:
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    assert rules.median([(value, values.count(value)) for value in set(values)]) == middle


def test_nothing_has_no_median() -> None:
    assert rules.median([]) is None


@pytest.mark.parametrize(
    ("told", "elapsed", "seconds"),
    [(7, 60, 7), (None, 60, 60), (500, 60, 60), (-3, 60, 60), (None, 5000, 600), (0, 9, 0), (9, -4, 0)],
)
def test_seconds_are_what_can_be(told: int | None, elapsed: int, seconds: int) -> None:
    assert rules.seconds_of(told, NOON, NOON + timedelta(seconds=elapsed)) == seconds


def test_the_end_at_the_present_pace() -> None:
    since = NOON - timedelta(minutes=30)
    pace = rules.Pace(total=500, done=100, mine=50, today=50, seconds=12.0, looking=2, hourly=200, since=since)
    assert (pace.left, pace.finished_at(NOON)) == (400, NOON + timedelta(hours=1))
    assert pace._replace(since=NOON).finished_at(NOON) == NOON + timedelta(minutes=2)
    for untold in ({"hourly": 4}, {"hourly": 0, "since": None}, {"done": 500}):
        assert pace._replace(**untold).finished_at(NOON) is None


# Handing out


def test_the_least_seen_come_first_then_chance_never_ones_own_nor_what_is_decided(
    table: Table, bench: Bench, cast: Cast
) -> None:
    me = cast.reviewer.id
    bench.submitted(cast.reviewer)
    table.session.add(Plan(challenge_id=cast.challenge.id, looks=2))
    (often,) = bench.crowd(["often"], rnd=1, looks=1)
    (late,) = bench.crowd(["late"], rnd=9)
    (early,) = bench.crowd(["early"], rnd=5)
    bench.crowd(["enough"], rnd=0, looks=2)
    bench.crowd(["gone"], rnd=0, state=ApplicationState.WITHDRAWN)

    order = []
    while (number := table.next(me)) is not None:
        order.append(number)
        table.judge(me, number, YES)

    assert order == [early.id, late.id, often.id]


def test_two_are_held_at_most_and_a_reload_finds_them(table: Table, crowd: list[int], cast: Cast) -> None:
    me = cast.reviewer.id
    first = table.next(me)
    assert first is not None
    second = table.next(me, first)
    assert second is not None
    assert second != first
    assert table.next(me, first, second) is None
    assert table.next(me) == first
    assert queries.on_screen(table.session, table.plan(), me, NOON) == [first, second]
    assert table.screens() == sorted([(first, me), (second, me)])


def test_nobody_gets_what_is_on_another_screen(table: Table, crowd: list[int], cast: Cast) -> None:
    people = [cast.reviewer.id, cast.second_reviewer.id, cast.lead.id]
    got = []
    for who in people:
        got.append(first := table.next(who))
        assert first is not None
        got.append(table.next(who, first))

    assert sorted(number for number in got if number) == crowd
    assert got[-1] is None


def test_a_lapsed_card_goes_to_another_and_the_late_verdict_is_not_counted(
    table: Table, bench: Bench, cast: Cast
) -> None:
    (only,) = bench.crowd(["only"])
    assert table.next(cast.reviewer.id) == only.id
    table.at = LATER - timedelta(seconds=1)
    assert table.next(cast.second_reviewer.id) is None
    table.at = LATER
    assert queries.on_screen(table.session, table.plan(), cast.reviewer.id, LATER) == []
    assert table.next(cast.second_reviewer.id) == only.id

    with pytest.raises(Conflict, match="Somebody else has this application now"):
        table.judge(cast.reviewer.id, only.id, YES)
    table.session.rollback()
    assert table.looks(only.id) == (0, None)
    table.judge(cast.second_reviewer.id, only.id, NO)
    with pytest.raises(Conflict):
        table.judge(cast.reviewer.id, only.id, YES)
    table.session.rollback()
    assert table.looks(only.id) == (1, NO)


def test_a_lapsed_card_that_nobody_took_is_still_ones_own(table: Table, crowd: list[int], cast: Cast) -> None:
    first = table.next(cast.reviewer.id)
    assert first is not None
    table.at = LATER + timedelta(hours=9)
    assert table.judge(cast.reviewer.id, first, YES, seconds=None) is YES
    (verdict,) = table.session.scalars(sa.select(Verdict))
    assert verdict.seconds == rules.LONGEST_LOOK


def test_reading_on_keeps_the_card(table: Table, crowd: list[int], cast: Cast) -> None:
    me, first = cast.reviewer.id, table.next(cast.reviewer.id)
    table.at += timedelta(minutes=9)
    assert triage.keep(table.session, table.plan(), me, at=table.at) == [first]
    table.at += timedelta(minutes=9)
    assert queries.on_screen(table.session, table.plan(), me, table.at) == [first]


def test_what_was_decided_meanwhile_is_let_go(table: Table, crowd: list[int], cast: Cast) -> None:
    me, first = cast.reviewer.id, table.next(cast.reviewer.id)
    assert first is not None
    table.session.execute(
        sa.update(Application).where(Application.id == first).values(state=ApplicationState.WITHDRAWN)
    )
    with pytest.raises(Refused, match="withdrawn"):
        table.judge(me, first, YES)
    table.session.rollback()
    table.session.execute(
        sa.update(Application).where(Application.id == first).values(state=ApplicationState.WITHDRAWN)
    )
    assert table.next(me) not in (None, first)
    assert first not in dict(table.screens())


def test_same_affiliation_and_own_team_are_noted_and_passed_over(table: Table, bench: Bench, cast: Cast) -> None:
    me = cast.reviewer
    table.session.add(
        Reviewer(challenge_id=cast.challenge.id, account_id=me.id, affiliation="Analytical  Engines Ltd.")
    )
    (colleague,) = bench.crowd(["colleague"], affiliation="ANALYTICAL ENGINES", rnd=0)
    (mate,) = bench.crowd(["mate"], rnd=1)
    mate.team = ["x@example.org", me.email.upper()]
    (free,) = bench.crowd(["free"], rnd=2, affiliation="independent")

    assert table.next(me.id) == free.id
    rows = table.session.execute(sa.select(ConflictRow.application_id, ConflictRow.reviewer_id, ConflictRow.kind)).all()
    assert {tuple(row) for row in rows} == {
        (colleague.id, me.id, ConflictKind.AFFILIATION), (mate.id, me.id, ConflictKind.TEAM),
    }  # fmt: skip
    assert table.next(cast.lead.id) == colleague.id
    assert bench.tags() == ["selection:conflict", "selection:conflict"]


def test_reviewers_without_affiliation_share_none(table: Table, bench: Bench, cast: Cast) -> None:
    table.session.add(Reviewer(challenge_id=cast.challenge.id, account_id=cast.reviewer.id, affiliation="Independent"))
    (free,) = bench.crowd(["free"], affiliation="independent", rnd=0)
    (plain,) = bench.crowd(["plain"], rnd=1)
    assert table.next(cast.reviewer.id) == free.id
    assert table.next(cast.reviewer.id, free.id) == plain.id


# Verdicts


def test_a_verdict_is_written_counted_and_noted(table: Table, crowd: list[int], bench: Bench, cast: Cast) -> None:
    me, first = cast.reviewer.id, table.next(cast.reviewer.id)
    assert first is not None
    table.at += timedelta(seconds=30)
    assert table.judge(me, first, MAYBE, seconds=12) is MAYBE

    (row,) = table.session.scalars(sa.select(Verdict))
    assert (row.application_id, row.reviewer_id, row.verdict, row.seconds, row.at) == (first, me, MAYBE, 12, table.at)
    assert table.looks(first) == (1, MAYBE)
    assert table.screens() == []
    assert bench.tags() == ["selection:triage"]


def test_several_looks_count_and_one_changes_their_mind(
    table: Table, bench: Bench, session: Session, cast: Cast
) -> None:
    session.add(Plan(challenge_id=cast.challenge.id, looks=2))
    (only,) = bench.crowd(["only"])
    one, two = cast.reviewer.id, cast.second_reviewer.id
    for who, verdict in ((one, YES), (two, NO)):
        assert table.next(who) == only.id
        table.judge(who, only.id, verdict)
    assert table.looks(only.id) == (2, MAYBE)
    assert table.next(cast.lead.id) is None

    assert table.judge(two, only.id, YES) is YES

    assert table.looks(only.id) == (2, YES)
    assert bench.tags() == ["selection:triage", "selection:triage", "selection:change-triage"]


@pytest.mark.parametrize("verdict", [Triage.CONFLICT])
def test_a_conflict_is_no_verdict(table: Table, crowd: list[int], cast: Cast, verdict: Triage) -> None:
    with pytest.raises(Invalid):
        table.judge(cast.reviewer.id, crowd[0], verdict)


def test_nobody_judges_what_was_not_given_to_them_nor_their_own(
    table: Table, bench: Bench, crowd: list[int], cast: Cast
) -> None:
    own = bench.submitted(cast.reviewer)
    with pytest.raises(Conflict):
        table.judge(cast.reviewer.id, crowd[0], YES)
    table.session.rollback()
    with pytest.raises(Refused, match="your own"):
        table.judge(cast.reviewer.id, own.id, YES)
    table.session.rollback()
    with pytest.raises(NotFound):
        table.judge(cast.reviewer.id, 99_999, YES)
    elsewhere = make_challenge(table.session, "elsewhere")
    with pytest.raises(NotFound):
        triage.judge(table.session, elsewhere, crowd[0], YES, by=cast.reviewer.id, at=NOON)


def test_a_conflict_hands_the_card_to_others_and_counts_no_look(
    table: Table, bench: Bench, session: Session, cast: Cast
) -> None:
    (only,) = bench.crowd(["only"])
    assert table.next(cast.reviewer.id) == only.id
    table.conflict(cast.reviewer.id, only.id)

    assert table.looks(only.id) == (0, None)
    assert table.next(cast.reviewer.id) is None
    assert table.next(cast.second_reviewer.id) == only.id
    assert [row.kind for row in session.scalars(sa.select(ConflictRow))] == [ConflictKind.DECLARED]


@pytest.mark.parametrize("before", [None, YES])
def test_a_conflict_declared_elsewhere_ends_judging(
    table: Table, crowd: list[int], cast: Cast, before: Triage | None
) -> None:
    me, number = cast.reviewer.id, table.next(cast.reviewer.id)
    assert number in crowd
    if before:
        table.judge(me, number, before)
    declared = ConflictRow(application_id=number, reviewer_id=me, kind=ConflictKind.DECLARED, noted_at=NOON)
    table.session.add(declared)
    table.session.commit()
    with pytest.raises(Refused, match="You have a conflict of interest here"):
        table.judge(me, number, NO)
    table.session.rollback()
    assert table.looks(number) == (1 if before else 0, before)


def test_a_conflict_found_later_takes_the_verdict_back(table: Table, crowd: list[int], cast: Cast) -> None:
    first = table.next(cast.reviewer.id)
    assert first is not None
    table.judge(cast.reviewer.id, first, YES)
    table.conflict(cast.reviewer.id, first)
    assert table.looks(first) == (0, None)
    assert table.session.scalars(sa.select(Verdict)).all() == []


# Taking back


def test_undo_takes_back_one_after_the_other(table: Table, crowd: list[int], bench: Bench, cast: Cast) -> None:
    me, said = cast.reviewer.id, []
    for verdict in (YES, NO):
        number = table.next(me)
        assert number is not None
        said.append(number)
        table.judge(me, number, verdict)
        table.at += timedelta(seconds=5)
    third = table.next(me)
    assert third is not None
    table.conflict(me, third)

    assert table.undo(me) == third
    assert table.next(me) == third
    assert table.undo(me, third) == said[1]
    assert table.looks(said[1]) == (0, None)
    assert set(dict(table.screens())) == {said[1], third}
    assert table.undo(me) == said[0]
    assert set(dict(table.screens())) == {said[0]}
    with pytest.raises(Refused, match="said nothing yet"):
        table.undo(me)
    assert bench.tags()[-3:] == ["selection:undo-conflict", "selection:undo-triage", "selection:undo-triage"]


def test_no_undo_of_what_somebody_else_looks_at_or_is_decided(
    table: Table, bench: Bench, session: Session, cast: Cast
) -> None:
    session.add(Plan(challenge_id=cast.challenge.id, looks=2))
    (only,) = bench.crowd(["only"])
    assert table.next(cast.reviewer.id) == only.id
    table.judge(cast.reviewer.id, only.id, YES)
    assert table.next(cast.second_reviewer.id) == only.id
    with pytest.raises(Conflict, match="Somebody else is looking"):
        table.undo(cast.reviewer.id)
    session.rollback()
    table.judge(cast.second_reviewer.id, only.id, NO)
    assert table.undo(cast.reviewer.id) == only.id
    assert table.looks(only.id) == (1, NO)
    table.judge(cast.reviewer.id, only.id, YES)
    session.execute(sa.update(Application).values(state=ApplicationState.WITHDRAWN))
    with pytest.raises(Refused, match="withdrawn"):
        table.undo(cast.reviewer.id)


# Figures


def test_pace_and_shares(table: Table, bench: Bench, crowd: list[int], cast: Cast) -> None:
    for who, verdict, seconds in (
        (cast.reviewer.id, YES, 4), (cast.reviewer.id, NO, 10), (cast.second_reviewer.id, YES, 7),
    ):  # fmt: skip
        number = table.next(who)
        assert number is not None
        table.at += timedelta(seconds=seconds)
        table.judge(who, number, verdict, seconds)

    midnight, since = NOON - timedelta(hours=12), NOON + timedelta(seconds=4)
    pace = queries.pace(table.session, table.plan(), cast.reviewer.id, midnight, table.at)
    assert pace == rules.Pace(total=5, done=3, mine=2, today=2, seconds=7.0, looking=2, hourly=3, since=since)
    first, second = queries.shares(table.session, cast.challenge.id, NOON + timedelta(seconds=10))
    assert (first.name, first.done, first.today, first.seconds) == ("Rita Reviewer", 2, 1, 7.0)
    assert first.said == {YES: 1, NO: 1}
    assert (second.name, second.done, second.seconds) == ("Ren Reviewer", 1, 7.0)
    tomorrow = queries.pace(table.session, table.plan(), 0, table.at + timedelta(hours=8), table.at + timedelta(days=1))
    assert tomorrow == rules.Pace(total=5, done=3, mine=0, today=0, seconds=None, looking=0, hourly=0, since=None)
    assert queries.waiting(table.session, table.plan()) == (2, NOON - timedelta(minutes=4))


def test_how_many_are_left_is_counted_up_to_many(
    table: Table, crowd: list[int], cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert queries.left_for(table.session, table.plan(), cast.reviewer.id) == 5
    monkeypatch.setattr(queries, "MANY", 3)
    assert queries.left_for(table.session, table.plan(), cast.reviewer.id) == 4


@pytest.mark.parametrize("number", [3, 60])
def test_handing_out_takes_as_many_statements_whatever_the_number(
    table: Table, bench: Bench, cast: Cast, statements: list[str], number: int
) -> None:
    bench.crowd([f"n{n}" for n in range(number)])
    me, plan = cast.reviewer.id, table.plan()
    table.session.commit()
    statements.clear()

    triage.hand_out(table.session, cast.challenge, plan, me, at=NOON)

    assert len(counted(statements)) == 4


def counted(statements: Sequence[str]) -> list[str]:
    """Without what begins a transaction, and what a commit has made the session read again."""
    return [text for text in statements if not text.startswith("BEGIN") and "FROM challenge" not in text]


def test_the_database_refuses_two_screens_and_two_verdicts(table: Table, crowd: list[int], cast: Cast) -> None:
    values = {"challenge_id": cast.challenge.id, "application_id": crowd[0], "since": NOON, "until": LATER}
    table.session.add(Look(**values, reviewer_id=cast.reviewer.id))
    table.session.commit()
    with pytest.raises(sa.exc.IntegrityError):
        table.session.execute(sa.insert(Look).values(**values, reviewer_id=cast.second_reviewer.id))
    table.session.rollback()
    said = {key: values[key] for key in ("challenge_id", "application_id")} | {"at": NOON, "seconds": 1}
    table.session.add(Verdict(**said, reviewer_id=cast.reviewer.id, verdict=YES))
    table.session.commit()
    table.session.add(Verdict(**said, reviewer_id=cast.reviewer.id, verdict=NO))
    with pytest.raises(sa.exc.IntegrityError):
        table.session.flush()


def test_cards_of_a_blind_pass_tell_nobody(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted(content=bench.content(experience="I am Ada, of Analytical Engines. Ten years."))
    found = queries.card(session, cast.challenge.id, application.id)
    whole = rules.card_of(found, [], blind=False)
    assert whole.title == application.name
    assert ("Country", "France") in whole.facts
    assert len(whole.links) == 1
    blind = rules.card_of(found, [], blind=True)
    told = repr(blind._replace(scenarios=[]))
    for secret in (application.name, "Ada", "ada", "Analytical", "France", "example.org"):
        assert secret not in told
    assert blind.hidden_links == 1


def test_other_peoples_accounts_do_not_matter(table: Table, bench: Bench, cast: Cast) -> None:
    stranger = make_account(table.session, "Newcomer")
    (only,) = bench.crowd(["only"])
    assert table.next(stranger.id) == only.id
