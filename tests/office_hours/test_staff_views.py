"""Staff pages: series, sessions, and bookings for their hosts alone."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.office_hours.models import Booking, Series, Sitting
from portal.office_hours.states import BookingState, SittingState
from tests.cast import Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, Stage

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
HOUR = timedelta(hours=1)


def series_form(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {
        "title": "With the kernel team", "hosts-0-account": str(cast.host.id), "hosts-0-takes": "y",
        "hosts-0-weight": "2", "hosts-0-weekly_max": "", "hosts-0-components": "kernel, boot ,kernel",
        "hosts-1-account": str(cast.second_host.id), "hosts-1-weight": "1", "engineers": "1", "preview_zone": "UTC",
        "weekday": "2", "start": "09:00",
        "zone": "America/Los_Angeles", "weeks": "1", "first_on": "2020-06-16", "until": "", "count": "10", "slots": "4",
        "slot_minutes": "30", "seats": "1", "buffer_before": "0", "buffer_after": "0", "notice_hours": "2",
        "advance_days": "28", "cutoff_hours": "12", "weekly_quota": "1",
        "rolling_cap": "", "strike_limit": "2", "strike_days": "28", "strike_hours": "48", **changes,
    }  # fmt: skip


def the_booking(session: Session) -> Booking:
    return session.scalars(sa.select(Booking).execution_options(populate_existing=True)).one()


def test_a_host_opens_a_series_and_its_sessions_are_there(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.host)
    assert '<option selected value="America/Los_Angeles">' in client.get(f"{STAFF}/series/new").text

    answer = client.post(f"{STAFF}/series/new", data=series_form(cast))

    assert (answer.status_code, answer.location) == (302, STAFF)
    series = session.scalars(sa.select(Series)).one()
    assert (series.first_local.isoformat(), series.notice_minutes) == ("2020-06-17T09:00:00", 120)
    assert len(session.scalars(sa.select(Sitting)).all()) == 8
    page = client.get(STAFF)
    assert page.status_code == 200
    assert "With the kernel team" in page.text
    assert "Wednesday 09:00 in America/Los_Angeles" in page.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hosts-0-takes": ""}, "Choose at least one host."),
        ({"count": ""}, "Give either a last day or a number of sessions."),
        ({"until": "2020-08-01"}, "Give either a last day or a number of sessions."),
        ({"count": "", "until": "2020-06-16"}, "The series would end before its first session."),
        ({"zone": "Mars/Olympus"}, "Not a valid choice."),
        ({"slots": "48", "slot_minutes": "60"}, "A session lasts at most 12 hours"),
        ({"count": "105"}, "From 1 to 104."),
        ({"rolling_cap": "0"}, "From 1 to 56."),
        ({"strike_days": "400"}, "From 1 to 366."),
        ({"strike_hours": "2"}, "Longer than the notice, or they could not book at all."),
        ({"weeks": "5"}, "From 1 to 4."),
        ({"hosts-0-weight": "0"}, "From 1 to 100."),
        ({"engineers": "3"}, "Not a valid choice."),
        ({"engineers": "2"}, "Two engineers a slot need at least two hosts."),
        ({"hosts-0-account": "999"}, "Only hosts of this challenge can hold its office hours."),
        ({"question_due_hours": "11"}, "A question is due before"),
        ({"question_due_hours": "0"}, "From 1 to 336."),
    ],
)
def test_a_faulty_series_is_told_field_by_field(
    client: FlaskClient, session: Session, cast: Cast, changes: dict[str, Any], message: str
) -> None:
    sign_in(client, cast.lead)

    answer = client.post(f"{STAFF}/series/new", data=series_form(cast, **changes))

    assert answer.status_code == 422
    assert message in answer.text
    assert session.scalars(sa.select(Series)).all() == []


def test_hosts_see_the_bookings_in_their_own_slots_only(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    stage.book(slot, topic="A secret exploit chain")
    sitting_id = slot.sitting_id
    session.commit()

    seen: dict[str, list[bool]] = {}
    for who in ("host", "second_host", "lead", "admin"):
        sign_in(client, getattr(cast, who))
        pages = [client.get(STAFF), client.get(f"{STAFF}/sessions/{sitting_id}")]
        assert [page.status_code for page in pages] == [200, 200]
        assert all("1 of 4" in page.text or "1 of 1" in page.text for page in pages)
        seen[who] = ["A secret exploit chain" in page.text for page in pages]

    assert {who for who, told in seen.items() if any(told)} == {"host"}
    assert seen["host"] == [True, True]


@pytest.mark.parametrize("who", ["reviewer", "logistics", "triager", "finance", "researcher", "applicant"])
def test_other_roles_are_refused(client: FlaskClient, cast: Cast, who: str) -> None:
    sign_in(client, getattr(cast, who))

    assert [client.get(path).status_code for path in (STAFF, f"{STAFF}/series/new", f"{STAFF}/sessions/1")] == [403] * 3
    assert client.post(f"{STAFF}/bookings/x/attended").status_code == 403


def test_the_host_marks_and_corrects(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    slot = stage.slots(stage.series())[0]
    uid, sitting = stage.book(slot).uid, f"{STAFF}/sessions/{slot.sitting_id}"
    sign_in(client, cast.host)
    assert client.post(f"{STAFF}/bookings/{uid}/no-show").status_code == 422
    clock.at = FIRST + HOUR

    answers = [client.post(f"{STAFF}/bookings/{uid}/{verb}") for verb in ("no-show", "attended", "attended", "fly")]

    assert [answer.status_code for answer in answers] == [302, 302, 422, 404]
    assert answers[0].location == sitting
    assert the_booking(session).state is BookingState.ATTENDED
    assert "attended" in client.get(f"{STAFF}?show=past").text
    sign_in(client, cast.second_host)
    assert client.post(f"{STAFF}/bookings/{uid}/no-show").status_code == 404


@pytest.mark.parametrize(("who", "status"), [("host", 302), ("lead", 302), ("second_host", 403), ("admin", 403)])
def test_a_session_is_cancelled_by_its_host_or_the_lead(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, who: str, status: int
) -> None:
    slot = stage.slots(stage.series())[0]
    stage.book(slot)
    number = slot.sitting_id
    sign_in(client, getattr(cast, who))

    answer = client.post(f"{STAFF}/sessions/{number}/cancel", data={"reason": "The host is ill."})

    assert answer.status_code == status
    sitting = session.get_one(Sitting, number, populate_existing=True)
    assert sitting.state is (SittingState.CANCELLED if status == 302 else SittingState.PLANNED)
    assert the_booking(session).state is (BookingState.CANCELLED if status == 302 else BookingState.CONFIRMED)


def test_cancelling_a_session_needs_a_reason(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    number = stage.slots(stage.series())[0].sitting_id
    sign_in(client, cast.host)

    answer = client.post(f"{STAFF}/sessions/{number}/cancel", data={"reason": " "})

    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert client.get(f"{STAFF}/sessions/999").status_code == 404


def test_a_series_is_closed_once(client: FlaskClient, cast: Cast, stage: Stage) -> None:
    number = stage.series().id
    sign_in(client, cast.lead)

    assert [client.post(f"{STAFF}/series/{each}/close").status_code for each in (number, number, 999)] == [
        302,
        422,
        404,
    ]


def test_the_staff_page_costs_the_same_for_few_and_for_many(
    client: FlaskClient, cast: Cast, stage: Stage, statements: list[str]
) -> None:
    sign_in(client, cast.host)
    slots = stage.slots(stage.series(slots=8, seats=9, weekly_quota=9))
    stage.book(slots[0])
    client.get(STAFF)
    statements.clear()
    client.get(STAFF)
    few = len(statements)
    for slot in slots[1:8]:
        stage.book(slot)
        stage.book(slot, cast.team.members[0])
    client.get(STAFF)
    statements.clear()

    client.get(STAFF)

    assert len(statements) == few
