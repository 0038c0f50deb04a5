"""Fair share and zone equity: rules by table, pages for the staff."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.office_hours.queries.zones import equity, warned
from portal.office_hours.rules import Share
from portal.office_hours.rules.access import in_words
from portal.office_hours.rules.planning import Span
from portal.office_hours.rules.zones import Better, Cell, Meeting, Served, better_hour, heat, served, unserved
from tests.cast import NOON, Cast, make_account, make_participant, sign_in
from tests.office_hours.conftest import Stage, local

STAFF = "/staff/test-challenge/office-hours"
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def meeting(begin: datetime, slots: int = 2, number: int = 1) -> Meeting:
    spans = [Span(begin + one * HOUR, begin + (one + 1) * HOUR) for one in range(slots)]
    return Meeting(number, "Office hours", tuple(spans))


def test_the_map_counts_people_by_zone_and_session() -> None:
    # 19:00 in Berlin, 10:00 in Los Angeles, 02:00 in Tokyo; the second hour ends at 21:00 in Berlin.
    evening = meeting(datetime(2026, 6, 16, 17, tzinfo=UTC))
    late = meeting(datetime(2026, 6, 17, 18, tzinfo=UTC), number=2)

    found = heat({"Europe/Berlin": 3, "Europe/Paris": 4, "America/Los_Angeles": 2, "Asia/Tokyo": 1}, [evening, late])

    assert [(band.utc, band.places, band.people) for band in found.bands] == [
        ("UTC-7", "Los Angeles", 2), ("UTC+2", "Paris, Berlin", 7), ("UTC+9", "Tokyo", 1),
    ]  # fmt: skip
    assert [band.cells for band in found.bands] == [
        [Cell(2, 2, 2), Cell(2, 2, 2)], [Cell(2, 2, 7), Cell(1, 2, 7)], [Cell(0, 2, 1), Cell(0, 2, 1)],
    ]  # fmt: skip
    assert [cell.level for cell in found.bands[1].cells] == ["all", "part"]
    assert (found.people, found.totals) == (10, [9, 9])


def test_zones_that_part_in_these_weeks_are_told_apart() -> None:
    # Phoenix keeps its clocks; Denver goes forward on 8 March 2026.
    weeks = [meeting(datetime(2026, 3, day, 15, tzinfo=UTC), number=day) for day in (4, 11)]

    bands = heat({"America/Phoenix": 1, "America/Denver": 1, "Asia/Kolkata": 5}, weeks).bands

    assert [(band.utc, band.places) for band in bands] == [
        ("UTC-7", "Phoenix"), ("UTC-7", "Denver"), ("UTC+5:30", "Kolkata"),
    ]  # fmt: skip


def test_without_sessions_there_is_no_map() -> None:
    assert heat({"Europe/Berlin": 3}, []) == ([], [])


def test_a_session_counts_when_it_is_by_day_for_one_of_a_team() -> None:
    past, coming = [meeting(datetime(2026, 6, 16, 17, tzinfo=UTC))], [meeting(datetime(2026, 6, 23, 2, tzinfo=UTC))]
    zones = {1: ["Europe/Berlin"], 2: ["Asia/Tokyo"], 3: ["Europe/Berlin", "Asia/Tokyo"]}

    found = served(zones, past, coming)

    assert found == [Served(1, 1, 0), Served(2, 0, 1), Served(3, 1, 1)]
    assert [one.participant_id for one in unserved(found, past, coming)] == [1, 2]
    # Weeks in which there was nothing at all warn of nobody.
    assert [one.participant_id for one in unserved(found, [], coming)] == [1]


def test_the_hour_that_would_serve_most() -> None:
    day = datetime(2026, 6, 16, tzinfo=UTC)

    # In Tokyo it is by day from 23 UTC on to 12, in Los Angeles from 15 to 4, in Berlin from 6 to 19.
    assert better_hour([["Asia/Tokyo"], ["Asia/Seoul"], ["America/Los_Angeles"]], day) == Better(day, 3)
    assert better_hour([["Europe/Berlin"], ["Asia/Tokyo"]], day) == Better(day + 6 * HOUR, 2)
    assert better_hour([], day) is None


@pytest.mark.parametrize(
    ("evenness", "words"),
    [
        (Fraction(0), "evenly"),
        (Fraction(1, 5), "clearly more"),
        (Fraction(2, 5), "A few"),
        (Fraction(3, 5), "very few"),
    ],
)
def test_what_a_gini_coefficient_says(evenness: Fraction, words: str) -> None:
    assert words in in_words(evenness)


def test_staff_see_who_had_how_many_and_take_it_along(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    stage.book(stage.slots(stage.series())[0])
    session.commit()
    sign_in(client, cast.lead)

    page = client.get(f"{STAFF}/fairness").text
    table = client.get(f"{STAFF}/fairness.csv")

    assert "Gini coefficient" in page
    assert "0.50" in page
    assert "no seat yet" in page
    assert table.mimetype == "text/csv"
    assert table.text.splitlines() == [
        "participant,seats,recent_seats,owed,strikes,first_timer",
        f"{cast.team.name},0,0,0,0,yes",
        f"{cast.participant.name},1,1,0,0,no",
    ]


def test_a_name_is_no_formula(client: FlaskClient, session: Session, cast: Cast) -> None:
    cast.team.name = "=1+1"
    session.commit()
    sign_in(client, cast.lead)

    assert "'=1+1,0" in client.get(f"{STAFF}/fairness.csv").text


def test_staff_see_whom_no_session_meets(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    # Nine in Los Angeles: 18:00 in Berlin, 01:00 in Tokyo.
    stage.series(slots=2)
    make_participant(session, cast.challenge, make_account(session, "Night Owl", zone="Asia/Seoul"))
    session.commit()
    sign_in(client, cast.host)

    page = client.get(f"{STAFF}/zones").text
    home = client.get("/staff/test-challenge/").text

    assert "Night Owl" in page
    assert [(one.name, had.past, had.coming) for one, had in warned(session, cast.challenge.id, NOON)] == [
        ("Night Owl", 0, 0),
        (cast.team.name, 0, 0),
    ]
    assert "would be by day for" in page
    assert "UTC+9" in page
    assert "Participants without office hours by day" in home


def test_nobody_is_warned_of_where_every_day_is_met(session: Session, cast: Cast, stage: Stage) -> None:
    stage.series(slots=2)
    stage.series(slots=2, first=local(2020, 6, 18, 17), zone="Asia/Tokyo", hosts=(Share(cast.second_host.id),))
    session.commit()

    assert equity(session, cast.challenge.id, NOON).warned == []


def test_before_there_is_anything_the_page_says_what_will_be(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.host)

    assert "Nothing to compare yet" in client.get(f"{STAFF}/zones").text
