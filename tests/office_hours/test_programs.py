"""Programs: by token or session, the same rules, answers as JSON."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.challenges.models import Signature
from portal.office_hours import queries
from portal.office_hours.actions import Wish
from portal.office_hours.actions.programs import LIFE, make_token
from portal.office_hours.actions.waiting import join_list
from portal.office_hours.models import Booking, ProgramToken
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState, Source
from portal.reports.actions import keys
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, Stage

PAGE = "/challenges/test-challenge/office-hours"
API = f"{PAGE}/api"


class Program:
    """A script with the researcher's token."""

    def __init__(self, client: FlaskClient, session: Session, cast: Cast) -> None:
        self.client = client
        self.secret = make_token(session, cast.member, at=NOON)
        session.commit()

    def get(self, path: str) -> Any:
        return self.client.get(f"{API}/{path}", headers={"Authorization": f"Bearer {self.secret}"})

    def post(self, path: str, body: object = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.secret}", **({"Idempotency-Key": key} if key else {})}
        return self.client.post(f"{API}/{path}", json=body, headers=headers)


@pytest.fixture
def program(client: FlaskClient, session: Session, cast: Cast) -> Program:
    """The script."""
    return Program(client, session, cast)


def test_a_program_books_moves_and_cancels(program: Program, session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series(hosts=(Share(cast.host.id, components=("boot",)),)))
    first, second = slots[0].id, slots[1].id
    listed = program.get("slots").json
    assert listed["components"] == ["boot"]
    assert listed["slots"][0] == {
        "slot": first, "series": "With the kernel team", "starts_at": "2020-06-17T16:00:00Z",
        "ends_at": "2020-06-17T16:30:00Z", "hosts": [cast.host.name], "components": ["boot"], "free": 1,
        "bookable": True, "why_not": "",
    }  # fmt: skip

    wish = {"slot": first, "topic": "Boot log", "scenario": "G1", "component": "boot"}
    made = program.post("bookings", wish, "my-request-1")
    again = program.post("bookings", wish, "my-request-1")

    assert (made.status_code, again.status_code, again.json) == (201, 200, made.json)
    told = made.json
    assert (told["topic"], told["scenario"], told["component"], told["state"]) == (
        "Boot log",
        "G1",
        "boot",
        "confirmed",
    )
    assert session.scalars(sa.select(Booking.source)).one() is Source.API
    assert [each["uid"] for each in program.get("bookings").json["bookings"]] == [told["uid"]]
    moved = program.post(f"bookings/{told['uid']}/move", {"slot": second}).json
    assert (moved["slot"], moved["sequence"], moved["uid"]) == (second, 1, told["uid"])
    assert program.post(f"bookings/{told['uid']}/cancel").json["state"] == "cancelled"


def test_what_a_program_gives_back_is_offered_at_once(
    program: Program, session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series(slots=1))[0]
    uid = program.post("bookings", {"slot": slot.id, "topic": "Boot log"}, "my-request-1").json["uid"]
    sitting = queries.sitting_of(session, cast.challenge.id, slot.sitting_id)
    join_list(session, sitting, (), cast.team.members[0], Wish("", "Booting"), at=NOON)
    session.commit()

    told = program.post(f"bookings/{uid}/cancel").json

    assert (told["uid"], told["state"]) == (uid, "cancelled")
    kept = sa.select(Booking.participant_id).where(Booking.state == BookingState.HELD)
    assert session.scalars(kept).all() == [cast.team.id]


@pytest.mark.parametrize(
    ("body", "key", "fields"),
    [
        (None, "my-request-1", ["body"]),
        ([1], "my-request-1", ["body"]),
        ({}, "", ["Idempotency-Key", "slot", "topic"]),
        ({"slot": 1, "topic": "x"}, "short", ["Idempotency-Key"]),
        ({"slot": 1, "topic": "x"}, "k" * 201, ["Idempotency-Key"]),
        ({"slot": "1", "topic": "x"}, "my-request-1", ["slot"]),
        ({"slot": True, "topic": "x"}, "my-request-1", ["slot"]),
        ({"slot": 2**31, "topic": "x"}, "my-request-1", ["slot"]),
        ({"slot": 1, "topic": " \0 "}, "my-request-1", ["topic"]),
        ({"slot": 1, "topic": ["x"]}, "my-request-1", ["topic"]),
        ({"slot": 1, "topic": "x" * 121}, "my-request-1", ["topic"]),
        ({"slot": 1, "topic": "x", "scenario": "H9"}, "my-request-1", ["scenario"]),
        ({"slot": 1, "topic": "x", "scenario": {}}, "my-request-1", ["scenario"]),
        ({"slot": 1, "topic": "x", "component": 7}, "my-request-1", ["component"]),
        ({"slot": 1, "topic": "x", "component": "teapot"}, "my-request-1", ["component"]),
    ],
)
def test_what_does_not_fit_is_told_by_field(
    program: Program, session: Session, stage: Stage, body: object, key: str, fields: list[str]
) -> None:
    stage.series()

    answer = program.post("bookings", body, key)

    assert (answer.status_code, sorted(answer.json["messages"])) == (422, fields)
    assert session.scalars(sa.select(Booking)).all() == []


def test_refusals_are_json_whatever_the_program_accepts(
    program: Program, session: Session, cast: Cast, stage: Stage
) -> None:
    slots = stage.slots(stage.series())
    stage.book(slots[0], cast.team.members[0])
    stage.book(slots[1])

    taken = program.post("bookings", {"slot": slots[0].id, "topic": "x"}, "my-request-1")
    spent = program.post("bookings", {"slot": slots[2].id, "topic": "x"}, "my-request-2")
    nowhere = program.post("bookings", {"slot": 999, "topic": "x"}, "my-request-3")

    assert (taken.status_code, taken.json["reason"]) == (409, "All seats of this slot are taken. Choose another one.")
    assert (spent.status_code, spent.json["error"]) == (422, "Not possible")
    assert (nowhere.status_code, nowhere.json["reason"]) == (404, "There is no such slot here.")


def test_a_key_that_has_booked_another_slot_is_refused(program: Program, stage: Stage) -> None:
    slots = stage.slots(stage.series(weekly_quota=2))
    program.post("bookings", {"slot": slots[0].id, "topic": "x"}, "my-request-1")

    answer = program.post("bookings", {"slot": slots[1].id, "topic": "x"}, "my-request-1")

    assert (answer.status_code, answer.json["reason"]) == (422, "This Idempotency-Key has been used for another slot.")


def test_others_bookings_are_not_found(program: Program, session: Session, cast: Cast, stage: Stage) -> None:
    foreign = stage.book(stage.slots(stage.series())[0], cast.team.members[0])
    uid = foreign.uid

    assert [
        program.post(f"bookings/{uid}/cancel").status_code,
        program.post(f"bookings/{uid}/move", {"slot": 1}).status_code,
    ] == [404, 404]
    assert program.get("bookings").json == {"bookings": []}
    session.refresh(foreign)
    assert foreign.state is BookingState.CONFIRMED


def test_a_token_ends_by_time_by_replacing_and_by_revoking(
    client: FlaskClient, program: Program, session: Session, cast: Cast, clock: Clock
) -> None:
    assert program.get("slots").status_code == 200
    sign_in(client, cast.researcher)
    page = client.post(f"{PAGE}/programs", data={"verb": "make"}).text
    assert "oh_" in page
    assert "oh_" not in client.get(f"{PAGE}/programs").text
    answer = program.get("slots")
    assert (answer.status_code, answer.headers["WWW-Authenticate"].lower()) == (401, "bearer")
    program.secret = make_token(session, cast.member, at=NOON)
    session.commit()
    clock.at = NOON + LIFE
    assert program.get("slots").status_code == 401
    clock.at = NOON
    assert program.get("slots").status_code == 200
    client.post(f"{PAGE}/programs", data={"verb": "revoke"})
    assert (program.get("slots").status_code, session.scalars(sa.select(ProgramToken)).all()) == (401, [])


def test_an_upload_token_does_not_book_and_this_one_reads_no_reports(
    client: FlaskClient, program: Program, session: Session, cast: Cast
) -> None:
    other = keys.make_token(session, cast.challenge.id, "laptop", by=cast.researcher.id, at=NOON)
    session.commit()
    reports = client.get(
        "/challenges/test-challenge/reports/new", headers={"Authorization": f"Bearer {program.secret}"}
    )
    program.secret = other

    assert (program.get("slots").status_code, reports.status_code) == (401, 401)


def test_whoever_has_not_signed_the_agreement_cannot_book_by_program(
    program: Program, session: Session, cast: Cast
) -> None:
    session.execute(sa.delete(Signature).where(Signature.account_id == cast.researcher.id))

    assert program.get("slots").status_code == 403


def test_a_session_needs_the_header_against_forgery(
    app: Flask, client: FlaskClient, program: Program, cast: Cast, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = stage.slots(stage.series())[0].id
    sign_in(client, cast.researcher)
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    forged = client.post(f"{API}/bookings", json={"slot": slot, "topic": "x"}, headers={"Idempotency-Key": "k" * 9})

    assert (forged.status_code, forged.json["error"]) == (400, "Please send it again")
    assert program.post("bookings", {"slot": slot, "topic": "x"}, "my-request-1").status_code == 201


def test_whoever_is_not_signed_in_is_told_so_in_json(client: FlaskClient, cast: Cast) -> None:
    answer = client.get(f"{API}/slots", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.json) == (401, {"error": "Sign in first"})


def test_notice_holds_for_programs_too(program: Program, stage: Stage, clock: Clock) -> None:
    slot = stage.slots(stage.series())[0].id
    clock.at = FIRST - timedelta(hours=1)

    answer = program.post("bookings", {"slot": slot, "topic": "x"}, "my-request-1")

    assert (answer.status_code, answer.json["reason"]) == (422, "It closed 2 hours before its beginning.")
