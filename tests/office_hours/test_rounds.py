"""Demand rounds: opened in time, open to changes, drawn once, and never undone by a crash or a race."""

from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.challenges.states import ParticipantState
from portal.core import seeds
from portal.core.audit import AuditEntry
from portal.core.errors import Invalid, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, jobs, queries
from portal.office_hours.actions import requests, rounds
from portal.office_hours.actions.calendars import give_file
from portal.office_hours.actions.requests import Asking
from portal.office_hours.busy import Busy
from portal.office_hours.models import Booking, Round, RoundRequest, RoundWish, Slot
from portal.office_hours.queries.rounds import round_of
from portal.office_hours.rules import Share
from portal.office_hours.rules.rounds import holds
from portal.office_hours.states import BookingState, RequestState, RoundState, Source
from tests.cast import NOON, Cast
from tests.crowd import crowd_of
from tests.office_hours.conftest import FIRST, SENDER, Stage, local
from tests.office_hours.rounds import DAY, DRAW, HOUR, Rounds

Mails = Callable[[], list[OutgoingMail]]


@pytest.fixture
def play(stage: Stage) -> Rounds:
    """Rounds on stage."""
    return Rounds(stage)


def test_a_round_opens_with_its_booking_window(session: Session, play: Rounds) -> None:
    play.series(advance_days=7)

    assert play.open(FIRST - 7 * DAY - HOUR / 60) == []
    opened = play.open(FIRST - 7 * DAY)

    assert [(each.opened_at, each.draws_at, each.state) for each in opened] == [
        (FIRST - 7 * DAY, FIRST - 6 * DAY, RoundState.GATHERING)
    ]
    assert opened[0].sitting_id == session.scalars(sa.select(Slot.sitting_id).order_by(Slot.starts_at).limit(1)).one()


def test_a_late_tick_shortens_nobodys_window(play: Rounds) -> None:
    play.series(round_hours=36)

    opened = play.open(NOON + 3 * HOUR)[1]

    assert opened.draws_at - opened.opened_at == 36 * HOUR


def test_without_time_for_a_round_who_comes_first_is_served_first(play: Rounds) -> None:
    slots = play.stage.slots(play.series(notice_minutes=120, advance_days=5))

    assert play.open(FIRST - 26 * HOUR + HOUR / 60) == []
    assert play.stage.book(slots[0], at=FIRST - 26 * HOUR + HOUR / 60).state is BookingState.CONFIRMED


def test_the_seed_is_bound_to_and_told_to_nobody(session: Session, play: Rounds) -> None:
    play.series()

    found = play.open()[0]

    assert len(found.seed) == 64
    assert found.commitment == seeds.commitment(found.seed)
    told = [
        row.detail
        for row in session.scalars(
            sa.select(AuditEntry).where(AuditEntry.tag == "office_hours:open-round").order_by(AuditEntry.id)
        )
    ]
    assert told[0]["after"]["commitment"] == found.commitment
    assert found.seed not in str(told)
    assert len({each.seed for each in play.all()}) == len(play.all()) == 4
    session.commit()
    with pytest.raises(sa.exc.InvalidRequestError, match="seed"):
        play.load(found).seed  # noqa: B018


def test_two_workers_open_one_round(session: Session, play: Rounds) -> None:
    found = play.stage.slots(play.series())[0].sitting_id

    assert [rounds.open_round(session, found, at=NOON) for _ in range(2)] == [True, False]
    session.commit()
    assert len(play.all()) == 1


def test_a_series_must_leave_time_for_its_rounds(play: Rounds) -> None:
    with pytest.raises(Invalid, match="The draw would come after booking has closed"):
        play.series(advance_days=1)


def test_asking_changing_withdrawing_and_asking_again(session: Session, cast: Cast, play: Rounds) -> None:
    found, (one, other) = play.one()

    request = play.ask(found, cast.member, one, topic="Boot")
    play.ask(found, cast.member, other, one, topic="Firewall", at=NOON + HOUR)
    assert (request.topic, request.state, request.anywhere) == ("Firewall", RequestState.OPEN, False)
    wishes = sa.select(RoundWish.rank, RoundWish.slot_id).order_by(RoundWish.rank)
    assert session.execute(wishes).all() == [(1, other.id), (2, one.id)]

    requests.take_back(session, play.load(found), request, by=cast.researcher.id, at=NOON + 2 * HOUR)
    session.commit()
    assert play.states([request]) == ["withdrawn"]
    with pytest.raises(Refused, match="“Withdraw” is not possible: it is withdrawn"):
        requests.take_back(session, play.load(found), request, by=cast.researcher.id, at=NOON + 2 * HOUR)
    session.rollback()

    play.ask(found, cast.member, topic="Anything")
    assert play.states([request]) == ["open"]
    assert session.execute(wishes).all() == []
    about = sa.select(AuditEntry.tag).where(AuditEntry.subject == f"request:{request.id}").order_by(AuditEntry.id)
    assert session.scalars(about).all() == [
        f"office_hours:{verb}" for verb in ("ask", "change-request", "take-back", "change-request")
    ]
    assert "Firewall" not in str(session.scalars(sa.select(AuditEntry.detail)).all())


def test_a_team_has_one_request(session: Session, cast: Cast, play: Rounds) -> None:
    found, _ = play.one()
    lead, colleague = sorted(cast.team.members, key=lambda member: member.account_id)

    first, second = play.ask(found, lead), play.ask(found, colleague)

    assert first.id == second.id
    assert second.account_id == cast.colleague.id
    assert session.scalars(sa.select(sa.func.count(RoundRequest.id))).one() == 1


def test_what_cannot_be_asked_for(session: Session, cast: Cast, play: Rounds) -> None:
    found, (one, _) = play.one()
    elsewhere = play.stage.slots(play.stage.series(hosts=(Share(cast.second_host.id),)))[0]

    def ask(*slots: int) -> None:
        requests.ask(session, play.load(found), cast.member, Asking("Boot", slots), at=NOON)

    with pytest.raises(Refused, match="Name at least one slot, or take any"):
        ask()
    with pytest.raises(Refused, match="A slot can be named only once"):
        ask(one.id, one.id)
    with pytest.raises(Refused, match="not on offer any more"):
        ask(one.id, elsewhere.id)
    assert session.scalars(sa.select(RoundRequest)).all() == []


def test_nothing_is_asked_for_once_the_window_is_over(session: Session, cast: Cast, play: Rounds) -> None:
    found, _ = play.one()
    request = play.ask(found, cast.member, at=DRAW - HOUR / 60)

    with pytest.raises(Refused, match=r"gathered until Tue 16 Jun 12:00 UTC\. The draw follows within minutes"):
        play.ask(found, cast.team.members[0], at=DRAW)
    session.rollback()
    with pytest.raises(Refused, match="The draw follows"):
        requests.take_back(session, play.load(found), request, by=cast.researcher.id, at=DRAW)
    session.rollback()
    play.draw()
    with pytest.raises(Refused, match="The round is drawn"):
        play.ask(found, cast.member, at=DRAW)


@pytest.mark.parametrize("source", [Source.PAGE, Source.API])
def test_nobody_books_for_themselves_before_the_draw(
    session: Session, cast: Cast, play: Rounds, source: Source
) -> None:
    series = play.series()
    slot = play.stage.slots(series)[0]

    with pytest.raises(Refused, match="The round opens within minutes"):
        play.stage.book(slot, source=source)
    play.open()
    with pytest.raises(Refused) as refused:
        play.stage.book(slot, source=source)
    assert refused.value.reason == (
        "Its seats are drawn. Ask for one until Tue 16 Jun 12:00 UTC; what is left can be booked from then on."
    )
    with pytest.raises(Refused):
        play.stage.book(slot, source=source, at=DRAW)  # the worker is late
    session.rollback()
    assert queries.offers(session, cast.challenge.id, DRAW, DRAW + DAY * 7) == []

    play.draw()

    assert [offer.slot.id for offer in queries.offers(session, cast.challenge.id, DRAW, DRAW + DAY * 7)] == [
        each.id for each in play.stage.slots(series)[:2]
    ]
    assert play.stage.book(slot, source=source, at=DRAW).source is source


def test_a_booking_cannot_be_moved_into_a_round(session: Session, cast: Cast, play: Rounds) -> None:
    before = play.stage.slots(play.stage.series(hosts=(Share(cast.second_host.id),), first=local(2020, 6, 18, 9)))[0]
    booking = play.stage.book(before)
    _, (slot, _) = play.one()

    with pytest.raises(Refused, match="Its seats are drawn"):
        actions.reschedule_booking(session, booking, slot, by=cast.researcher.id, at=NOON, sender=SENDER)


def test_hosts_book_before_the_draw_and_the_seat_is_gone(session: Session, cast: Cast, play: Rounds) -> None:
    found, (one, other) = play.one()
    play.stage.book(one, cast.team.members[0], source=Source.STAFF)
    session.commit()
    request = play.ask(found, cast.member, one, other)

    play.draw()

    assert play.states([request]) == ["seated"]
    assert play.all()[0].protocol["seats"] == {str(one.id): 0, str(other.id): 1}


def test_a_draw(session: Session, cast: Cast, play: Rounds, mails: Mails) -> None:
    found, slots = play.one()
    made = [play.ask(found, member, *slots, at=NOON + number * HOUR) for number, member in enumerate(play.crowd(5))]

    assert play.draw(DRAW - HOUR / 60) == 0
    assert play.draw(DRAW + 5 * HOUR) == 4

    drawn = play.all()[0]
    assert (drawn.state, drawn.state_since) == (RoundState.DRAWN, DRAW + 5 * HOUR)
    assert holds(drawn.protocol, drawn.commitment)
    told, seed = drawn.protocol["requests"], drawn.seed
    order = sorted(made, key=lambda each: seeds.drawn(seed, each.public_id), reverse=True)
    assert [row["id"] for row in told] == [each.public_id for each in order]
    assert [row["slot"] for row in told] == [slots[0].id, slots[1].id, None, None, None]
    assert play.states(order) == ["seated", "seated", "unlucky", "unlucky", "unlucky"]
    assert play.seats() == [(slots[n].id, order[n].participant_id, "round") for n in (0, 1)]
    assert [(each.total, each.recent, each.owed, each.strikes) for each in made] == [(0, 0, 0, 0)] * 5
    passed = [mail for mail in mails() if mail.template == "office_hours/round_passed"]
    assert {mail.to for mail in passed} == {each.account.email for each in order[2:]}
    assert Counter(mail.template for mail in mails()) == {"office_hours/booked": 4, "office_hours/round_passed": 3}
    assert "boot log" not in str([mail.context for mail in mails()])
    about = sa.select(AuditEntry).where(AuditEntry.subject == f"round:{found.id}").order_by(AuditEntry.id)
    entry = session.scalars(about).all()[-1]
    assert entry.detail["after"] == {"requests": 5, "seated": 2, "seed": seed}

    assert play.draw(DRAW + 6 * HOUR) == 0
    assert len(mails()) == 7


def test_the_worker_does_all_of_it(app: Flask, session: Session, cast: Cast, play: Rounds) -> None:
    play.series()

    assert jobs.hold_rounds(session, NOON) == 4
    assert jobs.hold_rounds(session, NOON) == 0
    request = play.ask(play.all()[0], cast.member)
    assert jobs.hold_rounds(session, DRAW + DAY) == 4
    assert play.states([request]) == ["seated"]


def test_whom_hosts_owe_a_seat_and_first_timers_come_first(session: Session, cast: Cast, play: Rounds) -> None:
    before = play.stage.slots(play.stage.series(hosts=(Share(cast.second_host.id),), first=local(2020, 6, 8, 9)))
    regular, owed, *fresh = play.crowd(3)
    play.stage.book(before[0], regular, at=NOON - 9 * DAY)
    lost = play.stage.book(before[1], owed, at=NOON - 9 * DAY)
    actions.bookings.withdraw_booking(
        session, lost, "The host is ill.", by=cast.second_host.id, at=NOON - 8 * DAY, sender=SENDER
    )
    session.commit()
    found, slots = play.one()
    made = [play.ask(found, member, slots[0]) for member in (regular, *fresh, owed)]

    play.draw()

    rows = {row["id"]: (row["place"], row["tier"], row["weight"]) for row in play.all()[0].protocol["requests"]}
    assert [rows[each.public_id] for each in made] == [(3, 2, "1/2"), (2, 1, "1"), (1, 0, "1")]
    assert play.states(made) == ["unlucky", "unlucky", "seated"]


def test_who_has_used_up_the_week_takes_no_part(session: Session, cast: Cast, play: Rounds, mails: Mails) -> None:
    beside = play.stage.slots(play.stage.series(hosts=(Share(cast.second_host.id),), first=local(2020, 6, 19, 9)))[0]
    found, _ = play.one()
    request = play.ask(found, cast.member)
    play.stage.book(beside)
    session.commit()

    play.draw()

    assert play.states([request]) == ["ineligible"]
    assert request.reason == "Your bookings of that week are used up."
    assert play.all()[0].protocol["requests"] == []
    assert "office_hours/round_passed" in [mail.template for mail in mails()]


def test_who_was_removed_takes_no_part(session: Session, cast: Cast, play: Rounds) -> None:
    found, _ = play.one()
    request = play.ask(found, cast.member)
    cast.participant.state, cast.participant.removed_at = ParticipantState.REMOVED, NOON
    session.commit()

    play.draw()

    assert play.states([request]) == ["ineligible"]
    assert request.reason == "Whoever asked does not take part any more."


def test_where_booking_refuses_the_next_wish_is_tried(session: Session, cast: Cast, play: Rounds) -> None:
    beside = play.stage.slots(
        play.stage.series(hosts=(Share(cast.second_host.id),), slots=1, slot_minutes=30, weekly_quota=2)
    )[0]
    found, (one, other) = play.one(weekly_quota=2)
    request = play.ask(found, cast.member, one, other)
    play.stage.book(beside)
    session.commit()

    play.draw()

    told = {row["id"]: row for row in play.all()[0].protocol["requests"]}
    mine = told[request.public_id]
    assert (mine["wishes"], mine["barred"], mine["slot"]) == ([other.id], [one.id], other.id)
    assert play.states([request]) == ["seated"]
    assert holds(play.all()[0].protocol, found.commitment)


def test_who_is_elsewhere_then_is_told_so(session: Session, cast: Cast, play: Rounds) -> None:
    beside = play.stage.slots(play.stage.series(hosts=(Share(cast.second_host.id),), slots=1, weekly_quota=2))[0]
    found, (one, _) = play.one(weekly_quota=2)
    request = play.ask(found, cast.member, one)
    play.stage.book(beside)
    session.commit()

    play.draw()

    assert play.states([request]) == ["ineligible"]
    assert request.reason == "You already have a booking at that time."


def test_a_slot_whose_host_cannot_come_is_not_given_out(session: Session, cast: Cast, play: Rounds) -> None:
    found, (one, other) = play.one()
    request = play.ask(found, cast.member, one)
    give_file(session, cast.host.id, [Busy(one.starts_at, one.ends_at)], at=NOON)
    session.commit()

    play.draw()

    assert play.all()[0].protocol["seats"] == {str(other.id): 1}
    assert play.states([request]) == ["unlucky"]


def test_a_session_that_moves_takes_named_slots_along_for_nobody(session: Session, cast: Cast, play: Rounds) -> None:
    """Another time is another slot: only who takes any is seated at a time that they have not seen."""
    found, (one, _) = play.one()
    named, anywhere = play.ask(found, cast.member, one), play.ask(found, cast.team.members[0])
    sitting = queries.sitting_of(session, cast.challenge.id, found.sitting_id)
    actions.move_sitting(session, sitting, local(2020, 6, 18, 9), by=cast.host.id, at=NOON, sender=SENDER)
    session.commit()

    play.draw()

    assert play.states([named, anywhere]) == ["unlucky", "seated"]


def test_a_session_that_is_called_off_calls_off_its_round(
    session: Session, cast: Cast, play: Rounds, mails: Mails
) -> None:
    found, _ = play.one()
    request = play.ask(found, cast.member)
    sitting = queries.sitting_of(session, cast.challenge.id, found.sitting_id)
    actions.cancel_sitting(session, sitting, "The host is ill.", by=cast.host.id, at=NOON + HOUR, sender=SENDER)
    session.commit()

    assert play.all()[0].state is RoundState.CANCELLED
    assert [(mail.template, mail.to) for mail in mails()] == [("office_hours/round_off", cast.researcher.email)]
    with pytest.raises(Refused, match="cancelled, and its round with it"):
        play.ask(play.all()[0], cast.member)
    session.rollback()
    assert play.draw() == 3
    assert play.states([request]) == ["open"]

    sitting = queries.sitting_of(session, cast.challenge.id, found.sitting_id)
    actions.reopen_sitting(session, sitting, by=cast.host.id, at=NOON + 2 * HOUR)
    session.commit()
    assert [each.state for each in play.open(NOON + 3 * HOUR)][:2] == [RoundState.CANCELLED, RoundState.GATHERING]


def test_a_round_whose_session_was_cancelled_unnoticed_is_not_drawn(
    session: Session, cast: Cast, play: Rounds, mails: Mails
) -> None:
    found, _ = play.one()
    play.ask(found, cast.member)
    session.execute(sa.text("UPDATE office_session SET state = 'cancelled', cancel_reason = 'ill'"))
    session.commit()

    assert play.draw() == 0
    assert {each.state for each in play.all()} == {RoundState.CANCELLED}
    assert [mail.template for mail in mails()] == ["office_hours/round_off"]


def test_a_session_called_off_after_the_draw(session: Session, cast: Cast, play: Rounds, mails: Mails) -> None:
    found, _ = play.one()
    play.ask(found, cast.member)
    play.draw()
    sitting = queries.sitting_of(session, cast.challenge.id, found.sitting_id)
    actions.cancel_sitting(session, sitting, "The host is ill.", by=cast.host.id, at=DRAW + HOUR, sender=SENDER)
    session.commit()

    assert play.all()[0].state is RoundState.DRAWN
    assert session.scalars(sa.select(Booking.state)).all() == [BookingState.CANCELLED]


def test_a_worker_that_dies_leaves_nothing_and_the_next_one_draws_the_same(
    session: Session, play: Rounds, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, slots = play.one()
    made = [play.ask(found, member, *slots) for member in play.crowd(4)]
    seed, tell = play.all()[0].seed, rounds._tell

    def die(*args: object, **values: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rounds, "_tell", die)
    with pytest.raises(KeyboardInterrupt):
        play.draw()
    session.rollback()
    assert (play.seats(), mails(), play.states(made)) == ([], [], ["open"] * 4)
    assert play.all()[0].state is RoundState.GATHERING

    monkeypatch.setattr(rounds, "_tell", tell)
    play.draw(DRAW + HOUR)

    order = sorted(made, key=lambda each: seeds.drawn(seed, each.public_id), reverse=True)
    assert [row["id"] for row in play.all()[0].protocol["requests"]] == [each.public_id for each in order]
    assert play.states(order) == ["seated", "seated", "unlucky", "unlucky"]
    assert len(mails()) == len({mail.dedupe_key for mail in mails()}) == 6


def test_eight_workers_draw_once(session: Session, play: Rounds, mails: Mails) -> None:
    found, slots = play.one()
    made = [play.ask(found, member, *slots) for member in play.crowd(6)]
    round_id = found.id
    session.commit()

    def draw(own: Session, _number: int) -> str:
        return "drawn" if rounds.draw_round(own, round_id, at=DRAW, sender=SENDER) else "too late"

    with crowd_of(8) as workers:
        answers = workers.run(draw)

    assert answers["drawn"] == 1
    assert Counter(play.states(made)) == {"seated": 2, "unlucky": 4}
    assert len(play.seats()) == 2
    assert len(mails()) == 8


def test_asking_while_it_is_drawn(session: Session, cast: Cast, play: Rounds) -> None:
    """Everybody who was told that they have asked is in the draw, and nobody else is."""
    found, _ = play.one(seats=8)
    members, round_id, challenge_id = [member.id for member in play.crowd(8)], found.id, cast.challenge.id
    session.commit()

    def act(own: Session, number: int) -> str:
        if number == 8:
            return "drawn" if rounds.draw_round(own, round_id, at=DRAW, sender=SENDER) else "too late"
        loaded, who = round_of(own, challenge_id, round_id), own.get_one(Member, members[number])
        requests.ask(own, loaded, who, Asking("Boot", anywhere=True), at=DRAW - HOUR / 60)
        return "asked"

    with crowd_of(9) as everybody:
        answers = everybody.run(act)

    assert (answers["drawn"], answers["asked"] + answers["Refused"]) == (1, 8)
    kept = session.scalars(sa.select(RoundRequest.state)).all()
    assert Counter(kept) == Counter({RequestState.SEATED: answers["asked"]})
    assert len(play.all()[0].protocol["requests"]) == answers["asked"]


def test_the_database_keeps_one_live_round_a_session(session: Session, play: Rounds) -> None:
    found, _ = play.one()
    session.add(
        Round(
            sitting_id=found.sitting_id, state=RoundState.GATHERING, state_since=NOON, opened_at=NOON, draws_at=DRAW,
            commitment="0" * 64, seed="0" * 64, protocol=None,
        )
    )  # fmt: skip
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()


def test_the_database_refuses_nonsense(session: Session, cast: Cast, play: Rounds) -> None:
    found, (one, _) = play.one()
    play.ask(found, cast.member, one)

    for nonsense in (
        "UPDATE office_round SET state = 'drawn'",
        "UPDATE office_round SET draws_at = opened_at",
        "UPDATE office_round SET seed = 'short'",
        "UPDATE office_round_request SET state = 'seated'",
        "UPDATE office_round_request SET state = 'ineligible'",
        "UPDATE office_round_request SET state = 'lost'",
        "UPDATE office_round_wish SET rank = 0",
        "UPDATE office_series SET round_hours = 23",
        "UPDATE office_series SET round_hours = 73",
    ):
        with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
            session.execute(sa.text(nonsense))


def test_many_requests(session: Session, play: Rounds, statements: list[str]) -> None:
    found, slots = play.one(slots=4)
    made = [play.ask(found, member, *slots) for member in play.crowd(60)]
    statements.clear()

    play.draw()

    # Whoever is passed over costs one statement; what is looked up is looked up for all at once.
    assert len(statements) < 220
    assert Counter(play.states(made)) == {"seated": 4, "unlucky": 56}
