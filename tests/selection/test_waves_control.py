"""Pausing, going on, stopping; and that nobody ever gets two answers, from whichever wave."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.models import Application, Step
from portal.applications.states import ApplicationState, Decision
from portal.core.db import db, prepare
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import take
from portal.core.outbox import OutgoingMail
from portal.selection.actions import waves
from portal.selection.jobs import release_waves
from portal.selection.models import Wave, WaveEntry
from portal.selection.rules.pace import Pace
from portal.selection.states import RELEASE, EntryState, WaveState
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import STAFF, Bench, Mails

MINUTE = timedelta(minutes=1)


def begun(bench: Bench, count: int = 4, decision: Decision = Decision.DECLINE) -> Wave:
    """A wave on its way, one answer a minute; one is out."""
    bench.mean(bench.crowd([f"a{n}" for n in range(count)]), decision)
    wave = bench.wave()
    waves.pace_wave(bench.session, wave, Pace(rate=1), by=bench.cast.lead.id, at=NOON)
    bench.release(wave, count)
    return wave


def test_a_paused_wave_tells_nobody_and_goes_on(session: Session, bench: Bench, cast: Cast, mails: Mails) -> None:
    wave = begun(bench)
    waves.pause_wave(session, wave, by=cast.lead.id, at=NOON)
    session.commit()
    assert release_waves(session, NOON + 5 * MINUTE) == 0
    assert (wave.state, len(mails())) == (WaveState.PAUSED, 1)
    with pytest.raises(Refused, match="Pause the wave"):
        waves.pause_wave(session, wave, by=cast.lead.id, at=NOON)
    waves.resume_wave(session, wave, by=cast.lead.id, at=NOON + 5 * MINUTE)
    session.commit()
    assert release_waves(session, NOON + 5 * MINUTE) == 0
    for minute in (6, 7, 8):
        assert release_waves(session, NOON + minute * MINUTE) == 1
    session.expire_all()
    assert (wave.state, len(mails())) == (WaveState.RELEASED, 4)
    assert {"selection:pause-wave", "selection:resume-wave"} <= set(bench.tags())


def test_a_stopped_wave_gives_back_what_has_not_gone(session: Session, bench: Bench, cast: Cast, mails: Mails) -> None:
    wave = begun(bench)
    with pytest.raises(Invalid):
        waves.stop_wave(session, wave, " ", by=cast.lead.id, at=NOON)
    session.rollback()
    assert waves.stop_wave(session, wave, "A wrong date", by=cast.lead.id, at=NOON) == 3
    session.commit()
    assert (wave.state, wave.stopped_because) == (WaveState.STOPPED, "A wrong date")
    left = (EntryState.SKIPPED, "stopped: A wrong date")
    assert sorted(bench.outcome(wave), key=str) == [(EntryState.DONE, None), left, left, left]
    assert release_waves(session, NOON + MINUTE) == 0
    with pytest.raises(Refused):
        waves.resume_wave(session, wave, by=cast.lead.id, at=NOON)
    session.rollback()
    again = bench.wave()
    bench.release(again, 3)
    assert len(mails()) == len({mail.to for mail in mails()}) == 4


def test_what_is_in_a_running_wave_goes_into_no_other(session: Session, bench: Bench, cast: Cast, mails: Mails) -> None:
    wave = begun(bench)
    rows = [entry.application for entry in session.scalars(sa.select(WaveEntry).order_by(WaveEntry.id))]
    assert bench.mean(rows, Decision.INVITE).changed == 0
    with pytest.raises(Refused, match="No decision is meant"):
        waves.create_wave(session, cast.challenge, None, by=cast.lead.id, at=NOON)
    session.rollback()
    (other,) = bench.crowd(["another"])
    bench.release(bench.wave((other, Decision.DECLINE)), 1)
    for minute in range(1, 4):
        release_waves(session, NOON + minute * MINUTE)
    assert len(mails()) == len({mail.to for mail in mails()}) == 5
    assert wave.id != rows[0].wave_id


def test_whoever_read_it_before_somebody_paused_it_loses(session: Session, bench: Bench, cast: Cast) -> None:
    number, by = begun(bench).id, cast.lead.id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as second:
        seen = second.get_one(Wave, number)
        _ = seen.challenge.slug
        second.commit()
        waves.pause_wave(session, session.get_one(Wave, number), by=by, at=NOON)
        session.commit()
        with pytest.raises(Conflict):
            waves.stop_wave(second, seen, "too late", by=by, at=NOON)
        second.rollback()
        assert waves.hand_over(second, seen, at=NOON + MINUTE) == 0


def test_pausing_stopping_and_two_workers_at_once_tell_everybody_at_most_once(
    session: Session, bench: Bench, cast: Cast
) -> None:
    bench.mean(bench.crowd([f"a{n}" for n in range(60)]), Decision.DECLINE)
    wave = bench.wave()
    number, by = wave.id, cast.lead.id
    take(session, wave, RELEASE, at=NOON, released_by_id=by, released_at=NOON)
    session.commit()
    engine = sa.create_engine(db.engine.url, pool_size=6)
    prepare(engine)
    start = Barrier(6)

    def try_to(own: Session, act: Callable[..., object], *more: str) -> None:
        try:
            act(own, own.get_one(Wave, number, populate_existing=True), *more, by=by, at=NOON)
            own.commit()
        except (Conflict, Refused):
            own.rollback()

    def steer(own: Session) -> None:
        for _ in range(6):
            try_to(own, waves.pause_wave)
            try_to(own, waves.resume_wave)

    def act(place: int) -> None:
        with Session(engine) as own:
            start.wait()
            if place == 4:
                steer(own)
                try_to(own, waves.stop_wave, "Enough")
            elif place == 2:
                steer(own)
            for _ in range(40 if place not in (2, 4) else 0):
                waves.hand_over(own, own.get_one(Wave, number, populate_existing=True), at=NOON, limit=3)
                own.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(6)))
    engine.dispose()
    session.expire_all()
    outcome = [state for state, _ in bench.outcome(session.get_one(Wave, number))]
    told = outcome.count(EntryState.DONE)
    declined = sa.select(sa.func.count()).where(Application.state == ApplicationState.DECLINED)
    assert session.scalars(declined).one() == told
    assert len(session.scalars(sa.select(OutgoingMail.id)).all()) == told
    assert len(session.scalars(sa.select(Step.id)).all()) == told
    if session.get_one(Wave, number).state is WaveState.STOPPED:
        assert outcome.count(EntryState.SKIPPED) == 60 - told
        held = sa.select(sa.func.count()).where(Application.wave_id.is_not(None))
        assert session.scalars(held).one() == 0


def test_answers_cost_few_statements_however_many(session: Session, bench: Bench, statements: list[str]) -> None:
    costs = []
    for number in (3, 90):
        bench.mean(bench.crowd([f"{number} {n}" for n in range(number)]), Decision.DECLINE)
        wave = bench.wave()
        statements.clear()
        bench.release(wave, number)
        costs.append(len([line for line in statements if "audit_entry" not in line]))
    assert costs[0] == costs[1]
    assert costs[0] <= 25


def test_pausing_and_stopping_over_http(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    begun(bench)
    sign_in(client, cast.lead)
    address = f"{STAFF}/waves/1"
    assert "Pause" in client.get(address).text
    assert client.post(f"{address}/pause").location == address
    assert "Go on" in client.get(address).text
    assert client.post(f"{address}/pause").status_code == 422
    assert client.post(f"{address}/resume").location == address
    assert client.post(f"{address}/stop", data={}).status_code == 422
    assert client.post(f"{address}/stop", data={"reason": "A wrong date"}).location == address
    page = client.get(address).text
    for words in ("A wrong date", "stopped: A wrong date", ">stopped<"):
        assert words in page
    assert client.get(f"{address}/stop").status_code == 405
    assert client.post(f"{STAFF}/waves/9/pause").status_code == 404
