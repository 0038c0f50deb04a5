"""The way into a meeting: sealed, the nearest one counts, and it changes when somebody is removed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Refused
from portal.core.outbox import OutgoingMail
from portal.kits.actions.rotation import reseal_kept
from portal.kits.queries.sealed import everything
from portal.kits.vault import Vault
from portal.office_hours import actions, queries
from portal.office_hours.actions import links
from portal.office_hours.models import MeetingLink, Slot
from portal.office_hours.queries.base import whole_slot
from portal.office_hours.queries.links import is_host_of, ways
from portal.office_hours.rules.links import Way, address, shown, subject, way_of, why_not_link
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage

VAULT = Vault("a key")
FIXED, VARYING = "https://meet.example.org/weekly-room", "https://meet.example.org/{secret}"
HOUR = timedelta(hours=1)


def link(
    place: str, *, varying: bool = False, sealed: bytes | None = b"x", at: datetime = NOON, **more: Any
) -> MeetingLink:
    return MeetingLink(**{f"{place}_id": 1, "sealed": sealed, "varying": varying, "changed_at": at, "turn": 0, **more})


# Rules


@pytest.mark.parametrize("url", [FIXED, VARYING, "https://x.example/a?pwd={secret}#b", "https://[::1]/"])
def test_an_address_that_begins_with_https_is_taken(url: str) -> None:
    assert why_not_link(url) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("javascript:alert(1)", "https://"), ("http://meet.example.org/x", "https://"), ("https://", "https://"),
        ("meet.example.org", "https://"), ("https://meet.example.org/a b", "https://"), ("https://[::1/", "https://"),
        ("https://meet.example.org/{name}", "braces"), ("https://{secret}.example.org/", "behind the server"),
        ("https://meet.example.org/\x00", "https://"),
    ],
)  # fmt: skip
def test_other_addresses_are_refused(url: str, reason: str) -> None:
    assert reason in (why_not_link(url) or "")


SERIES, SITTING, SLOT = link("series"), link("sitting"), link("slot")
TURNED = link("slot", sealed=None, turn=1, turned_at=NOON + HOUR)
NEWER, FREE = link("series", at=NOON + 2 * HOUR), link("series", varying=True)


@pytest.mark.parametrize(
    ("nearest", "way"),
    [
        ([], Way(None, 0, wanted=False)),
        ([SERIES], Way(SERIES, 0, wanted=False)),
        ([SITTING, SERIES], Way(SITTING, 0, wanted=False)),
        ([SLOT, SITTING, SERIES], Way(SLOT, 0, wanted=False)),
        ([link("sitting", sealed=None), SERIES], Way(SERIES, 0, wanted=False)),
        ([TURNED, SERIES], Way(None, 1, wanted=True)),
        ([TURNED], Way(None, 1, wanted=True)),
        ([TURNED, NEWER], Way(NEWER, 1, wanted=False)),
        ([TURNED, FREE], Way(FREE, 1, wanted=False)),
    ],
)
def test_the_nearest_link_counts_and_a_fixed_one_is_gone_once_turned(nearest: Sequence[MeetingLink], way: Way) -> None:
    assert way_of(nearest) == way


def test_each_slot_and_each_turn_has_its_own_secret() -> None:
    content = {"url": VARYING, "seed": "00" * 16}
    told = {address(content, slot, turn) for slot in (1, 2) for turn in (0, 1)}

    assert len(told) == 4
    assert all(len(url) == len("https://meet.example.org/") + 32 for url in told)
    assert address({"url": FIXED, "seed": "00" * 16}, 1, 5) == FIXED


@pytest.mark.parametrize(
    ("at", "late", "open_"),
    [(-16, 0, False), (-15, 0, True), (0, 0, True), (29, 0, True), (30, 0, False), (-16, 20, False), (49, 20, True),
     (50, 20, False)],
)  # fmt: skip
def test_when_it_is_shown(at: int, late: int, open_: bool) -> None:
    assert shown(FIRST, FIRST + HOUR / 2, FIRST + timedelta(minutes=at), late) is open_


# Actions


def give(session: Session, cast: Cast, place: str, number: int, url: str, at: datetime = NOON) -> int:
    return links.set_link(session, place, number, url, VAULT, by=cast.host.id, at=at, scope=cast.slug)


def url_of(session: Session, slot: Slot) -> str | None:
    whole = session.scalars(sa.select(Slot).options(*whole_slot()).where(Slot.id == slot.id)).all()
    way = ways(session, whole)[slot.id]
    if way.link is None or way.link.sealed is None:
        return None
    return address(VAULT.open(way.link.sealed, subject(way.link.id)), slot.id, way.turn)


def told(session: Session) -> list[str]:
    mails = sa.select(OutgoingMail.to).where(OutgoingMail.template == "office_hours/way_in")
    return sorted(session.scalars(mails))


def test_a_new_link_replaces_the_old_one_and_those_who_booked_are_told(
    session: Session, cast: Cast, stage: Stage
) -> None:
    series = stage.series()
    slot, other = stage.slots(series)[:2]
    stage.book(slot)

    first = give(session, cast, "series_id", series.id, FIXED)
    second = give(session, cast, "series_id", series.id, VARYING, NOON + HOUR)

    assert (first, second) == (0, 1)
    assert told(session) == [cast.host.email, cast.researcher.email]
    urls = {url_of(session, each) for each in (slot, other)}
    assert len(urls) == 2
    assert FIXED not in urls
    renewed = links.renew_link(session, "series_id", series.id, VAULT, by=cast.host.id, at=NOON + 2 * HOUR,
                               scope=cast.slug)  # fmt: skip
    assert renewed == 1
    assert url_of(session, slot) not in urls


def test_a_fixed_link_is_not_made_anew_by_the_portal(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    give(session, cast, "series_id", series.id, FIXED)

    with pytest.raises(Refused, match=r"Without \{secret\}"):
        links.renew_link(session, "series_id", series.id, VAULT, by=cast.host.id, at=NOON, scope=cast.slug)
    with pytest.raises(Refused, match="https://"):
        give(session, cast, "series_id", series.id, "http://meet.example.org/")


def test_a_removed_link_gives_way_to_the_larger_one(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    slot = stage.slots(series)[0]
    give(session, cast, "series_id", series.id, FIXED)
    give(session, cast, "sitting_id", slot.sitting_id, FIXED + "-2")
    give(session, cast, "slot_id", slot.id, FIXED + "-3")
    found = [url_of(session, slot)]
    for place, number in (("slot_id", slot.id), ("sitting_id", slot.sitting_id), ("series_id", series.id)):
        links.remove_link(session, place, number, by=cast.host.id, at=NOON, scope=cast.slug)
        found.append(url_of(session, slot))

    assert found == [FIXED + "-3", FIXED + "-2", FIXED, None]


@pytest.mark.parametrize("url", [FIXED, VARYING])
def test_a_substitute_changes_the_way_in(session: Session, cast: Cast, stage: Stage, url: str) -> None:
    series = stage.series()
    slot = stage.slots(series)[0]
    stage.book(slot)
    give(session, cast, "series_id", series.id, url)
    before = url_of(session, slot)
    whole = queries.slot_of(session, cast.challenge.id, slot.id)

    actions.substitute(session, [whole], cast.host, cast.second_host.id, by=cast.lead.id, at=NOON + HOUR, sender=None)

    after = url_of(session, slot)
    assert after != before
    assert (after is None) == (url == FIXED)
    # It was not shown to anybody yet.
    assert told(session) == []
    give(session, cast, "slot_id", slot.id, FIXED + "-new", NOON + 2 * HOUR)
    assert url_of(session, slot) == FIXED + "-new"
    assert told(session) == [cast.second_host.email, cast.researcher.email]


@pytest.mark.parametrize(("before", "changed"), [(timedelta(minutes=16), False), (timedelta(minutes=15), True)])
def test_whoever_leaves_after_the_way_in_was_shown_does_not_know_it_any_more(
    session: Session, cast: Cast, stage: Stage, before: timedelta, changed: bool
) -> None:
    series = stage.series(seats=2)
    slot = stage.slots(series)[0]
    gone = stage.book(slot)
    stage.book(slot, cast.team.members[0])
    give(session, cast, "slot_id", slot.id, VARYING)
    known = url_of(session, slot)

    actions.cancel_booking(session, gone, by=cast.researcher.id, at=FIRST - before, sender=SENDER)

    assert (url_of(session, slot) != known) is changed
    assert told(session) == ([cast.host.email, cast.team_lead.email] if changed else [])


def test_a_fixed_link_of_a_slot_is_deleted_when_it_is_turned(session: Session, cast: Cast, stage: Stage) -> None:
    slot = stage.slots(stage.series())[0]
    give(session, cast, "slot_id", slot.id, FIXED)
    whole = queries.slot_of(session, cast.challenge.id, slot.id)

    links.turn_slots(session, [whole], at=NOON + HOUR)

    assert session.scalars(sa.select(MeetingLink.sealed)).all() == [None]
    assert ways(session, [whole])[slot.id].wanted


def test_who_may_give_the_way_in(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    slot = stage.slots(series)[0]
    places = (("series_id", series.id), ("sitting_id", slot.sitting_id), ("slot_id", slot.id))

    assert [is_host_of(session, *place, cast.host.id) for place in places] == [True] * 3
    assert [is_host_of(session, *place, cast.second_host.id) for place in places] == [False] * 3


def test_it_is_sealed_at_rest_and_in_no_audit_and_no_mail(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    stage.book(stage.slots(series)[0])
    give(session, cast, "series_id", series.id, FIXED)
    give(session, cast, "series_id", series.id, FIXED, NOON + HOUR)
    session.commit()

    kept = session.scalars(sa.select(MeetingLink.sealed)).one()
    assert kept
    assert b"weekly-room" not in kept
    written = repr(session.execute(sa.select(AuditEntry.detail)).all())
    written += repr(session.execute(sa.select(OutgoingMail.context, OutgoingMail.calendar_text)).all())
    assert "weekly-room" not in written


def test_the_rotation_of_keys_takes_links_along(session: Session, cast: Cast, stage: Stage) -> None:
    series = stage.series()
    slot = stage.slots(series)[0]
    give(session, cast, "series_id", series.id, FIXED)
    session.commit()
    new = Vault("another key", ["a key"])

    reseal_kept(session, new, next(each for each in everything if each.kind is MeetingLink))
    session.commit()

    kept = session.scalars(sa.select(MeetingLink)).one()
    session.refresh(kept)
    assert kept.sealed
    assert kept.sealed.startswith(new.head)
    assert address(new.open(kept.sealed, subject(kept.id)), slot.id, 0) == FIXED
