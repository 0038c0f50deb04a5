"""News of parcels on their way back: into the story, forward only, once, and nobody's word in place of a person's."""

from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core.audit import AuditEntry
from portal.kits import actions, follow, queries
from portal.kits.actions import polls, returns
from portal.kits.actions.returns import Announcement
from portal.kits.jobs import remind
from portal.kits.models import KitReturn, Shipment, ShipmentEvent, TrackingNews
from portal.kits.queries import returns as lists
from portal.kits.queries import tracking
from portal.kits.states import ShipmentState
from portal.kits.states.returns import ReturnState
from portal.kits.states.tracking import NewsState
from tests.cast import NOON, Cast, sign_in
from tests.kits.conftest import HOUR, VAULT, Afterwards
from tests.kits.services import hours
from tests.kits.test_inbox import DAY, LATER, WAY, news, tell

S, R, N = ShipmentState, ReturnState, NewsState
STAFF = "/staff/test-challenge/shipments"
KIT = "/challenges/test-challenge/kit"
# From the label's making to "delivered", in the words of a service.
BACK = (WAY[0], WAY[1], WAY[2], WAY[5])
SENT_AND_BROUGHT = [("kits:send-return", None), ("kits:deliver-return", None)]


def story(session: Session, parcel: Shipment) -> list[tuple[str, str, bool]]:
    """What carriers told of the way back."""
    rows = sa.select(ShipmentEvent).where(
        ShipmentEvent.shipment_id == parcel.id, ShipmentEvent.title.startswith("Return: ")
    ).order_by(ShipmentEvent.id)  # fmt: skip
    return [(row.title, row.detail, row.told) for row in session.scalars(rows.order_by(ShipmentEvent.occurred_at))]


def times(afterwards: Afterwards, back: KitReturn) -> list[float | None]:
    """When it was sent, first scanned and brought, in hours after noon."""
    now = afterwards.back(back)
    return [at and (at - NOON) / HOUR for at in (now.sent_at, now.scanned_at, now.delivered_at)]


def audited(session: Session) -> list[tuple[str, int | None]]:
    """Who noted that it was sent, and that it was brought."""
    entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
    return [(each.tag, each.actor_id) for each in entries if each.tag in ("kits:send-return", "kits:deliver-return")]


def sent_to_the_team(afterwards: Afterwards, number: str) -> Shipment:
    """A parcel to the team that is on its way under this number."""
    cast = afterwards.cast
    parcel = afterwards.parcel(cast.team)
    afterwards.address(cast.team.members[0])
    parcel = afterwards.again(parcel)
    actions.assign_unit(afterwards.session, parcel, *afterwards.units("KIT-2"), by=afterwards.by, at=NOON)
    afterwards.advance(parcel, "ready", "pack", "label", "hand-over", tracking_number=number)
    return afterwards.again(parcel)


def announced_by_the_team(session: Session, afterwards: Afterwards) -> KitReturn:
    """The team's return."""
    parcel = sent_to_the_team(afterwards, "JD0002")
    afterwards.advance(parcel, "receive")
    made = returns.ask(session, afterwards.again(parcel), "why", by=afterwards.by, at=NOON)
    told = Announcement(date(2020, 6, 25), "UPS", "RT0002")
    returns.announce(session, afterwards.back(made), told, vault=VAULT, by=afterwards.by, at=NOON)
    return afterwards.back(made)


def test_the_way_back_is_told_and_waits_for_a_person(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()
    parcel = back.shipment
    before = (parcel.state, parcel.state_since, parcel.tracked_at, parcel.tracking_number)

    tell(session, "rt-0001", *BACK)
    assert follow.take_news(session, LATER) == 4

    assert story(session, parcel) == [
        ("Return: label created", "", True),
        ("Return: in transit", "Arrived at facility", True), ("Return: exception", "Held", True),
        ("Return: delivered", "Delivered", True),
    ]  # fmt: skip
    assert times(afterwards, back) == [3, 3, 12]
    assert audited(session) == SENT_AND_BROUGHT
    parcel = afterwards.again(parcel)
    assert (afterwards.back(back).state, [unit.state for unit in parcel.units]) == (R.ANNOUNCED, ["with_participant"])
    assert (parcel.state, parcel.state_since, parcel.tracked_at, parcel.tracking_number) == before
    assert {(state, number) for _, state, number in news(session)} == {(N.TAKEN, parcel.id)}
    assert tracking.unknown(session) == []
    assert [remind(session, NOON + day * DAY) for day in range(2, 20)] == [0] * 18

    returns.arrive(session, afterwards.back(back), by=afterwards.by, at=LATER)
    session.commit()
    assert (afterwards.back(back).state, afterwards.again(parcel).state) == (R.ARRIVED, S.RETURNED)


def test_in_any_order_and_however_often_it_comes_to_the_same(
    session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    back = afterwards.announced()

    for scan in (*reversed(BACK), *BACK):
        tell(session, "RT0001", scan)
        follow.take_news(session, LATER)

    assert len(story(session, back.shipment)) == 4
    # It was brought, and so it was sent; what is told later of earlier scans takes nothing back.
    assert times(afterwards, back) == [12, 12, 12]
    assert audited(session) == SENT_AND_BROUGHT


def test_what_the_inbox_forgot_is_told_once_all_the_same(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()
    for at in (LATER, LATER + 91 * DAY):
        tell(session, "RT0001", *BACK)
        follow.take_news(session, at)
        session.execute(sa.delete(TrackingNews))
        session.commit()

    assert len(story(session, back.shipment)) == 4
    assert audited(session) == SENT_AND_BROUGHT


def test_the_participants_word_stays_possible_and_stands(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()
    returns.say_sent(session, back, by=cast.researcher.id, at=NOON + HOUR)
    session.commit()

    tell(session, "RT0001", WAY[1])
    follow.take_news(session, LATER)
    assert times(afterwards, back) == [1, 3, None]

    # The page was open while the carrier scanned it: nothing fails, and nothing changes.
    returns.say_sent(session, afterwards.back(back), by=cast.researcher.id, at=NOON + 5 * HOUR)
    session.commit()
    assert times(afterwards, back) == [1, 3, None]


def test_another_number_makes_what_was_heard_void(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()
    tell(session, "RT0001", *BACK)
    follow.take_news(session, LATER)

    def announce(number: str) -> list[float | None]:
        told = Announcement(date(2020, 6, 25), "DHL", number)
        returns.announce(session, afterwards.back(back), told, vault=VAULT, by=afterwards.by, at=NOON + HOUR)
        session.commit()
        return times(afterwards, back)

    assert announce(" rt-0001") == [3, 3, 12]
    assert announce("RT0002") == [None, None, None]


@pytest.mark.parametrize("end", ["arrive", "cancel"])
def test_what_comes_after_the_end_changes_nothing(
    session: Session, cast: Cast, afterwards: Afterwards, end: str
) -> None:
    back = afterwards.announced()
    if end == "arrive":
        returns.arrive(session, back, by=afterwards.by, at=NOON)
    else:
        returns.cancel(session, back, "Keep it.", by=afterwards.by, at=NOON)
    session.commit()

    tell(session, "RT0001", *BACK)
    follow.take_news(session, LATER)

    assert times(afterwards, back) == [None, None, None]
    # What was called off and is sent all the same is for a person.
    assert len(story(session, back.shipment)) == (4 if end == "arrive" else 0)
    assert [each.number for each in tracking.unknown(session)] == ([] if end == "arrive" else ["RT0001"])


def test_a_number_that_a_parcel_has_is_the_parcels(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()
    other = sent_to_the_team(afterwards, "RT0001")
    session.commit()

    tell(session, "RT0001", *BACK)
    follow.take_news(session, LATER)

    assert (story(session, back.shipment), times(afterwards, back)) == ([], [None, None, None])
    assert afterwards.again(other).state is S.DELIVERED
    assert afterwards.again(back.shipment).state is S.RETURNING


@pytest.mark.parametrize(("carriers", "found"), [
    (("DHL", "ups"), [0]), (("UPS", "dhl express"), [1]), (("DHL", "dhl"), []),
])  # fmt: skip
def test_of_two_with_one_number_the_carrier_decides(
    session: Session, cast: Cast, afterwards: Afterwards, carriers: tuple[str, str], found: list[int]
) -> None:
    backs = [afterwards.announced(), announced_by_the_team(session, afterwards)]
    for back, carrier in zip(backs, carriers, strict=True):
        change = sa.update(KitReturn).where(KitReturn.id == back.id)
        session.execute(change.values(carrier=carrier, tracking_number="RT0001"))
    session.commit()

    tell(session, "RT0001", WAY[1])
    follow.take_news(session, LATER)

    assert [number for number, back in enumerate(backs) if times(afterwards, back)[1] is not None] == found
    assert len(tracking.unknown(session)) == 1 - len(found)


def test_services_are_asked_under_the_number_of_the_way_back(
    session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    parcel = afterwards.announced().shipment
    assert parcel.tracking_number == f"JD{parcel.id:06}"

    polls.plan(session, {"service": {"DHL"}}, at=NOON)
    assert polls.claim(session, "service", at=NOON, limit=9) == [(parcel.id, "DHL", "RT0001", S.RETURNING)]
    session.commit()

    tell(session, "RT0001", WAY[5])
    follow.take_news(session, LATER)
    polls.plan(session, {"service": {"DHL"}}, at=LATER)
    assert polls.claim(session, "service", at=LATER, limit=9) == []


@pytest.mark.parametrize("number", ["", "see the label!"])
def test_without_a_number_that_is_one_nobody_is_asked(
    session: Session, cast: Cast, afterwards: Afterwards, number: str
) -> None:
    back = afterwards.asked()
    told = Announcement(date(2020, 6, 25), "DHL", number)
    returns.announce(session, afterwards.back(back), told, vault=VAULT, by=afterwards.by, at=NOON)
    session.commit()

    assert tracking.to_ask(session) == {}


def test_what_the_carrier_brought_stands_on_top_and_is_confirmed_there(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    back = afterwards.announced()
    sign_in(client, cast.logistics)
    assert "The carrier says" not in client.get(f"{STAFF}/returns").text
    tell(session, "RT0001", *BACK)
    follow.take_news(session, LATER)

    for state, shown in (("", 1), ("delivered", 1), ("late", 0)):
        page = client.get(f"{STAFF}/returns?state={state}").text
        assert page.index("The carrier says these have arrived") < page.index("Carrier says here")
        assert page.count('<th scope="row" data-label="Return">') == shown, state
    found = {queue.label: queue for queue in queries.queues(session, cast.challenge, {Role.LOGISTICS}, LATER)}
    queue = found["Returns that should be here, says the carrier"]
    assert (queue.count, queue.oldest, queue.url) == (1, hours(12), f"{STAFF}/returns?state=delivered")
    assert lists.counts(session, cast.challenge.id, LATER.date())["delivered"] == 1
    assert "The carrier says that it has arrived" in client.get(f"{STAFF}/returns/{back.id}").text
    assert "on its way back" in client.get(f"{STAFF}/tracking").text
    sign_in(client, cast.researcher)
    assert "The carrier brought it" in client.get(KIT).text

    sign_in(client, cast.logistics)
    assert client.post(f"{STAFF}/returns/{back.id}/arrive").status_code == 302
    assert afterwards.back(back).state is R.ARRIVED
    assert "The carrier says" not in client.get(f"{STAFF}/returns").text


@pytest.mark.parametrize(("values", "constraint"), [
    ({"scanned_at": NOON}, "scanned_is_sent"), ({"sent_at": NOON, "delivered_at": NOON}, "delivered_is_scanned"),
])  # fmt: skip
def test_the_carriers_word_is_whole(
    session: Session, cast: Cast, afterwards: Afterwards, values: dict[str, object], constraint: str
) -> None:
    back = afterwards.announced()
    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        session.execute(sa.update(KitReturn).where(KitReturn.id == back.id).values(values))


def test_an_unknown_word_is_for_logistics(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()
    tell(session, "RT0001", WAY[1])
    session.execute(sa.update(TrackingNews).values(status=None, description="", said="ZZ"))
    session.commit()

    follow.take_news(session, LATER)

    assert story(session, back.shipment) == [("Return: something unknown", "ZZ", False)]
    assert times(afterwards, back) == [None, None, None]
