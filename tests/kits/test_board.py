"""The board of parcels: counts and ages, the three rules of lateness, filters, and one thing done to many."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import NotFound
from portal.kits import actions, queries
from portal.kits.actions import Scan, bulk
from portal.kits.models import Shipment
from portal.kits.queries import board
from portal.kits.queries.board import Board
from portal.kits.queries.late import heard_of, is_late
from portal.kits.rules import late as rules
from portal.kits.rules.late import LATE, Late
from portal.kits.states import ShipmentState, UnitState, Word
from tests.cast import NOON, Cast, make_account, make_participant, sign_in
from tests.kits.conftest import HOUR, Afterwards, Bench

S = ShipmentState
STAFF = "/staff/test-challenge/shipments"
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def shown(session: Session, cast: Cast, at: datetime = NOON, **words: str) -> list[int]:
    return [parcel.id for parcel in board.parcels(session, cast.challenge.id, Board(**words), at).rows]


# Late


@pytest.mark.parametrize(("late", "state"), [
    (Late.ADDRESS, S.ADDRESS_REQUESTED), (Late.SILENT, S.HANDED_OVER),
])  # fmt: skip
def test_a_parcel_is_late_one_moment_after_its_time(
    session: Session, cast: Cast, bench: Bench, late: Late, state: ShipmentState
) -> None:
    parcel = bench.at(state)
    after = LATE[late].after

    for at, found in ((NOON + after, []), (NOON + after + SECOND, [parcel.id])):
        assert shown(session, cast, at, late=late.value) == found
        assert shown(session, cast, at, late="any") == found
        heard = heard_of(session, [parcel]).get(parcel.id)
        assert (rules.lateness(parcel.state, parcel.state_since, heard, at) is late) == bool(found)


@pytest.mark.parametrize(("first", "second", "tracked"), [
    (S.IN_TRANSIT, S.IN_TRANSIT, 4), (S.OUT_FOR_DELIVERY, S.IN_TRANSIT, 1),
])  # fmt: skip
def test_news_that_move_nothing_are_news(
    session: Session, cast: Cast, bench: Bench, first: ShipmentState, second: ShipmentState, tracked: int
) -> None:
    parcel = bench.at(S.HANDED_OVER)
    for days, status in ((1, first), (4, second)):
        scan = Scan("dhl", str(days), status, NOON + days * DAY)
        actions.note_scan(session, bench.again(parcel), scan, by=None, at=NOON + days * DAY)
    parcel = bench.again(parcel)
    assert (parcel.state, parcel.tracked_at) == (first, NOON + tracked * DAY)
    assert heard_of(session, [parcel]) == {parcel.id: NOON + 4 * DAY}

    assert shown(session, cast, NOON + 9 * DAY, late="silent") == []
    assert shown(session, cast, NOON + 9 * DAY + SECOND, late="silent") == [parcel.id]


def test_the_rules_and_the_database_agree_on_every_state(session: Session, cast: Cast) -> None:
    for number, state in enumerate(S, 1):
        sent = state not in (S.PLANNED, S.ADDRESS_REQUESTED, S.ADDRESS_CONFIRMED, S.HELD, S.READY, S.PACKED,
                             S.LABELLED, S.CANCELLED)  # fmt: skip
        named = sent or state is S.LABELLED
        session.add(Shipment(
            challenge_id=cast.challenge.id, participant_id=cast.participant.id, number=number, state=state,
            state_since=NOON, created_at=NOON, hold_reason="x" if state is S.HELD else None,
            carrier="DHL" if named else None, tracking_number=str(number) if named else None,
            handed_over_at=NOON if sent else None, tracked_at=NOON if sent else None,
            delivered_at=NOON if state is S.DELIVERED else None, received_at=NOON if state is S.RECEIVED else None,
        ))  # fmt: skip
    session.commit()

    for hours in range(0, 24 * 8, 12):
        at = NOON + hours * HOUR + SECOND
        for late in Late:
            found = session.scalars(sa.select(Shipment).where(is_late(late, at))).all()
            expected = {
                parcel.state
                for parcel in session.scalars(sa.select(Shipment))
                if rules.lateness(parcel.state, parcel.state_since, parcel.handed_over_at, at) is late
            }
            assert {parcel.state for parcel in found} == expected


def test_each_queue_leads_to_exactly_what_it_counts(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, clock: Any
) -> None:
    bench.at(S.HANDED_OVER)
    bench.advance(bench.parcel(cast.team), "request-address")
    at = clock.tick(days=8)
    sign_in(client, cast.logistics)

    found = {queue.label: queue for queue in queries.queues(session, cast.challenge, {Role.LOGISTICS}, at)}
    for late, count in ((Late.ADDRESS, 1), (Late.HELD, 0), (Late.SILENT, 1)):
        queue = found[rules.label(late).capitalize()]
        assert (queue.count, queue.oldest) == (count, NOON if count else None)
        assert client.get(queue.url).text.count('name="shipment"') == count


def test_every_address_on_the_home_page_shows_what_was_counted(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    """One parcel in each state that waits for somebody, and one more of another in the way."""
    names = ("ready", "pack", "label")
    for number in range(4):
        person = make_participant(session, cast.challenge, make_account(session, f"P {number}"))
        parcel = afterwards.parcel(person)
        afterwards.address(person.members[0])
        parcel = afterwards.again(parcel)
        actions.assign_unit(session, parcel, *afterwards.units(f"BOX-{number}"), by=afterwards.by, at=NOON)
        afterwards.advance(parcel, *names[:number])
    actions.say(session, afterwards.at(S.HANDED_OVER), Word.DUTY, "", by=cast.researcher.id, at=NOON)
    session.commit()
    sign_in(client, cast.logistics)
    kinds = [f"Parcels {what}" for what in ("to prepare", "to pack", "to label", "to hand over", "with a trouble")]

    found = {queue.label: queue for queue in queries.queues(session, cast.challenge, {Role.LOGISTICS}, NOON)}

    assert found["Parcels to pack"].url == f"{STAFF}/bench?state=ready"
    assert [found[kind].count for kind in kinds] == [1] * 5
    for kind in kinds:
        page = client.get(found[kind].url).text
        assert len(re.findall(r'name="(?:shipment|parcel)" value="[0-9]+"', page)) == 1, kind
    missing = found["Participants without a parcel"]
    assert missing.count == len(queries.unplanned(session, cast.challenge.id)) == 1
    assert f'name="count" value="{missing.count}"' in client.get(missing.url).text


# The board


def test_every_state_has_its_count_its_oldest_and_its_late_ones(session: Session, cast: Cast, bench: Bench) -> None:
    bench.at(S.HANDED_OVER)
    bench.parcel(cast.team, at=NOON + HOUR)

    found = {stage.state: stage for stage in board.stages(session, cast.challenge.id, NOON + 6 * DAY)}

    assert list(found) == list(S)
    assert found[S.PLANNED] == board.Stage(S.PLANNED, 1, NOON + HOUR, 0)
    assert found[S.HANDED_OVER] == board.Stage(S.HANDED_OVER, 1, NOON, 1)
    assert found[S.LOST] == board.Stage(S.LOST, 0, None, 0)


def test_filters_narrow_what_is_shown(session: Session, cast: Cast, bench: Bench) -> None:
    mine, theirs = bench.at(S.HANDED_OVER, "KIT-7"), bench.parcel(cast.team)
    actions.say(session, mine, Word.DUTY, "", by=cast.researcher.id, at=NOON)

    for words, found in (
        ({}, [mine.id, theirs.id]), ({"state": "planned"}, [theirs.id]), ({"state": "trouble"}, [mine.id]),
        ({"trouble": "duty"}, [mine.id]), ({"trouble": "nothing"}, []), ({"trouble": "replacement"}, []),
        ({"country": "JP"}, [theirs.id]), ({"country": "DE"}, [mine.id]), ({"carrier": "DHL"}, [mine.id]),
        ({"text": "kestrel"}, [theirs.id]), ({"text": f"s-{theirs.id}"}, [theirs.id]), ({"text": "kit-7"}, [mine.id]),
        ({"text": f"JD{mine.id:06}"}, [mine.id]), ({"text": "%"}, []), ({"text": "S-999999999"}, []),
        ({"country": "DE", "state": "planned"}, []),
    ):  # fmt: skip
        assert sorted(shown(session, cast, **words)) == found, words
        assert board.count(session, cast.challenge.id, Board(**words), NOON) == len(found)


@pytest.mark.parametrize("words", [{"state": "x"}, {"late": "x"}, {"trouble": "received"}])
def test_a_filter_that_is_none_is_not_found(session: Session, cast: Cast, words: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        shown(session, cast, **words)


def test_pages_go_on_and_cost_the_same_for_few_and_for_many(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, statements: list[str]
) -> None:
    def cost(path: str) -> int:
        client.get(path)
        statements.clear()
        assert client.get(path).status_code == 200
        return len(statements)

    paths = (STAFF, f"{STAFF}?late=any&q=kit", f"{STAFF}.csv", f"{STAFF}/numbers", f"{STAFF}/returns")
    bench.at(S.HANDED_OVER, "KIT-0")
    sign_in(client, cast.logistics)
    few = [cost(path) for path in paths]
    people = [make_participant(session, cast.challenge, make_account(session, f"P {number}")) for number in range(60)]
    for participant, unit in zip(people, bench.units(*(f"KIT-{n + 1}" for n in range(60))), strict=True):
        actions.assign_unit(session, bench.parcel(participant), unit, by=bench.by, at=NOON)

    assert [cost(path) for path in paths] == few
    first = client.get(STAFF).text
    assert (first.count('name="shipment"'), "All 61 that are shown" in first, 'rel="next"' in first) == (50, True, True)
    assert len(client.get(f"{STAFF}.csv").text.splitlines()) == 62


# Many at once


def two(bench: Bench, cast: Cast) -> tuple[Shipment, Shipment]:
    """One that can be marked as ready, one that cannot."""
    return bench.at(S.ADDRESS_CONFIRMED), bench.parcel(cast.team)


def post(client: FlaskClient, code: int, query: str = "", **data: Any) -> str:
    answer = client.post(f"{STAFF}/bulk{query}", data=data)
    assert answer.status_code == code, answer.text
    return answer.text


def test_those_that_can_go_and_the_others_are_told_why(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    can, cannot = two(bench, cast)
    sign_in(client, cast.logistics)
    chosen = {"verb": "ready", "shipment": [str(can.id), str(cannot.id)]}

    assert "Mark as ready: 2 parcels" in post(client, 200, **chosen)
    assert bench.again(can).state is S.ADDRESS_CONFIRMED
    told = post(client, 200, again="y", **chosen)

    assert "Mark as ready: done for 1 parcel" in told
    assert "There is no address to send it to." in told
    assert [bench.again(parcel).state for parcel in (can, cannot)] == [S.READY, S.PLANNED]
    again = post(client, 200, again="y", **chosen)
    assert ("done for 0 parcels" in again, "not possible: it is ready" in again) == (True, True)


def test_nothing_selected_never_means_everyone(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    two(bench, cast)
    sign_in(client, cast.logistics)

    assert "No parcel was selected" in post(client, 422, verb="ready", again="y")
    assert "No parcel was selected" in post(client, 422, verb="ready", again="y", shipment=["0", "x", "-1"])
    assert "Choose what to do" in post(client, 422, verb="fly", all="y", again="y", count="2")
    post(client, 404, verb="ready", again="y", shipment=["99999"])


def test_all_of_a_filter_are_as_many_as_were_stated(client: FlaskClient, cast: Cast, bench: Bench) -> None:
    can, _ = two(bench, cast)
    sign_in(client, cast.logistics)

    assert 'name="count" value="1"' in post(client, 200, "?state=address_confirmed", verb="ready", all="y")
    assert "It is 1 now, not 2" in post(
        client, 409, "?state=address_confirmed", verb="ready", all="y", again="y", count=2
    )
    post(client, 302, "?state=address_confirmed", verb="ready", all="y", again="y", count=1)
    assert bench.again(can).state is S.READY


def test_what_needs_a_reason_asks_for_it(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    can, cannot = two(bench, cast)
    sign_in(client, cast.logistics)
    chosen = {"verb": "cancel", "shipment": [can.id, cannot.id]}

    assert "Say why." not in post(client, 200, **chosen)
    assert "Say why." in post(client, 422, again="y", **chosen)
    post(client, 422, again="y", reason="x" * 301, **chosen)
    post(client, 302, again="y", reason="the plan has changed", **chosen)

    assert {bench.again(parcel).state for parcel in (can, cannot)} == {S.CANCELLED}
    entries = session.scalars(
        sa.select(AuditEntry).where(AuditEntry.tag == "kits:cancel").order_by(AuditEntry.id)
    ).all()
    assert [entry.detail["reason"] for entry in entries] == ["the plan has changed"] * 2


def test_another_challenges_parcels_are_not_touched(session: Session, cast: Cast, bench: Bench) -> None:
    can, _ = two(bench, cast)

    assert bulk.carry_out(session, 999, [can.id], "ready", "", by=bench.by, at=NOON) == (0, [])


def test_who_comes_second_is_told_for_each(session: Session, cast: Cast, bench: Bench) -> None:
    can, other = two(bench, cast)
    ids, challenge_id = [can.id, other.id], cast.challenge.id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as late:
        seen = board.whole(late, challenge_id, ids)
        late.commit()
        bulk.carry_out(session, challenge_id, ids, "cancel", "gone", by=bench.by, at=NOON)
        session.commit()
        assert [parcel.state for parcel in seen] == [S.ADDRESS_CONFIRMED, S.PLANNED]

        done, left = bulk.carry_out(late, challenge_id, ids, "cancel", "gone", by=bench.by, at=NOON)
        late.commit()

    assert (done, [one.shipment_id for one in left]) == (0, ids)
    assert {one.reason for one in left} == {"“Cancel” is not possible: it is cancelled."}


def test_a_chunk_that_is_done_stays_done(
    client: FlaskClient, cast: Cast, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, whole = [parcel.id for parcel in two(bench, cast)], bulk.carry_out
    monkeypatch.setattr("portal.kits.rules.bulk.CHUNK", 1)
    sign_in(client, cast.logistics)
    chosen = {"verb": "cancel", "reason": "gone", "again": "y", "shipment": ids}

    def dies(session: Session, challenge_id: int, chunk: list[int], *rest: Any, **more: Any) -> Any:
        if chunk == ids[1:]:
            raise RuntimeError("killed")
        return whole(session, challenge_id, chunk, *rest, **more)

    def reached() -> list[ShipmentState]:
        return [queries.shipment(bench.session, cast.challenge.id, number).state for number in ids]

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "carry_out", dies)
        with pytest.raises(RuntimeError, match="killed"):
            post(client, 500, **chosen)
    assert reached() == [S.CANCELLED, S.PLANNED]

    assert "done for 1 parcel" in post(client, 200, **chosen)
    assert reached() == [S.CANCELLED, S.CANCELLED]


def test_kits_are_left_to_participants_once_the_challenge_is_over(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards, clock: Any
) -> None:
    parcel = afterwards.received()
    sign_in(client, cast.logistics)
    chosen = {"verb": "keep", "shipment": [parcel.id], "again": "y"}

    assert "Let the participant keep it" not in client.get(f"{STAFF}?state=received").text
    post(client, 422, **chosen)
    clock.tick(days=100)
    assert "Let the participant keep it" in client.get(f"{STAFF}?state=received").text
    post(client, 302, **chosen)

    assert [place.unit.state for place in afterwards.again(parcel).places] == [UnitState.KEPT]
    assert "nothing of it with the participant" in post(client, 200, **chosen)
