"""A session's page for staff: its slots and their engineers, what became of it, and what may be done with it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.moves import open_moves
from portal.core.web.filters import counted
from portal.office_hours import queries, rules, states
from portal.office_hours.forms import ReasonForm
from portal.office_hours.forms.exceptions import MoveSittingForm
from portal.office_hours.models import Sitting
from portal.office_hours.queries import behalf
from portal.office_hours.queries.links import ways
from portal.office_hours.queries.questions import preparations
from portal.office_hours.queries.sittings import ids_of
from portal.office_hours.queries.story import Told, names_of, story_of, unheld
from portal.office_hours.rules.exceptions import is_stale
from portal.office_hours.states import SittingState
from portal.office_hours.views.shapes import Entry, way_into

TITLES = {
    "office_hours:add-session": "Added", "office_hours:move-session": "Moved",
    "office_hours:cancel-session": "Cancelled", "office_hours:reopen-session": "Opened again",
    "office_hours:substitute": "Another engineer", "office_hours:forgive-session": "Strikes forgiven",
    "office_hours:set-link": "New way in", "office_hours:remove-link": "Way in removed",
}  # fmt: skip


def may_change(slug: str, sitting: Sitting) -> bool:
    """Whether the person at hand may move or cancel the session, or change who holds it: its hosts and the lead."""
    return Role.LEAD in my_roles(slug) or queries.hosts_in(db.session, sitting, current_account().id)


def sitting_page(
    slug: str, sitting_id: int, form: ReasonForm, status: int, moving: MoveSittingForm | None = None
) -> ResponseReturnValue:
    """The page, with whichever of its forms was filled in."""
    challenge, account, at = challenge_or_404(slug), current_account(), clock.now()
    found = queries.sitting_of(db.session, challenge.id, sitting_id)
    table = queries.timetable(
        db.session, challenge.id, found.starts_at, found.ends_at, viewer_id=account.id, sitting_id=found.id
    )
    offers = table[0].offers if table else []
    own = [booking for each in (table[0].bookings if table else {}).values() for booking in each]
    page = render_template(
        "office_hours/sitting.html",
        challenge=challenge,
        sitting=found,
        offers=offers,
        bookings=own,
        holds=any(account.id == host_id for offer in offers for _, host_id in offer.hosts),
        prepared=preparations(db.session, own, at),
        links=way_into([offer.slot for offer in offers if account.id in ids_of(offer.slot)], at),
        ways=ways(db.session, [offer.slot for offer in offers]),
        moves={booking.id: open_moves(states.HOST_MOVES, booking.state) for booking in own if booking.starts_at <= at},
        **_about(slug, found, at),
        form=form,
        moving=moving or MoveSittingForm(day=found.local.date(), start=found.local.time()),
    )
    return page, status


def _about(slug: str, found: Sitting, at: datetime) -> dict[str, Any]:
    """What may be done with the session, what was, and where it lacks somebody."""
    planned, mine = found.state is SittingState.PLANNED, may_change(slug, found)
    coming = found.starts_at > at
    return {
        "amnesty": behalf.amnesty_of(db.session, found.id),
        "may_forgive": mine and found.starts_at <= at,
        "may_cancel": planned and not rules.why_not_cancel_sitting(found, at) and mine,
        "may_move": planned and coming and mine,
        "may_substitute": planned and coming and mine,
        "may_link": planned and found.ends_at > at and mine,
        "now": at,
        "may_reopen": not planned and coming and mine,
        "stale": planned and coming and is_stale(found, found.series.zone),
        "unheld": unheld(db.session, found, found.series) if planned and coming else [],
        "entries": entries_of(story_of(db.session, found), found.series.zone),
    }


def entries_of(story: Sequence[Told], zone: str) -> list[Entry]:
    """The audit of a session as a timeline. What nobody explains here is left out."""
    hosts = {(told.entry.detail.get(part) or {}).get("host") for told in story for part in ("before", "after")}
    names = names_of(db.session, [host for host in hosts if host])
    return [
        Entry(told.entry.at, TITLES[told.entry.tag], _detail(told, names, zone), told.actor)
        for told in story
        if told.entry.tag in TITLES
    ]


def _detail(told: Told, names: dict[int, str], zone: str) -> str:
    before, after = told.entry.detail.get("before") or {}, told.entry.detail.get("after") or {}
    parts = [told.entry.detail.get("reason") or ""]
    if "starts_at" in before:
        parts.insert(0, f"From {_clock(before['starts_at'], zone)} to {_clock(after['starts_at'], zone)}.")
    if "host" in after:
        old_name = names.get(before.get("host") or 0, "nobody")
        new_name, slots = names.get(after["host"], "Somebody"), counted(len(after["slots"]), "slot")
        parts.append(f"{new_name} instead of {old_name}, {slots}.")
    return " ".join(filter(None, parts))


def _clock(instant: str, zone: str) -> str:
    """An instant of the audit on the clock of the series: "Wednesday 17 June 2020, 09:00 PDT"."""
    local = datetime.fromisoformat(instant).astimezone(ZoneInfo(zone))
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M %Z}"
