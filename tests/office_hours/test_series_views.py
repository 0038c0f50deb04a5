"""The editor of series, and what staff do with single sessions."""

import dataclasses
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import RoleGrant
from portal.core.mail import config_of
from portal.office_hours import busy as busy_module
from portal.office_hours.models import Booking, BusySpan, HostCalendar, Series, SeriesHost, Sitting, Slot
from portal.office_hours.rules import Share
from portal.office_hours.states import SittingState
from portal.office_hours.views import busy as busy_views
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, Stage, local
from tests.office_hours.test_busy import calendar
from tests.office_hours.test_staff_views import STAFF, series_form

HOUR = timedelta(hours=1)


def sitting_of(session: Session, number: int) -> Sitting:
    return session.get_one(Sitting, number, populate_existing=True)


def test_the_preview_shows_eight_weeks_in_any_zone_and_makes_nothing(
    client: FlaskClient, session: Session, cast: Cast, clock: Clock
) -> None:
    clock.at = NOON.replace(month=10, day=1)
    sign_in(client, cast.host)
    fields = series_form(cast, first_on="2020-10-01", verb="preview", preview_zone="Europe/Berlin")

    page = client.post(f"{STAFF}/series/new", data=fields)

    assert page.status_code == 200
    # Wednesdays at nine in Los Angeles are 18:00 in Berlin, but 17:00 in the week between the two changes.
    assert page.text.count("18:00–20:00 CEST") == 3
    assert page.text.count("17:00–19:00 CET") == 1
    assert page.text.count("1 hour earlier than usual there") == 1
    assert page.text.count("18:00–20:00 CET") == 4
    assert "Wed 07 Oct 09:00 PDT (America/Los_Angeles)" in page.text
    assert "Wed 07 Oct 16:00 UTC" in page.text
    assert "Open the series" in page.text
    assert session.scalars(sa.select(Series)).all() == []


def test_what_was_changed_after_the_preview_is_shown_first(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.host)
    address = f"{STAFF}/series/new"
    look = client.post(address, data=series_form(cast, verb="preview")).text
    seen = look.partition('name="seen" value="')[2].partition('"')[0]

    other = client.post(address, data=series_form(cast, verb="save", seen=seen, start="10:00"))
    same = client.post(address, data=series_form(cast, verb="save", seen=seen))

    assert (other.status_code, same.status_code) == (200, 302)
    assert "You have changed something since the last preview." in other.text
    assert [series.first_local.hour for series in session.scalars(sa.select(Series).order_by(Series.id))] == [9]


@pytest.mark.parametrize(
    ("first_on", "weekday", "start", "badge"),
    [("2021-03-08", "6", "02:30", "clocks go forward"), ("2020-10-26", "6", "01:30", "clocks go back")],
)
def test_the_preview_tells_where_the_clocks_change(
    client: FlaskClient, cast: Cast, clock: Clock, first_on: str, weekday: str, start: str, badge: str
) -> None:
    clock.at = NOON.replace(year=int(first_on[:4]), month=int(first_on[5:7]), day=int(first_on[8:]))
    sign_in(client, cast.host)

    page = client.post(
        f"{STAFF}/series/new",
        data=series_form(cast, first_on=first_on, weekday=weekday, start=start, verb="preview"),
    )

    assert page.text.count(badge) == 1


def test_the_preview_tells_what_else_its_hosts_have(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    stage.series(title="Deep dives")
    session.add(BusySpan(account_id=cast.host.id, since=FIRST, until=FIRST + HOUR))
    session.commit()
    sign_in(client, cast.host)

    page = client.post(f"{STAFF}/series/new", data=series_form(cast, verb="preview"))

    assert page.text.count("Hugo Host has slots of “Deep dives” then.") == 8
    assert page.text.count("Hugo Host is busy in their own calendar for a part of it.") == 1


def test_hosts_are_kept_with_weight_and_what_they_know(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.host)

    client.post(f"{STAFF}/series/new", data=series_form(cast))

    [host] = session.scalars(sa.select(SeriesHost))
    assert (host.account_id, host.weight, host.weekly_max, host.components) == (
        cast.host.id, 2, None, ["kernel", "boot"],
    )  # fmt: skip
    number = host.series_id
    page = client.get(f"{STAFF}/series/{number}").text
    assert 'value="kernel, boot"' in page
    assert 'value="With the kernel team"' in page
    assert "kernel, boot" in client.get(STAFF).text


def test_a_series_is_changed_after_a_look_at_what_is_booked(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series()
    slot = stage.slots(series)[0]
    booking = stage.book(slot)
    session.commit()
    sign_in(client, cast.host)
    address, fields = f"{STAFF}/series/{series.id}", series_form(cast, weekday="3", start="10:00")

    look = client.post(address, data={**fields, "verb": "preview", "version": "1"})
    assert f'name="moving" value="{slot.sitting_id}"' in look.text
    assert "1 booking" in look.text
    done = client.post(address, data={**fields, "version": "1", "moving": str(slot.sitting_id)})
    told = client.get(STAFF).text
    again = client.post(address, data={**fields, "version": "1"})

    assert (done.status_code, again.status_code) == (302, 409)
    session.refresh(booking)
    assert (booking.starts_at, booking.sequence) == (FIRST + timedelta(days=1, hours=1), 1)
    assert "Sessions that follow the new rule: 7; booked ones that stay: 0, that were moved along: 1." in told


def test_a_session_is_moved_from_its_page_and_its_story_tells(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    stage.book(slot)
    page, session_id = f"{STAFF}/sessions/{slot.sitting_id}", slot.sitting_id
    session.commit()
    sign_in(client, cast.host)
    assert client.post(f"{page}/move", data={"day": "", "start": "10:00"}).status_code == 422

    answer = client.post(f"{page}/move", data={"day": "2020-06-18", "start": "10:00", "reason": "A holiday."})

    assert answer.status_code == 302
    assert sitting_of(session, session_id).moved_local == local(2020, 6, 18, 10)
    text = client.get(page).text
    assert "Moved, with 1 booking;" in text
    assert "From Wednesday 17 June 2020, 09:00" in text
    assert "A holiday." in text
    assert "planned for Wednesday 17 June, 09:00" in text
    assert "moved" in client.get(STAFF).text


def test_called_off_and_opened_again(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    number = stage.slots(stage.series())[0].sitting_id
    sign_in(client, cast.lead)
    client.post(f"{STAFF}/sessions/{number}/cancel", data={"reason": "The host is ill."})
    assert "Open the session again" in client.get(f"{STAFF}/sessions/{number}").text

    answers = [client.post(f"{STAFF}/sessions/{number}/reopen").status_code for _ in range(2)]

    assert answers == [302, 422]
    assert sitting_of(session, number).state is SittingState.PLANNED
    assert "Opened again" in client.get(f"{STAFF}/sessions/{number}").text


def test_one_session_more(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    sign_in(client, cast.host)
    address = f"{STAFF}/series/{series.id}/add"
    assert "America/Los_Angeles" in client.get(address).text

    answers = [client.post(address, data={"day": "2020-06-19", "start": "15:00"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 409]
    extra = session.scalars(sa.select(Sitting).where(Sitting.added)).one()
    assert answers[0].location == f"{STAFF}/sessions/{extra.id}"
    assert "added" in client.get(answers[0].location).text


@pytest.mark.parametrize(("who", "status"), [("host", 302), ("lead", 302), ("second_host", 403), ("admin", 403)])
def test_only_its_hosts_and_the_lead_change_a_session(
    client: FlaskClient, cast: Cast, stage: Stage, who: str, status: int
) -> None:
    slot = stage.slots(stage.series())[0]
    sitting_id, slot_id = slot.sitting_id, slot.id
    sign_in(client, getattr(cast, who))

    moved = client.post(f"{STAFF}/sessions/{sitting_id}/move", data={"day": "2020-06-18", "start": "10:00"})
    looked = client.get(f"{STAFF}/slots/{slot_id}/host?of={cast.host.id}")

    assert moved.status_code == status
    assert looked.status_code == (200 if status == 302 else 403)


def test_somebody_else_is_found_for_a_whole_session(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    stage.book(slot)
    address, sitting_id, slot_id = f"{STAFF}/slots/{slot.id}/host?of={cast.host.id}", slot.sitting_id, slot.id
    session.commit()
    sign_in(client, cast.lead)
    page = client.get(address).text
    assert "Hana Host" in page
    assert "All 4 slots of Hugo Host in this session" in page
    assert "holds it" in page

    answers = [
        client.post(address, data={"host": str(who), "whole": "y"}).status_code
        for who in (cast.triager.id, cast.second_host.id, cast.second_host.id)
    ]

    # The triager is no choice; the second time Hugo does not hold it any more.
    assert answers == [422, 302, 404]
    hosts = set(session.scalars(sa.select(Slot.host_id).where(Slot.sitting_id == sitting_id)))
    assert hosts == {cast.second_host.id}
    text = client.get(f"{STAFF}/sessions/{sitting_id}").text
    assert "Hana Host instead of Hugo Host, 4 slots." in text
    assert client.get(f"{STAFF}/slots/{slot_id}/host?of=999").status_code == 404


def test_the_slots_of_a_host_who_left_are_on_the_first_page(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slot_id = stage.slots(stage.series())[0].id
    session.execute(sa.delete(RoleGrant).where(RoleGrant.account_id == cast.host.id))
    session.commit()
    sign_in(client, cast.lead)

    page = client.get(STAFF).text

    assert "Slots of hosts who have left" in page
    assert f"/slots/{slot_id}/host?of={cast.host.id}" in page


def test_times_that_nobody_can_hold_are_told_with_the_reasons(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    session.add(BusySpan(account_id=cast.host.id, since=FIRST, until=FIRST + HOUR / 2))
    number = stage.slots(stage.series(hosts=(Share(cast.host.id, 1, 2),)))[0].sitting_id
    sign_in(client, cast.host)

    page = client.get(f"{STAFF}/sessions/{number}").text

    assert "Hugo Host is busy in their own calendar." in page
    assert "Hugo Host has 2 of at most 2 slots that week." in page


def test_a_session_that_could_not_follow_new_zone_rules_is_shown(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    number = stage.slots(stage.series())[0].sitting_id
    sign_in(client, cast.host)
    assert "It has not followed" not in client.get(f"{STAFF}/sessions/{number}").text
    old = {"zone_rules": "2019a", "starts_at": FIRST - HOUR}
    session.execute(sa.update(Sitting).where(Sitting.id == number).values(old))
    session.commit()

    assert "It has not followed its zone’s new rules" in client.get(f"{STAFF}/sessions/{number}").text


def test_a_calendar_file_is_read_and_forgotten(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.host)
    assert "No calendar given" in client.get(f"{STAFF}/busy").text
    text = calendar("UID:a\r\nDTSTART:20200617T160000Z\r\nDURATION:PT1H\r\nSUMMARY:My divorce")

    answer = client.post(f"{STAFF}/busy/file", data={"file": (io.BytesIO(text), "me.ics")})

    assert answer.status_code == 302
    assert session.scalars(sa.select(BusySpan.since)).all() == [FIRST]
    page = client.get(f"{STAFF}/busy").text
    assert "an uploaded file" in page
    assert "divorce" not in page
    assert client.post(f"{STAFF}/busy/forget").status_code == 302
    assert (session.scalars(sa.select(BusySpan)).all(), session.scalars(sa.select(HostCalendar)).all()) == ([], [])


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "It is not an iCalendar file."), (b"x" * 2000, "It is larger than")],
)
def test_a_file_that_is_no_calendar_is_told(
    client: FlaskClient, cast: Cast, monkeypatch: pytest.MonkeyPatch, content: bytes, why: str
) -> None:
    monkeypatch.setattr(busy_views, "LARGEST", 1000)
    monkeypatch.setattr(busy_module, "LARGEST", 1000)
    sign_in(client, cast.host)

    answer = client.post(f"{STAFF}/busy/file", data={"file": (io.BytesIO(content), "me.ics")})

    assert answer.status_code == 422
    assert why in answer.text
    huge = client.post(f"{STAFF}/busy/file", data=b"x" * 2 * 2**20, content_type="multipart/form-data; boundary=x")
    assert huge.status_code == 413


def test_an_address_is_sealed_and_never_shown_again(
    client: FlaskClient, app: Flask, session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(config_of(app), calendar_hosts=frozenset({"calendar.example.org"}))
    monkeypatch.setattr(busy_views, "config_of", lambda _app: config)
    sign_in(client, cast.host)
    secret = "private-6f2b"

    wrong = client.post(f"{STAFF}/busy/address", data={"url": f"https://elsewhere.example.org/{secret}"})
    right = client.post(f"{STAFF}/busy/address", data={"url": f"webcal://calendar.example.org/{secret}/basic.ics"})

    assert (wrong.status_code, right.status_code) == (422, 302)
    assert "only read from the servers" in wrong.text
    assert secret not in wrong.text
    assert secret not in client.get(f"{STAFF}/busy").text
    found = session.scalars(sa.select(HostCalendar)).one()
    assert secret.encode() not in (found.sealed or b"")


def test_without_servers_in_the_settings_no_address_is_taken(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.host)

    assert "PORTAL_CALENDAR_HOSTS" in client.get(f"{STAFF}/busy").text
    assert client.post(f"{STAFF}/busy/address", data={"url": "https://calendar.example.org/x"}).status_code == 422


def test_bookings_of_a_moved_session_are_on_its_page(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    slot = stage.slots(stage.series())[0]
    stage.book(slot, topic="Reading the boot log")
    number = slot.sitting_id
    session.commit()
    sign_in(client, cast.host)
    client.post(f"{STAFF}/sessions/{number}/move", data={"day": "2020-06-17", "start": "09:30"})

    page = client.get(f"{STAFF}/sessions/{number}").text

    assert page.count("Reading the boot log") == 1
    # The old slots, of which some lie at the same time, are not shown besides.
    assert page.count(" of 1</td>") == 4
    assert session.scalars(sa.select(Booking.starts_at)).one() == FIRST + HOUR / 2
