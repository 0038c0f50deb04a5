"""Waves: frozen, read, released, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications import actions as applications
from portal.applications.models import Step
from portal.applications.states import ApplicationState, Decision
from portal.core.db import db, prepare
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import OutgoingMail
from portal.selection import queries
from portal.selection.actions import waves
from portal.selection.jobs import release_waves
from portal.selection.models import Wave, WaveEntry
from portal.selection.states import EntryState, WaveState
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import ANSWER_BY, STAFF, Bench, Mails

DONE = (EntryState.DONE, None)


def test_a_wave_freezes_what_is_meant_and_tells_nobody(session: Session, bench: Bench, mails: Mails) -> None:
    rows = bench.crowd(["a", "b", "c", "d"])
    bench.mean(rows[:2], Decision.INVITE)
    wave = bench.wave((rows[2], Decision.DECLINE))

    assert (wave.number, wave.state, wave.answer_by) == (1, WaveState.DRAFT, ANSWER_BY)
    assert queries.counts(session, wave.id) == (2, 0, 1)
    session.expire_all()
    assert [row.wave_id for row in rows] == [wave.id, wave.id, wave.id, None]
    assert bench.mean(rows[:1], None).left_out == 1
    assert mails() == []
    assert bench.wave((rows[3], Decision.WAITLIST), answer_by=None).number == 2


def test_a_wave_needs_decisions_and_invitations_a_date(session: Session, bench: Bench, cast: Cast) -> None:
    with pytest.raises(Refused, match="No decision is meant"):
        bench.wave()
    session.rollback()
    (row,) = bench.crowd(["a"])
    bench.mean([row], Decision.INVITE)
    for answer_by in (None, NOON + timedelta(hours=23)):
        with pytest.raises(Invalid):
            waves.create_wave(session, cast.challenge, answer_by, by=cast.lead.id, at=NOON)
        session.rollback()
    assert row.wave_id is None


def test_a_wave_without_invitations_has_no_date(bench: Bench) -> None:
    (row,) = bench.crowd(["a"])
    assert bench.wave((row, Decision.DECLINE)).answer_by is None


def test_a_discarded_wave_gives_back_what_was_meant(session: Session, bench: Bench, cast: Cast, mails: Mails) -> None:
    (row,) = bench.crowd(["a"])
    wave = bench.wave((row, Decision.DECLINE))

    waves.discard_wave(session, wave, by=cast.lead.id, at=NOON)
    session.commit()

    assert (wave.state, row.wave_id, row.pending_decision) == (WaveState.DISCARDED, None, Decision.DECLINE)
    assert bench.outcome(wave) == [(EntryState.SKIPPED, "the wave was discarded")]
    with pytest.raises(Refused):
        bench.release(wave, 1)
    session.rollback()
    again = bench.wave()
    bench.release(again, 1)
    assert row.state is ApplicationState.DECLINED
    assert len(mails()) == 1


def test_releasing_moves_tells_and_notes_everybody_together(
    session: Session, bench: Bench, cast: Cast, mails: Mails
) -> None:
    invited, waitlisted, declined = bench.crowd(["Ines", "Wim", "Dora"])
    wave = bench.wave((invited, Decision.INVITE), (waitlisted, Decision.WAITLIST), (declined, Decision.DECLINE))

    bench.release(wave, 3)

    session.expire_all()
    assert [row.state for row in (invited, waitlisted, declined)] == [
        ApplicationState.INVITED, ApplicationState.WAITLISTED, ApplicationState.DECLINED,
    ]  # fmt: skip
    assert (invited.answer_by, invited.decided_by_id, invited.decided_at) == (ANSWER_BY, cast.lead.id, NOON)
    assert (declined.answer_by, declined.pending_decision, declined.wave_id) == (None, None, None)
    assert (wave.state, bench.outcome(wave)) == (WaveState.RELEASED, [DONE] * 3)
    assert sorted((mail.template, mail.to) for mail in mails()) == [
        ("selection/declined", "dora@example.org"),
        ("selection/invited", "ines@example.org"),
        ("selection/waitlisted", "wim@example.org"),
    ]
    assert bench.tags()[-4:] == [
        "selection:release-wave", "selection:invite", "selection:waitlist", "selection:decline",
    ]  # fmt: skip
    assert len(session.scalars(sa.select(Step)).all()) == 3


def test_the_count_is_restated(session: Session, bench: Bench, mails: Mails) -> None:
    rows = bench.crowd(["a", "b"])
    bench.mean(rows, Decision.DECLINE)
    wave = bench.wave()
    for count in (0, 1, 3):
        with pytest.raises(Refused, match="holds 2 answers"):
            bench.release(wave, count)
        session.rollback()
    assert (wave.state, mails()) == (WaveState.DRAFT, [])


def test_a_date_that_has_come_too_near_stops_the_wave(session: Session, bench: Bench, mails: Mails) -> None:
    (row,) = bench.crowd(["a"])
    wave = bench.wave((row, Decision.INVITE))
    with pytest.raises(Refused, match="at least a day"):
        bench.release(wave, 1, at=ANSWER_BY - timedelta(hours=1))
    session.rollback()
    assert (wave.state, mails()) == (WaveState.DRAFT, [])


def test_what_has_changed_since_is_skipped_with_its_reason(
    session: Session, bench: Bench, cast: Cast, mails: Mails
) -> None:
    gone, back = bench.submitted(), bench.submitted(cast.stranger)
    (stays,) = bench.crowd(["stays"])
    wave = bench.wave((gone, Decision.INVITE), (back, Decision.INVITE), (stays, Decision.INVITE))
    for application in (gone, back):
        applications.withdraw_application(session, application, at=NOON)
    applications.return_application(session, back, cast.stranger, at=NOON)
    session.commit()
    before = len(mails())

    bench.release(wave, 3)

    assert bench.outcome(wave) == [
        (EntryState.SKIPPED, "withdrawn in the meantime"), (EntryState.SKIPPED, "changed in the meantime"), DONE,
    ]  # fmt: skip
    assert (gone.state, back.state) == (ApplicationState.WITHDRAWN, ApplicationState.SUBMITTED)
    assert [mail.to for mail in mails()[before:]] == ["stays@example.org"]
    assert bench.wave((back, Decision.INVITE)).number == 2


def test_a_large_wave_goes_out_chunk_by_chunk(
    session: Session, bench: Bench, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waves.hand_over, "__kwdefaults__", {"limit": 2})
    rows = bench.crowd(["a", "b", "c", "d", "e"])
    bench.mean(rows, Decision.DECLINE)
    wave = bench.wave()

    bench.release(wave, 5)
    assert (wave.state, len(mails())) == (WaveState.RELEASING, 2)
    assert release_waves(session, NOON) == 3

    session.expire_all()
    assert (wave.state, len(mails())) == (WaveState.RELEASED, 5)
    assert {row.state for row in rows} == {ApplicationState.DECLINED}
    assert release_waves(session, NOON) == 0
    assert len(mails()) == 5


def test_a_wave_whose_last_answer_was_left_behind_is_finished(session: Session, bench: Bench) -> None:
    (row,) = bench.crowd(["a"])
    wave = bench.wave((row, Decision.DECLINE))
    bench.release(wave, 1)
    session.execute(sa.update(Wave).values(state=WaveState.RELEASING))
    assert release_waves(session, NOON) == 0
    session.expire_all()
    assert wave.state is WaveState.RELEASED


def test_nobody_gets_two_answers_from_one_wave(session: Session, bench: Bench) -> None:
    (row,) = bench.crowd(["a"])
    wave = bench.wave((row, Decision.DECLINE))
    session.add(WaveEntry(wave_id=wave.id, application_id=row.id, decision=Decision.INVITE, state=EntryState.PENDING))
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()


def test_the_second_of_two_leads_who_saw_the_draft_loses(session: Session, bench: Bench, cast: Cast) -> None:
    (row,) = bench.crowd(["a"])
    number, by = bench.wave((row, Decision.DECLINE)).id, cast.lead.id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as second:
        seen = second.get_one(Wave, number)
        _ = seen.challenge
        second.commit()
        waves.release_wave(session, session.get_one(Wave, number), count=1, by=by, at=NOON)
        session.commit()
        with pytest.raises(Conflict):
            waves.release_wave(second, seen, count=1, by=by, at=NOON)


def test_many_leads_and_jobs_at_once_tell_everybody_once(session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd([f"a{n}" for n in range(30)])
    bench.mean(rows, Decision.DECLINE)
    number, by = bench.wave().id, cast.lead.id
    session.commit()
    engine = sa.create_engine(db.engine.url, pool_size=8)
    prepare(engine)
    start = Barrier(8)

    def act(place: int) -> str:
        with Session(engine) as own:
            start.wait()
            try:
                wave = own.get_one(Wave, number)
                if place % 2:
                    waves.release_wave(own, wave, count=30, by=by, at=NOON)
                elif wave.state is WaveState.RELEASING:
                    waves.hand_over(own, wave, at=NOON, limit=7)
                own.commit()
            except (Conflict, Refused) as answer:
                return type(answer).__name__
            return "done" if place % 2 else "job"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(8)))
    engine.dispose()
    release_waves(session, NOON)

    assert answers.count("done") == 1
    assert len(session.scalars(sa.select(OutgoingMail.id)).all()) == 30
    assert len(session.scalars(sa.select(Step.id)).all()) == 30
    assert session.get_one(Wave, number).state is WaveState.RELEASED


def test_making_reading_and_releasing_a_wave(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, mails: Mails
) -> None:
    invited, declined = bench.crowd(["Ines", "Dora"])
    sign_in(client, cast.lead)
    assert "No decision is meant" in client.get(f"{STAFF}/waves").text
    bench.mean([invited], Decision.INVITE)
    bench.mean([declined], Decision.DECLINE)

    assert client.post(f"{STAFF}/waves", data={}).status_code == 422
    assert client.post(f"{STAFF}/waves", data={"answer_on": "2020-06-15"}).status_code == 422
    made = client.post(f"{STAFF}/waves", data={"answer_on": "2020-06-26"})
    assert made.location == f"{STAFF}/waves/1"
    page = client.get(made.location).text
    for words in ("Please answer by Saturday 27 June 2020, 06:59 UTC", "As it goes to ines@example.org",
                  "dora@example.org",
                  "2 people are told their answer: 1 invited, 0 waitlisted, 1 declined"):  # fmt: skip
        assert words in page
    assert mails() == []
    assert client.post(f"{STAFF}/waves/1/release", data={}).status_code == 422
    assert client.post(f"{STAFF}/waves/1/release", data={"count": "3"}).status_code == 422
    assert mails() == []
    assert client.get(f"{STAFF}/waves/1/release").status_code == 405
    assert client.post(f"{STAFF}/waves/1/release", data={"count": "2"}).location == f"{STAFF}/waves/1"
    assert len(mails()) == 2
    assert client.post(f"{STAFF}/waves/1/release", data={"count": "2"}).status_code == 422
    assert client.post(f"{STAFF}/waves/1/discard").status_code == 422
    assert "2 of 2" in client.get(f"{STAFF}/waves/1").text
    assert client.get(f"{STAFF}/waves/2").status_code == 404
    assert ">released<" in client.get(f"{STAFF}/waves").text


def test_the_applicant_learns_of_it_by_the_release_alone(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    application = bench.submitted()
    wave = bench.wave((application, Decision.INVITE))
    sign_in(client, cast.applicant)
    apply, answer = "/challenges/test-challenge/apply", "/challenges/test-challenge/invitation"
    assert "We have your application" in client.get(apply).text
    assert client.get(answer).location == apply
    assert client.post(answer, data={"typed_name": "Ada"}).status_code == 422
    assert client.post(f"{answer}/refuse").status_code == 422
    bench.release(wave, 1)
    assert "You are invited" in client.get(apply).text
    assert client.get(answer).status_code == 200


def test_the_page_of_a_wave_costs_the_same_for_3_and_300(
    client: FlaskClient, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    sign_in(client, cast.lead)
    costs = []
    for number in (3, 297):
        bench.mean(bench.crowd([f"{number} {n}" for n in range(number)]), Decision.DECLINE)
        made = bench.wave()
        address = f"{STAFF}/waves/{made.number}"
        statements.clear()
        assert client.get(address).status_code == 200
        costs.append(len(statements))
        statements.clear()
        client.get(f"{STAFF}/waves")
        costs.append(len(statements))
    assert costs[0] == costs[2]
    assert costs[1] == costs[3]
