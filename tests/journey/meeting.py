"""Office hours: a weekly series, a booking that moves and ends, and the calendars that follow it."""

import re
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event
from playwright.sync_api import Page, expect

from tests.journey.selecting import ADA
from tests.journey.stage import Stage, confirm

TOPIC = "Key ladders"


def open_series(stage: Stage, desk: Page) -> None:
    """The host opens a weekly series that begins the day after tomorrow."""
    day = (datetime.now(UTC) + timedelta(days=2)).date()
    desk.goto(stage.staff("office-hours"))
    desk.get_by_role("link", name="New series").click()
    desk.get_by_label("Title").fill("Weekly hours")
    desk.get_by_label("Dora Desk", exact=True).check()
    desk.get_by_label("Weekday").select_option(str(day.weekday()))
    desk.get_by_label("Begins at").fill("10:00")
    desk.get_by_label("Time zone").select_option("Europe/Berlin")
    desk.get_by_label("On or after").fill(day.isoformat())
    desk.get_by_label("Sessions").fill("3")
    desk.get_by_role("button", name="Show the preview").click()
    expect(desk.get_by_role("region", name="Sessions that the series makes").locator("tbody tr")).to_have_count(3)
    desk.get_by_role("button", name="Open the series").click()
    expect(desk.get_by_text("“Weekly hours” is open: 3 sessions in the next 8 weeks.")).to_be_visible()


def book(stage: Stage, ada: Page) -> None:
    """The researcher takes the first slot; the times are on her clock."""
    ada.goto(stage.at("office-hours"))
    expect(ada.get_by_role("main")).to_contain_text("1 of 1")
    expect(ada.get_by_role("listitem").filter(has_text="Weekly hours").first).to_contain_text("JST")
    ada.get_by_role("button", name=re.compile("^Book ")).first.click()
    ada.get_by_label("Topic").fill(TOPIC)
    ada.get_by_role("button", name="Book this slot").click()
    expect(ada.get_by_text("Booked. The invitation is on its way to your mail.")).to_be_visible()
    expect(ada.locator("h1 .state")).to_have_text("confirmed")


def event_of(text: str) -> Event:
    """The one event of a calendar."""
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert isinstance(event, Event)
    return event


def follow(stage: Stage, ada: Page) -> None:
    """She books, moves, cancels and books again; each time the invitation says the same as the page."""
    book(stage, ada)
    method, text = stage.calendar(ADA, "Office hours: booked")
    first = event_of(text)
    assert (method, Calendar.from_ical(text)["METHOD"], int(first["SEQUENCE"])) == ("REQUEST", "REQUEST", 0)
    begins = first.start
    ada.get_by_role("link", name="Move to another slot").click()
    ada.get_by_role("radio").nth(1).check()
    ada.get_by_role("button", name="Move the booking").click()
    expect(ada.get_by_text("Moved. An update for your calendar is on its way.")).to_be_visible()
    method, text = stage.calendar(ADA, "Office hours: new time")
    moved = event_of(text)
    assert (method, int(moved["SEQUENCE"]), moved["UID"]) == ("REQUEST", 1, first["UID"])
    assert moved.start > begins
    confirm(ada, "Cancel the booking", "Cancel the booking")
    expect(ada.get_by_text("Cancelled. The week's credit is yours again.")).to_be_visible()
    method, text = stage.calendar(ADA, "Office hours: cancelled")
    cancelled = event_of(text)
    assert (method, cancelled["UID"], cancelled["STATUS"]) == ("CANCEL", first["UID"], "CANCELLED")
    assert int(cancelled["SEQUENCE"]) == 2
    book(stage, ada)
    subscribe(stage, ada, str(first["UID"]))


def subscribe(stage: Stage, ada: Page, ended: str) -> None:
    """Her calendar program gets what is booked now, without signing in."""
    method, text = stage.calendar(ADA, "Office hours: booked")
    booked = event_of(text)
    assert (method, booked["UID"] != ended) == ("REQUEST", True)
    ada.goto(stage.at("office-hours/calendar"))
    ada.get_by_role("button", name="Make a calendar address").click()
    address = ada.locator(".copyable code").inner_text()
    program = stage.page().request
    answer = program.get(address)
    assert answer.headers["content-type"].startswith("text/calendar")
    events = Calendar.from_ical(answer.text()).walk("VEVENT")
    assert [(event["UID"], event.start) for event in events] == [(booked["UID"], booked.start)]
    assert program.get(address, headers={"If-None-Match": answer.headers["etag"]}).status == 304


def host_sees(stage: Stage, desk: Page) -> None:
    """The host finds who comes and what about."""
    desk.goto(stage.staff("office-hours"))
    row = desk.locator("tr", has_text=TOPIC)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Ada Tanaka")
