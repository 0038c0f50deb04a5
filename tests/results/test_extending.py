"""Results never come out while the challenge is open for reports: what becomes of the hour where the last day moves."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.challenges import actions as challenges
from portal.challenges.models import Challenge
from portal.challenges.rules import Outline, ends_at
from portal.core.audit import AuditEntry
from portal.core.db import db, set_reading, start_writing
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.mail import render
from portal.core.outbox import OutgoingMail, drain
from portal.results import actions, queries, rules
from portal.results.actions import Hour
from portal.results.models import ResultsRelease
from portal.results.states import ReleaseState
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.challenges.test_views import outline as typed
from tests.conftest import Clock
from tests.results.conftest import AFTER

Mails = Callable[[], list[OutgoingMail]]
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
# The last day of the cast's challenge is 31 August 2020, and it ends seven hours into the next one, UTC.
HOUR = AFTER
STAFF, PUBLIC = f"/staff/{SLUG}/results", f"/challenges/{SLUG}/results"


def outline(challenge: Challenge, **changed: object) -> Outline:
    told = Outline(**{each.name: getattr(challenge, each.name) for each in fields(Outline)})
    return replace(told, **changed)  # type: ignore[arg-type]


def end_on(session: Session, cast: Cast, day: date, at: datetime = NOON, **changed: object) -> list[str]:
    told = challenges.change_challenge(
        session, cast.challenge, outline(cast.challenge, ends_on=day, **changed), by=cast.lead.id, at=at
    )
    session.commit()
    return told


@pytest.fixture
def hour(session: Session, cast: Cast) -> ResultsRelease:
    """An hour that two people have set: the lead has proposed it, the admin has confirmed it."""
    made = actions.propose_release(session, cast.challenge, Hour(HOUR, "Europe/Berlin"), by=cast.lead.id, at=NOON)
    actions.confirm_release(session, cast.challenge, made, by=cast.admin.id, at=NOON)
    session.commit()
    return made


def test_an_hour_before_the_new_end_is_void_and_both_are_told(
    session: Session, cast: Cast, hour: ResultsRelease, mails: Mails
) -> None:
    before = len(mails())
    told = end_on(session, cast, date(2020, 10, 31))

    assert told == ["The hour of the results was before the new end: it is void. Propose another one."]
    assert (hour.state, hour.decided_by_id, hour.release_at) == (ReleaseState.VOID, cast.admin.id, HOUR)
    assert cast.challenge.results_released_at is None
    sent = mails()[before:]
    assert sorted((each.template, each.to) for each in sent) == sorted(
        ("results/void", person.email) for person in (cast.lead, cast.admin)
    )
    assert [each.scope for each in sent] == [SLUG] * 2
    assert STAFF in str(render(sent[0]))
    last = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (last.tag, last.actor_id) == ("results:void-release", cast.lead.id)
    assert not rules.released(cast.challenge, HOUR + 400 * DAY)


def test_another_hour_is_set_after_it_by_two_people_again(session: Session, cast: Cast, hour: ResultsRelease) -> None:
    end_on(session, cast, date(2020, 10, 31))
    with pytest.raises(Refused, match="still running"):
        actions.propose_release(session, cast.challenge, Hour(HOUR), by=cast.lead.id, at=NOON)
    session.rollback()
    later = ends_at(cast.challenge)
    made = actions.propose_release(session, cast.challenge, Hour(later), by=cast.lead.id, at=NOON)
    actions.confirm_release(session, cast.challenge, made, by=cast.admin.id, at=NOON)
    session.commit()
    assert cast.challenge.results_released_at == later
    assert queries.last_void(session, cast.challenge.id) is None


@pytest.mark.parametrize("day", [date(2020, 10, 5), date(2020, 8, 31), date(2020, 7, 1)])
def test_an_hour_that_is_still_after_the_end_stays(
    session: Session, cast: Cast, hour: ResultsRelease, mails: Mails, day: date
) -> None:
    """Extended by less than the time that was left, not moved at all, and shortened."""
    before = len(mails())
    assert end_on(session, cast, day) == []
    assert (hour.state, cast.challenge.results_released_at) == (ReleaseState.CONFIRMED, HOUR)
    assert len(mails()) == before


def test_a_zone_that_makes_the_last_day_longer_counts_as_well(
    session: Session, cast: Cast, hour: ResultsRelease
) -> None:
    # It is 9 in the morning of the 6th in Los Angeles by then, and the first hour of the 7th in Tokyo.
    assert end_on(session, cast, date(2020, 10, 5)) == []
    assert end_on(session, cast, date(2020, 10, 5), zone="Etc/GMT+12") == []
    told = end_on(session, cast, date(2020, 10, 6), zone="Asia/Tokyo")
    assert (told, hour.state) == ([], ReleaseState.CONFIRMED)
    assert len(end_on(session, cast, date(2020, 10, 6), zone="America/Los_Angeles")) == 1
    assert hour.state is ReleaseState.VOID


def test_an_hour_that_an_earlier_version_had_set_alone_goes_as_well(session: Session, cast: Cast) -> None:
    cast.challenge.results_released_at = HOUR
    session.commit()
    end_on(session, cast, date(2020, 10, 31))
    assert cast.challenge.results_released_at is None


def test_a_proposed_hour_is_void_too_and_one_without_an_hour_waits(session: Session, cast: Cast) -> None:
    made = actions.propose_release(session, cast.challenge, Hour(HOUR), by=cast.lead.id, at=NOON)
    session.commit()
    end_on(session, cast, date(2020, 10, 31))
    # Nobody is asked any more to confirm it.
    sent: list[OutgoingMail] = []
    drain(session, sent.append, NOON)
    assert [(each.template, each.to) for each in sent] == [("results/void", cast.lead.email)]
    assert (made.state, made.decided_by_id, made.decided_at) == (ReleaseState.VOID, cast.lead.id, NOON)
    over = ends_at(cast.challenge)
    open_ = actions.propose_release(session, cast.challenge, Hour(None), by=cast.lead.id, at=over)
    session.commit()
    assert end_on(session, cast, date(2020, 11, 30), at=over) == []
    assert open_.state is ReleaseState.PROPOSED
    with pytest.raises(Refused, match="still running"):
        actions.confirm_release(session, cast.challenge, open_, by=cast.admin.id, at=over)


def test_the_hour_has_come_a_second_ago_and_nobody_can_extend(
    session: Session, cast: Cast, hour: ResultsRelease
) -> None:
    with pytest.raises(Invalid) as problem:
        end_on(session, cast, date(2020, 10, 31), at=HOUR)
    assert problem.value.messages == {
        "ends_on": "The results are out: reports cannot be open again after them. Begin another challenge."
    }
    session.rollback()
    assert (cast.challenge.ends_on, cast.challenge.results_released_at) == (date(2020, 8, 31), HOUR)
    # What was said wrongly of the past can be set right, and all the rest too.
    assert end_on(session, cast, date(2020, 9, 15), at=HOUR + DAY, title="Another title") == []
    assert rules.released(cast.challenge, HOUR)


def test_a_second_before_the_hour_it_is_void_and_nothing_comes_out(
    client: FlaskClient, session: Session, cast: Cast, hour: ResultsRelease, clock: Clock
) -> None:
    clock.at = HOUR - SECOND
    sign_in(client, cast.lead)
    data = typed(ends_on="2020-10-31", zone="America/Los_Angeles")
    assert "this hour is void, and who set it is told" in client.get(f"/staff/{SLUG}/settings").text
    assert client.post(f"/staff/{SLUG}/settings", data=data).status_code == 302
    assert "it is void. Propose another one." in client.get(f"/staff/{SLUG}/settings").text
    clock.at = HOUR
    assert "The hour that was set is void" in client.get(STAFF).text
    assert "Void releases of results to set anew" in client.get(f"/staff/{SLUG}/").text
    sign_in(client, None)
    assert [client.get(f"{PUBLIC}{ending}").status_code for ending in ("", ".json", ".svg", ".csv")] == [404] * 4


def test_what_was_typed_is_kept_where_the_results_are_out(
    client: FlaskClient, session: Session, cast: Cast, hour: ResultsRelease, clock: Clock
) -> None:
    clock.at = HOUR
    sign_in(client, cast.lead)
    answer = client.post(f"/staff/{SLUG}/settings", data=typed(title="Typed title", ends_on="2020-10-31"))
    assert answer.status_code == 422
    assert "The results are out: reports cannot be open again" in answer.text
    assert 'value="Typed title"' in answer.text
    assert client.get(PUBLIC).status_code == 200
    session.refresh(cast.challenge)
    assert cast.challenge.title != "Typed title"


def test_the_database_knows_what_is_void(session: Session, hour: ResultsRelease) -> None:
    for values, name in (
        ({"release_at": None}, "confirmed_instant"),
        ({"decided_at": None}, "decided_time"),
    ):
        void = sa.update(ResultsRelease).where(ResultsRelease.id == hour.id).values(state=ReleaseState.VOID, **values)
        with pytest.raises(IntegrityError, match=name):
            session.execute(void)
        session.rollback()


@pytest.mark.parametrize("first", ["confirm", "extend", None])
def test_extending_and_confirming_at_once_never_end_in_an_hour_before_the_end(
    app: Flask, session: Session, cast: Cast, first: str | None
) -> None:
    """Whoever is first, the other sees it: the hour is void, or was never confirmed."""
    actions.propose_release(session, cast.challenge, Hour(HOUR), by=cast.lead.id, at=NOON)
    session.commit()
    ready, done = threading.Barrier(2), threading.Event()

    def act(name: str, action: Callable[[Session, Challenge, ResultsRelease], object]) -> bool:
        with app.app_context():
            set_reading(True)
            challenge = db.session.get_one(Challenge, cast_id)
            release = queries.release_of(db.session, cast_id)
            assert (challenge.ends_on, release.state) == (date(2020, 8, 31), ReleaseState.PROPOSED)
            ready.wait(30)
            if first not in (None, name):
                done.wait(30)
            start_writing(db.session)
            try:
                action(db.session, challenge, release)
                db.session.commit()
            except (Refused, Conflict):
                db.session.rollback()
                return False
            finally:
                done.set()
            return True

    def confirm(found: Session, challenge: Challenge, release: ResultsRelease) -> None:
        actions.confirm_release(found, challenge, release, by=admin, at=NOON)

    def extend(found: Session, challenge: Challenge, _release: ResultsRelease) -> None:
        changed = outline(challenge, ends_on=date(2020, 10, 31))
        challenges.change_challenge(found, challenge, changed, by=lead, at=NOON)

    cast_id, admin, lead = cast.challenge.id, cast.admin.id, cast.lead.id
    session.rollback()
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(act, "confirm", confirm), pool.submit(act, "extend", extend)]
        [job.result(60) for job in jobs]
    session.expire_all()
    (state,) = session.scalars(sa.select(ResultsRelease.state))
    assert (state, cast.challenge.results_released_at) == (ReleaseState.VOID, None)
    assert cast.challenge.ends_on == date(2020, 10, 31)
