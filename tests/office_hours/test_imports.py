"""Bookings from a table: every faulty row told, nothing changed unless all are good or the person says so."""

import io

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Invalid
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions
from portal.office_hours.models import Booking
from portal.office_hours.rules import Share
from portal.office_hours.rules.imports import parse, read
from portal.office_hours.states import BookingState, Source
from tests.cast import NOON, Cast, sign_in
from tests.office_hours.conftest import SENDER, Stage

STAFF = "/staff/test-challenge/office-hours"
HEAD = "participant,starts_at,host,topic,scenario,component\n"
NINE, HALF = "2020-06-17T16:00:00Z", "2020-06-17T16:30:00Z"


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        (f"a@example.org,{NINE},,Boot,,", []),
        ("a@example.org,2020-06-17T18:00:00+02:00,,Boot,,", []),
        ("a@example.org,2020-06-17T16:00:00,,Boot,,", ["starts_at"]),
        ("a@example.org,next Wednesday,,Boot,,", ["starts_at"]),
        (f",{NINE},,Boot,,", ["participant"]),
        (f"a@example.org,{NINE},,,,", ["topic"]),
        (f"a@example.org,{NINE},,{'x' * 121},,", ["topic"]),
        (",,,,,x", ["participant", "topic", "starts_at"]),
        ("a@example.org,x", [""]),
    ],
)
def test_what_a_row_says(row: str, faults: list[str]) -> None:
    parsed = parse(read(HEAD + row))

    assert [fault.field for fault in parsed.faults] == faults
    assert [entry.starts_at.isoformat() for entry in parsed.entries] == (
        [] if faults else ["2020-06-17T16:00:00+00:00"]
    )


@pytest.mark.parametrize("text", ["", "topic\nBoot", HEAD, HEAD + "x,,,,,\n" * 501, "participant\n" + "x" * 200_001])
def test_what_is_no_table_of_bookings(text: str) -> None:
    with pytest.raises(Invalid):
        read(text)


def send(client: FlaskClient, cast: Cast, table: str, **more: str) -> object:
    sign_in(client, cast.lead)
    file = (io.BytesIO(table.encode()), "bookings.csv")
    return client.post(f"{STAFF}/import", data={"file": file, **more}, content_type="multipart/form-data")


def booked(session: Session) -> list[Booking]:
    session.commit()
    return list(session.scalars(sa.select(Booking).order_by(Booking.id).execution_options(populate_existing=True)))


def test_good_rows_are_bookings_and_the_same_file_again_changes_nothing(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    stage.series(hosts=(Share(cast.host.id, components=("boot",)),))
    table = HEAD + (
        f"{cast.researcher.email.upper()},{NINE},{cast.host.name},Boot,G1,boot\n"
        f"{cast.team.id},{HALF},,Radio,,\n"
    )  # fmt: skip

    for _ in range(2):
        answer = send(client, cast, table)
        assert (answer.status_code, answer.location) == (302, f"{STAFF}/bookings")  # type: ignore[attr-defined]

    rows = booked(session)
    assert [(row.participant_id, row.topic, row.source, row.booked_by_id) for row in rows] == [
        (cast.participant.id, "Boot", Source.IMPORT, cast.lead.id),
        (cast.team.id, "Radio", Source.IMPORT, cast.lead.id),
    ]
    assert rows[1].account_id == cast.team_lead.id
    assert session.scalars(sa.select(OutgoingMail)).all() == []


def test_mails_go_out_where_they_are_asked_for(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    stage.series()

    send(client, cast, f"{HEAD}{cast.researcher.email},{NINE},,Boot,,\n", mails="y")

    session.commit()
    assert [mail.to for mail in session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))] == [
        cast.researcher.email, cast.host.email,
    ]  # fmt: skip


def test_every_faulty_row_is_told_and_nothing_changes_until_they_are_left_out(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    stage.series()
    stage.book(stage.slots(stage.series(first=stage.plan().rule.first.replace(hour=12)))[0], cast.team.members[0])
    table = HEAD + "".join(
        f"{row}\n"
        for row in (
            f"{cast.researcher.email},{NINE},,Good,,",
            f"{cast.researcher.email},{NINE},,Good,,",
            f"{cast.researcher.email},{HALF},,One too many,,",
            f"nobody@example.org,{NINE},,Boot,,",
            f"{cast.team.id},{NINE},,Taken,,",
            f"{cast.researcher.email},2020-06-17T16:01:00Z,,Boot,,",
            f"{cast.researcher.email},{NINE},Nobody,Boot,,",
            f"{cast.researcher.email},{NINE},,Boot,X9,",
            f"{cast.researcher.email},{HALF},,Tea,,teapot",
            f"{cast.researcher.email},then,,Boot,,",
        )
    )

    answer = send(client, cast, table)

    assert answer.status_code == 422  # type: ignore[attr-defined]
    text = answer.text  # type: ignore[attr-defined]
    for told in (
        "Line 2 says the same.", "One booking a week and participant", "Nobody who takes part", "No slot begins then.",
        "Name one of those who hold a slot then", "There is no such scenario", "None of the hosts has named",
        "Write it in UTC", "Skip what is faulty and add 1 booking",
    ):  # fmt: skip
        assert told in text
    assert len(booked(session)) == 1
    wrong_count = send(client, cast, table, good="2")
    assert (wrong_count.status_code, len(booked(session))) == (422, 1)  # type: ignore[attr-defined]

    assert send(client, cast, table, good="1").status_code == 302  # type: ignore[attr-defined]

    assert [row.topic for row in booked(session)][1:] == ["Good"]


def test_a_row_that_was_cancelled_since_is_told(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    stage.series()
    table = f"{HEAD}{cast.researcher.email},{NINE},,Boot,,\n"
    send(client, cast, table)
    [made] = booked(session)
    actions.cancel_booking(session, made, by=cast.researcher.id, at=NOON, sender=SENDER)

    answer = send(client, cast, table)

    assert "It was imported before, and is cancelled since." in answer.text  # type: ignore[attr-defined]
    assert [row.state for row in booked(session)] == [BookingState.CANCELLED]
