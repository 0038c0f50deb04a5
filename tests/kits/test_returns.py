"""What comes back: asked for, announced, arrived, inspected, or called off."""

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.mail import config_of
from portal.core.outbox import OutgoingMail
from portal.kits import actions, queries, states
from portal.kits.actions import returns
from portal.kits.actions.returns import Announcement, Finding
from portal.kits.jobs import remind
from portal.kits.models import KitReturn, UnitReturn
from portal.kits.personal import erase, exported
from portal.kits.rules.returns import LARGEST_LABEL, check_label
from portal.kits.states import ShipmentState, UnitState
from portal.kits.states.returns import Condition, ReturnState
from portal.kits.vault import Vault
from tests.cast import NOON, Cast, sign_in
from tests.kits.conftest import PDF, VAULT, Afterwards

S, R = ShipmentState, ReturnState
STAFF = "/staff/test-challenge/shipments"
KIT = "/challenges/test-challenge/kit"
DAY = timedelta(days=1)
WELL = Finding(Condition.GOOD, wiped=True, outcome="restock")


def news(session: Session) -> list[str]:
    session.commit()
    sent = session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id))
    return [mail.template for mail in sent if "return" in mail.template]


def test_the_whole_way_back(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.asked()
    assert (back.state, afterwards.back(back).shipment.state) == (R.ASKED, S.RECEIVED)
    told = Announcement(date(2020, 6, 25), "DHL", "RT1", "In its own box.", PDF)
    returns.announce(session, back, told, vault=VAULT, by=afterwards.by, at=NOON)
    assert (back.state, back.expected_on, back.shipment.state) == (R.ANNOUNCED, date(2020, 6, 25), S.RETURNING)
    returns.say_sent(session, back, by=cast.researcher.id, at=NOON + DAY)
    returns.arrive(session, back, by=afterwards.by, at=NOON + 5 * DAY)

    back = afterwards.back(back)
    assert (back.state, back.arrived_at, back.shipment.state) == (R.ARRIVED, NOON + 5 * DAY, S.RETURNED)
    [time] = back.units
    assert (time.unit.state, time.inspected_at) == (UnitState.RETURNED, None)
    returns.inspect(session, time.unit, WELL, scope=cast.slug, by=afterwards.by, at=NOON + 6 * DAY)

    assert (afterwards.back(back).state, time.unit.state) == (R.INSPECTED, UnitState.IN_STOCK)
    assert news(session) == ["kits/return_announced", "kits/return_arrived"]
    tags = [
        entry.tag for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)) if "return" in entry.tag
    ]
    assert tags == ["kits:ask-return", "kits:announce-return", "kits:send-return", "kits:arrive-return"]


def test_a_return_is_inspected_when_its_last_unit_is(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.arrived("KIT-1", "KIT-2")
    first, second = back.units

    returns.inspect(session, first.unit, Finding(Condition.DAMAGED, False, "burnt", "fault"), scope=cast.slug,
                    by=afterwards.by, at=NOON)  # fmt: skip
    assert (afterwards.back(back).state, first.unit.state) == (R.ARRIVED, UnitState.FAULTY)
    returns.inspect(session, second.unit, Finding(Condition.WORN, False), scope=cast.slug, by=afterwards.by, at=NOON)

    assert (afterwards.back(back).state, second.unit.state) == (R.INSPECTED, UnitState.RETURNED)


@pytest.mark.parametrize(("found", "words"), [
    (Finding(Condition.GOOD, wiped=False, outcome="restock"), "not been wiped"),
    (Finding(Condition.DAMAGED, wiped=True, outcome="restock"), "It is damaged"),
    (Finding(Condition.INCOMPLETE, wiped=True, outcome="restock"), "It is incomplete"),
])  # fmt: skip
def test_only_what_is_wiped_and_whole_goes_back_into_stock(
    session: Session, cast: Cast, afterwards: Afterwards, found: Finding, words: str
) -> None:
    [time] = afterwards.arrived().units

    with pytest.raises(Refused, match=words):
        returns.inspect(session, time.unit, found, scope=cast.slug, by=afterwards.by, at=NOON)
    with pytest.raises(Refused, match="not been inspected"):
        actions.move_unit(session, time.unit, states.RESTOCK, scope=cast.slug, by=afterwards.by, at=NOON)


def test_what_is_wiped_later_is_inspected_again(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.arrived()
    unit = back.units[0].unit
    returns.inspect(session, unit, Finding(Condition.GOOD, False), scope=cast.slug, by=afterwards.by, at=NOON)
    returns.inspect(session, unit, WELL, scope=cast.slug, by=afterwards.by, at=NOON + DAY)

    assert [(time.wiped, time.inspected_at) for time in afterwards.back(back).units] == [
        (False, NOON), (True, NOON + DAY)
    ]  # fmt: skip
    assert unit.state is UnitState.IN_STOCK


def test_a_unit_handed_back_without_a_parcel_is_inspected_too(
    session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    [unit] = afterwards.received().units
    actions.move_unit(session, unit, states.HAND_BACK, scope=cast.slug, by=afterwards.by, at=NOON)
    with pytest.raises(Refused, match="not been inspected"):
        actions.move_unit(session, unit, states.RESTOCK, scope=cast.slug, by=afterwards.by, at=NOON)

    returns.inspect(session, unit, WELL, scope=cast.slug, by=afterwards.by, at=NOON)
    assert unit.state is UnitState.IN_STOCK
    with pytest.raises(Refused, match="Only a unit that came back"):
        returns.inspect(session, unit, WELL, scope=cast.slug, by=afterwards.by, at=NOON)


def test_what_the_carrier_turns_back_becomes_a_return_when_it_is_here(
    session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    parcel = afterwards.at(S.HANDED_OVER)
    actions.note_scan(session, parcel, actions.Scan("dhl", "1", S.RETURNING, NOON), by=None, at=NOON)
    assert session.scalars(sa.select(KitReturn)).all() == []

    afterwards.advance(parcel, "come-back")

    back = session.scalars(sa.select(KitReturn)).one()
    assert (back.state, back.asked_by_id, len(afterwards.back(back).units)) == (R.ARRIVED, None, 1)


def test_a_return_called_off_leaves_the_kit_where_it_is(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()

    returns.cancel(session, back, "Keep it a month longer.", by=afterwards.by, at=NOON)

    back = afterwards.back(back)
    assert (back.state, back.answer, back.shipment.state) == (R.CANCELLED, "Keep it a month longer.", S.RECEIVED)
    assert [unit.state for unit in afterwards.again(back.shipment).units] == [UnitState.WITH_PARTICIPANT]
    assert news(session) == ["kits/return_announced", "kits/return_cancelled"]
    assert session.scalars(sa.select(KitReturn.label)).all() == [None]


def test_a_lost_parcel_takes_its_return_with_it(session: Session, afterwards: Afterwards) -> None:
    back = afterwards.announced()

    afterwards.advance(afterwards.again(back.shipment), "lose")

    assert (afterwards.back(back).state, afterwards.back(back).answer) == (R.CANCELLED, "The parcel is lost.")


def test_what_is_to_come_back_is_asked_for_once_and_kept_by_nobody(
    session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    back = afterwards.asked()
    session.commit()

    with pytest.raises(Refused, match="Cancel the return first"):
        returns.let_keep(session, afterwards.again(back.shipment), by=afterwards.by, at=NOON)
    with pytest.raises(Conflict, match="asked for already"):
        returns.ask(session, afterwards.again(back.shipment), "again", by=afterwards.by, at=NOON)


def test_what_was_not_received_does_not_go_back(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    parcel = afterwards.at(S.HANDED_OVER)

    with pytest.raises(Refused, match="was received"):
        returns.ask(session, parcel, "why", by=cast.researcher.id, at=NOON)
    with pytest.raises(Invalid):
        returns.ask(session, parcel, "", by=cast.researcher.id, at=NOON)


@pytest.mark.parametrize(("values", "constraint"), [
    ({"state": R.ANNOUNCED}, "announced_has_day"), ({"state": R.ARRIVED}, "arrived_time"),
    ({"arrived_at": NOON}, "arrived_time"), ({"state": R.CANCELLED}, "cancelled_has_reason"),
    ({"label": b"x"}, "label_while_announced"),
])  # fmt: skip
def test_state_and_data_of_a_return_agree(
    session: Session, cast: Cast, afterwards: Afterwards, values: dict[str, Any], constraint: str
) -> None:
    parcel = afterwards.received()
    row = {"challenge_id": cast.challenge.id, "shipment_id": parcel.id, "reason": "x", "asked_at": NOON}
    session.add(KitReturn(**{**row, "state_since": NOON, **values}))

    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        session.flush()


def test_an_inspection_is_whole(session: Session, afterwards: Afterwards) -> None:
    [time] = afterwards.arrived().units
    time.inspected_at = NOON
    with pytest.raises(sa.exc.IntegrityError, match="inspected_w"):
        session.flush()


# The label


def test_a_label_is_a_pdf_of_a_bearable_size() -> None:
    check_label(None)
    check_label(b"%PDF-".ljust(LARGEST_LABEL, b"x"))
    for wrong, words in ((b"%PDF-".ljust(LARGEST_LABEL + 1, b"x"), "At most 512 KiB"), (b"PK", "not a PDF")):
        with pytest.raises(Invalid, match=words):
            check_label(wrong)


def test_a_label_lies_sealed_and_opens_for_the_members_alone(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    back = afterwards.announced()
    url = f"{KIT}/returns/{back.id}/label.pdf"
    sealed = session.scalars(sa.select(KitReturn.label)).one() or b""
    assert b"PDF" not in sealed
    with pytest.raises(Refused):
        Vault.of(config_of(current_app)).open(sealed, "kit-return:999")

    sign_in(client, cast.researcher)
    answer = client.get(url)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    for person in (cast.team_lead, cast.logistics, cast.stranger):
        sign_in(client, person)
        assert client.get(url).status_code == 404, person.name


@pytest.mark.parametrize("end", ["arrive", "cancel", "purge", "erase"])
def test_a_label_is_forgotten_with_its_use(session: Session, cast: Cast, afterwards: Afterwards, end: str) -> None:
    back = afterwards.announced()
    if end == "arrive":
        returns.arrive(session, back, by=afterwards.by, at=NOON)
    elif end == "cancel":
        returns.cancel(session, back, "no", by=afterwards.by, at=NOON)
    elif end == "purge":
        actions.purge_address(session, cast.participant.id, at=NOON)
    else:
        erase(session, cast.researcher.id, NOON)
        assert session.scalars(sa.select(KitReturn.reason)).all() == [""]
    session.commit()

    assert session.scalars(sa.select(KitReturn.label)).all() == [None]


def test_the_export_tells_of_returns(app: Any, session: Session, cast: Cast, afterwards: Afterwards) -> None:
    afterwards.announced()

    [told] = exported(session, cast.researcher.id)["returns"]

    assert (told["state"], told["expected_on"], told["reason"]) == (
        R.ANNOUNCED, date(2020, 6, 25), "The challenge is over."
    )  # fmt: skip


# Pages


def test_logistics_take_a_return_its_whole_way(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards, clock: Any
) -> None:
    parcel = afterwards.received()
    sign_in(client, cast.logistics)

    def post(path: str, code: int = 302, **data: Any) -> str:
        answer = client.post(f"{STAFF}/{path}", data=data)
        assert answer.status_code == code, answer.text
        return answer.text

    post(f"{parcel.id}/return", 422)
    post(f"{parcel.id}/return", reason="The challenge is over.")
    back = session.scalars(sa.select(KitReturn)).one()
    url = f"returns/{back.id}"
    post(f"{url}/announce", 422)
    assert "This day is over" in post(f"{url}/announce", 422, expected_on="2020-06-01")
    text = (BytesIO(b"<html>"), "a.pdf")
    assert "not a PDF" in post(f"{url}/announce", 422, expected_on="2020-06-25", label=text, instructions="In the box")
    assert afterwards.back(back).state is R.ASKED
    post(f"{url}/announce", expected_on="2020-06-25", instructions="In the box", label=(BytesIO(PDF), "a.pdf"))
    post(f"{url}/announce", expected_on="2020-06-26", instructions="In the blue box")
    assert "sealed, for the participant alone" in client.get(f"{STAFF}/{url}").text

    sign_in(client, cast.researcher)
    page = client.get(KIT).text
    assert ("In the blue box" in page, "26 Jun 2020" in page, "label.pdf" in page) == (True, True, True)
    assert client.post(f"{KIT}/returns/{back.id}/sent").status_code == 302
    assert client.post(f"{KIT}/returns/{back.id}/sent").status_code == 422
    sign_in(client, cast.logistics)
    assert client.get(f"{STAFF}/returns?state=late").text.count(">R-") == 0
    clock.tick(days=12)
    assert client.get(f"{STAFF}/returns?state=late").text.count(">R-") == 1
    post(f"{url}/arrive")
    post(f"{url}/arrive", 422)
    unit = f"returns/units/{afterwards.back(back).units[0].unit_id}"
    assert afterwards.back(back).units[0].unit.serial in client.get(f"{STAFF}/returns").text
    post(unit, 422)
    post(unit, 422, condition="good", outcome="restock")
    post(unit, condition="good", wiped="y", outcome="restock")
    assert afterwards.back(back).state is R.INSPECTED


def test_a_participant_asks_and_thinks_again(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    parcel = afterwards.received()
    sign_in(client, cast.researcher)

    assert client.post(f"{KIT}/{parcel.id}/return", data={"reason": " "}).status_code == 422
    assert client.post(f"{KIT}/{parcel.id}/return", data={"reason": "we are done"}).status_code == 302
    back = session.scalars(sa.select(KitReturn)).one()
    assert "I keep it after all" in client.get(KIT).text
    assert client.post(f"{KIT}/returns/{back.id}/withdraw").status_code == 302
    assert (afterwards.back(back).state, afterwards.again(parcel).state) == (R.CANCELLED, S.RECEIVED)
    assert client.post(f"{KIT}/returns/{back.id}/withdraw").status_code == 422
    assert news(session) == []


def test_what_logistics_asked_for_is_not_withdrawn_by_the_participant(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    parcel = afterwards.received()
    back = returns.ask(session, parcel, "The challenge is over.", by=afterwards.by, at=NOON)
    sign_in(client, cast.researcher)

    assert "I keep it after all" not in client.get(KIT).text
    assert client.post(f"{KIT}/returns/{back.id}/withdraw").status_code == 422


def test_letting_them_keep_it_ends_the_return(client: FlaskClient, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()
    sign_in(client, cast.logistics)

    assert client.post(f"{STAFF}/returns/{back.id}/cancel", data={"keep": "y"}).status_code == 422
    url = f"{STAFF}/returns/{back.id}/cancel"
    assert client.post(url, data={"keep": "y", "reason": "Enjoy it."}).status_code == 302

    assert (afterwards.back(back).state, afterwards.again(back.shipment).state) == (R.CANCELLED, S.RECEIVED)
    assert [place.unit.state for place in afterwards.again(back.shipment).places] == [UnitState.KEPT]


# Reminders


def test_a_return_is_reminded_of_before_and_after_its_day_and_not_for_ever(
    session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    afterwards.announced(days=10)
    told = []
    for day in range(1, 60):
        if remind(session, NOON + day * DAY):
            told.append(day)
        assert remind(session, NOON + day * DAY) == 0

    assert told == [7, 11, 18, 25]
    last = session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id.desc())).first()
    assert last is not None
    assert (last.template, last.context["late"], last.context["day"]) == ("kits/return_reminder", True, "25 June 2020")


def test_who_has_sent_it_is_not_reminded(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced(days=2)
    returns.say_sent(session, back, by=cast.researcher.id, at=NOON)
    session.commit()

    assert [remind(session, NOON + day * DAY) for day in range(9)] == [0] * 9


def test_the_home_page_tells_what_to_send_back(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced(days=10)

    [task] = queries.tasks(session, cast.member, NOON)
    assert (task.label, task.url) == ("Send your kit back", f"{KIT}#return-{back.id}")
    assert task.due is not None
    assert task.due.isoformat() == "2020-06-26T07:00:00+00:00"  # midnight in Los Angeles
    returns.say_sent(session, back, by=cast.researcher.id, at=NOON)
    assert queries.tasks(session, cast.member, NOON) == []


def test_a_unit_waits_for_one_inspection(session: Session, afterwards: Afterwards) -> None:
    [time] = afterwards.arrived().units

    session.add(UnitReturn(unit_id=time.unit_id, came_back_at=NOON))
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()
