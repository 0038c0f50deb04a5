"""How fast and when a wave goes out: rates, hours, days, and nights in which clocks are changed."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.applications.states import Decision
from portal.core.errors import Refused
from portal.selection.actions import waves
from portal.selection.jobs import release_waves
from portal.selection.models import Wave
from portal.selection.rules.pace import Pace
from portal.selection.states import EntryState, WaveState
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import ANSWER_BY, STAFF, Bench, Mails

PACIFIC = "America/Los_Angeles"
WORKDAYS = 0b0011111


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_pace_without_limits_is_always_open() -> None:
    assert Pace().allowance(None, NOON, 100) == 100
    assert Pace().opens(NOON) == NOON
    assert Pace().finish(3500, NOON) == NOON


def test_a_rate_gives_so_many_a_minute_and_makes_up_for_nothing() -> None:
    pace = Pace(rate=60)
    assert pace.allowance(None, NOON, 100) == 1
    assert pace.allowance(NOON, NOON + timedelta(seconds=4.9), 100) == 4
    assert pace.allowance(NOON, NOON + timedelta(hours=3), 100) == 10
    assert Pace(rate=2).allowance(NOON, NOON + timedelta(seconds=29), 100) == 0
    assert Pace(rate=2).allowance(NOON, NOON + timedelta(hours=1), 100) == 1
    assert Pace(rate=60).finish(3500, NOON) == NOON + timedelta(minutes=3500 / 60)


@given(st.integers(1, 6000), st.lists(st.floats(0.1, 300), min_size=1, max_size=60))
def test_the_rate_holds_however_the_worker_ticks(rate: int, pauses: list[float]) -> None:
    pace, moment, paced, told = Pace(rate=rate), NOON, None, 0
    for pause in [0.0, *pauses]:
        moment += timedelta(seconds=pause)
        number = pace.allowance(paced, moment, 10**9)
        paced = pace.since(paced, moment) + pace.each * number
        assert paced <= moment
        told += number
    passed = (moment - NOON) / timedelta(minutes=1)
    assert told <= 1 + rate * passed + 1e-6


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2020-06-15T15:59", "2020-06-15T16:00"),  # Monday, 8:59 in Los Angeles
        ("2020-06-15T16:00", "2020-06-15T16:00"),
        ("2020-06-16T00:59", "2020-06-16T00:59"),
        ("2020-06-16T01:00", "2020-06-16T16:00"),  # 18:00
        ("2020-06-20T01:00", "2020-06-22T16:00"),  # Friday evening: the next is Monday
    ],
)
def test_hours_and_days_are_those_of_the_challenge(moment: str, opens: str) -> None:
    pace = Pace(open_from=9, open_until=18, weekdays=WORKDAYS, zone=PACIFIC)
    assert pace.opens(at(moment)) == at(opens)
    assert (pace.allowance(None, at(moment), 100) == 100) == (moment == opens)


def test_hours_follow_the_clocks_when_they_are_changed() -> None:
    pace = Pace(open_from=9, open_until=10, zone=PACIFIC)
    days = [begins for begins, _ in islice(pace.openings(at("2020-03-07T08:00")), 3)]
    assert days == [at("2020-03-07T17:00"), at("2020-03-08T16:00"), at("2020-03-09T16:00")]
    # 2:00 to 3:00 does not exist on 8 March 2020: that day has no opening.
    night = Pace(open_from=2, open_until=3, zone=PACIFIC)
    assert next(night.openings(at("2020-03-08T09:00"))) == (at("2020-03-09T09:00"), at("2020-03-09T10:00"))
    whole = Pace(open_from=0, open_until=24, weekdays=1 << 6, zone=PACIFIC)  # Sundays
    assert next(ends - begins for begins, ends in whole.openings(at("2020-03-08T08:00"))) == timedelta(hours=23)
    assert next(ends - begins for begins, ends in whole.openings(at("2020-11-01T07:00"))) == timedelta(hours=25)


def test_the_end_is_told_across_nights_and_weekends() -> None:
    pace = Pace(rate=1, open_from=9, open_until=10, weekdays=WORKDAYS, zone="UTC")
    friday = at("2020-06-19T09:30")
    assert pace.finish(30, friday) == at("2020-06-19T10:00")
    assert pace.finish(31, friday) == at("2020-06-22T09:01")
    assert pace.finish(0, at("2020-06-20T12:00")) == at("2020-06-22T09:00")


def told(session: Session, wave: Wave, bench: Bench) -> int:
    session.rollback()
    return [state for state, _ in bench.outcome(wave)].count(EntryState.DONE)


def slow(bench: Bench, count: int, pace: Pace, decision: Decision = Decision.DECLINE) -> Wave:
    bench.mean(bench.crowd([f"a{n}" for n in range(count)]), decision)
    wave = bench.wave()
    waves.pace_wave(bench.session, wave, pace, by=bench.cast.lead.id, at=NOON)
    bench.session.commit()
    return wave


def test_a_wave_keeps_its_rate(session: Session, bench: Bench, mails: Mails) -> None:
    wave = slow(bench, 25, Pace(rate=60))
    bench.release(wave, 25)
    seen = [told(session, wave, bench)]
    for second in (10, 20, 30):
        for _twice in range(2):
            release_waves(session, NOON + timedelta(seconds=second))
        seen.append(told(session, wave, bench))
    assert seen == [1, 11, 21, 25]
    assert (len(mails()), wave.state) == (25, WaveState.RELEASED)


def test_a_wave_waits_for_its_hours(session: Session, bench: Bench, mails: Mails) -> None:
    wave = slow(bench, 3, Pace(open_from=9, open_until=10))  # NOON is 5:00 in Los Angeles
    bench.release(wave, 3)
    assert (mails(), wave.state) == ([], WaveState.RELEASING)
    assert release_waves(session, NOON + timedelta(hours=3, minutes=59)) == 0
    assert release_waves(session, NOON + timedelta(hours=4)) == 3
    session.expire_all()
    assert wave.state is WaveState.RELEASED


def test_whoever_would_have_less_than_a_day_is_kept_for_another_wave(
    session: Session, bench: Bench, mails: Mails
) -> None:
    wave = slow(bench, 2, Pace(rate=1), Decision.INVITE)
    bench.release(wave, 2)
    late = ANSWER_BY - timedelta(hours=23)
    assert release_waves(session, late) == 1
    assert sorted(bench.outcome(wave)) == [
        (EntryState.DONE, None), (EntryState.SKIPPED, "less than a day left to answer"),
    ]  # fmt: skip
    assert (wave.state, len(mails())) == (WaveState.RELEASED, 1)
    again = bench.wave(answer_by=ANSWER_BY + timedelta(days=9))
    assert len(bench.outcome(again)) == 1


def test_the_pace_is_changed_in_a_draft_and_in_a_pause_only(session: Session, bench: Bench, cast: Cast) -> None:
    wave = slow(bench, 3, Pace(rate=1))
    bench.release(wave, 3)
    with pytest.raises(Refused, match="while the wave is paused"):
        waves.pace_wave(session, wave, Pace(), by=cast.lead.id, at=NOON)
    session.rollback()
    waves.pause_wave(session, wave, by=cast.lead.id, at=NOON)
    waves.pace_wave(session, wave, Pace(rate=600), by=cast.lead.id, at=NOON)
    session.commit()
    assert wave.rate == 600


def test_the_page_sets_the_pace_and_tells_when_it_ends(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    bench.mean(bench.crowd([f"a{n}" for n in range(120)]), Decision.INVITE)
    bench.wave(answer_by=NOON + timedelta(days=2))
    sign_in(client, cast.lead)
    form = {"rate": "60", "open_from": "9", "open_until": "18", "weekdays": ["0", "1"]}
    wrongs: list[dict[str, Any]] = [
        {"rate": "0"},
        {"open_until": "9"},
        {"weekdays": []},
        {"weekdays": ["7"]},
        {"open_from": "24"},
    ]
    for wrong in wrongs:
        assert client.post(f"{STAFF}/waves/1/pace", data={**form, **wrong}).status_code == 422
    assert client.post(f"{STAFF}/waves/1/pace", data=form).location == f"{STAFF}/waves/1"
    page = client.get(f"{STAFF}/waves/1").text
    for words in ("60 a minute", "from 9:00 to 18:00 on Monday, Tuesday, America/Los_Angeles",
                  "Mon 15 Jun 2020, 09:00 PDT", "Mon 15 Jun 2020, 09:02 PDT"):  # fmt: skip
        assert words in page, words
    assert "too late" not in page
    client.post(f"{STAFF}/waves/1/pace", data={**form, "rate": "1", "open_until": "10", "weekdays": ["0"]})
    assert "Some would be told too late" in client.get(f"{STAFF}/waves/1").text
