"""Finding units, changing many of them at once, and kinds of kit told otherwise."""

from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Refused
from portal.kits import actions
from portal.kits.actions.arranging import arrange
from portal.kits.actions.stock import change_model, delete_model, spec_of
from portal.kits.models import KitModel, Unit
from portal.kits.queries import UnitFilter
from portal.kits.queries import units as find
from tests.cast import NOON, Cast, make_challenge, sign_in
from tests.kits.conftest import SPEC, Bench

KITS = "/staff/test-challenge/kits"
MODEL = {
    "name": "RDB", "revision": "3", "weight_g": "300", "declared_value": "75.00", "currency": "EUR", "per_place": "2",
}  # fmt: skip


@pytest.fixture
def shelves(session: Session, cast: Cast, bench: Bench) -> list[Unit]:
    """Three boards, and two cables elsewhere."""
    boards = bench.units("KIT-1", "KIT-2", "KIT-3")
    cable = actions.add_model(session, cast.challenge, replace(SPEC, name="Cable"), by=bench.by, at=NOON)
    cables = actions.add_units(
        session, cast.challenge, cable, "C-1\nC-2", location="", firmware="", by=bench.by, at=NOON
    )
    session.commit()
    return [*boards, *cables]


def serials(session: Session, cast: Cast, **chosen: object) -> list[str]:
    rows = find(session, cast.challenge.id, UnitFilter(**chosen)).rows  # type: ignore[arg-type]
    return [unit.serial for unit in rows]


def lying(session: Session) -> dict[str, tuple[str, str]]:
    rows = session.execute(sa.select(Unit.serial, Unit.location, Unit.firmware))
    return {serial: (location, firmware) for serial, location, firmware in rows}


def test_units_are_found_by_what_is_known_of_them(session: Session, cast: Cast, shelves: list[Unit]) -> None:
    assert serials(session, cast, model=shelves[3].model_id) == ["C-1", "C-2"]
    assert serials(session, cast, location="Lab 3") == ["KIT-1", "KIT-2", "KIT-3"]
    assert serials(session, cast, location=" ", firmware=" ") == ["C-1", "C-2"]
    assert serials(session, cast, firmware="20.06", serial="kit-2") == ["KIT-2"]
    assert serials(session, cast, state="faulty") == []


def test_many_units_are_laid_elsewhere_at_once(
    session: Session, cast: Cast, shelves: list[Unit], statements: list[str]
) -> None:
    chosen, challenge = UnitFilter(location="Lab 3"), cast.challenge
    assert challenge.slug
    statements.clear()
    done = arrange(session, challenge, chosen, "location", "Shelf 1", count=3, by=cast.logistics.id, at=NOON)
    assert (done, len(statements)) == (3, 3)
    ids = [unit.id for unit in shelves[:2]]
    arrange(session, cast.challenge, ids, "firmware", "20.07", count=2, by=cast.logistics.id, at=NOON)
    session.commit()

    assert lying(session) == {
        "KIT-1": ("Shelf 1", "20.07"), "KIT-2": ("Shelf 1", "20.07"), "KIT-3": ("Shelf 1", "20.06"),
        "C-1": ("", ""), "C-2": ("", ""),
    }  # fmt: skip
    entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag.startswith("kits:set-")).order_by("id")).all()
    assert [(entry.tag, entry.detail["after"]["count"]) for entry in entries] == [
        ("kits:set-location", 3), ("kits:set-firmware", 2),
    ]  # fmt: skip


def test_another_number_than_was_seen_changes_nothing(session: Session, cast: Cast, shelves: list[Unit]) -> None:
    def put(chosen: list[int] | UnitFilter, value: str, count: int) -> None:
        arrange(session, cast.challenge, chosen, "location", value, count=count, by=cast.logistics.id, at=NOON)

    before = lying(session)
    with pytest.raises(Refused, match="5 units now, not 4"):
        put(UnitFilter(), "Shelf 1", 4)
    session.rollback()
    with pytest.raises(Refused, match="No unit was selected"):
        put([], "Shelf 1", 0)
    with pytest.raises(Invalid, match="At most 80"):
        put(UnitFilter(), "x" * 81, 5)
    assert lying(session) == before


def test_other_challenges_units_are_left_alone(session: Session, cast: Cast, shelves: list[Unit]) -> None:
    other = make_challenge(session, "other", "Other")
    with pytest.raises(Refused):
        arrange(session, other, [shelves[0].id], "location", "Mine", count=1, by=cast.logistics.id, at=NOON)


def test_a_selection_is_restated_and_then_changed(
    client: FlaskClient, session: Session, cast: Cast, shelves: list[Unit]
) -> None:
    sign_in(client, cast.logistics)
    page = client.get(f"{KITS}?location=Lab+3").text
    assert "All 3 that fit" in page
    chosen = {"unit": [shelves[0].id, shelves[1].id], "what": "location"}

    asked = client.post(f"{KITS}/arrange?location=Lab+3", data=chosen)
    assert (asked.status_code, "Location of 2 units" in asked.text) == (200, True)
    assert lying(session)["KIT-1"] == ("Lab 3", "20.06")
    done = client.post(f"{KITS}/arrange/set?location=Lab+3", data={**chosen, "value": "Shelf 7", "count": "2"})
    assert (done.status_code, done.location) == (302, f"{KITS}?location=Lab+3")
    assert {serial for serial, (where, _) in lying(session).items() if where == "Shelf 7"} == {"KIT-1", "KIT-2"}

    asked = client.post(f"{KITS}/arrange?location=Lab+3", data={"all": "y", "what": "firmware"})
    assert "Firmware build of 1 unit" in asked.text
    every = {"all": "y", "what": "firmware", "value": "20.08"}
    assert client.post(f"{KITS}/arrange/set?location=Lab+3", data={**every, "count": "2"}).status_code == 422
    assert client.post(f"{KITS}/arrange/set?location=Lab+3", data={**every, "count": "1"}).status_code == 302
    assert lying(session)["KIT-3"] == ("Lab 3", "20.08")
    nobody = client.post(f"{KITS}/arrange?location=Nowhere", data={"all": "y", "what": "location"})
    assert "Nothing fits this filter now" in nobody.text


@pytest.mark.parametrize(("data", "status"), [
    ({"what": "location"}, 422), ({"what": "location", "unit": ["x", "-1", str(2**40)]}, 422),
    ({"what": "serial", "unit": "1"}, 404),
])  # fmt: skip
def test_nothing_selected_never_means_everything(
    client: FlaskClient, session: Session, cast: Cast, shelves: list[Unit], data: dict[str, object], status: int
) -> None:
    sign_in(client, cast.logistics)
    before = lying(session)
    assert client.post(f"{KITS}/arrange", data=data).status_code == status
    assert client.post(f"{KITS}/arrange/set", data={**data, "value": "x", "count": "5"}).status_code == status
    long = client.post(f"{KITS}/arrange/set", data={"all": "y", "what": "location", "value": "x" * 81, "count": "5"})
    assert (long.status_code, "80" in long.text) == (422, True)
    assert lying(session) == before


def test_the_list_costs_the_same_for_few_and_for_many(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench, statements: list[str]
) -> None:
    sign_in(client, cast.logistics)
    costs = []
    for begin, end in ((0, 3), (3, 45)):
        bench.units(*(f"KIT-{number:03}" for number in range(begin, end)))
        session.commit()
        statements.clear()
        assert client.get(KITS).status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1]


# Kinds of kit


def test_a_model_is_told_otherwise_and_the_audit_keeps_what_it_was(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    model = bench.model()
    session.commit()
    sign_in(client, cast.logistics)
    page = client.get(f"{KITS}/models/{model.id}").text
    mark = page.split('name="mark" value="')[1].split('"')[0]

    assert client.post(f"{KITS}/models/{model.id}", data={**MODEL, "mark": mark}).status_code == 302
    session.expire_all()
    assert (model.revision, model.weight_g, model.declared_value, model.currency, model.per_place) == (
        "3", 300, Decimal("75.00"), "EUR", 2,
    )  # fmt: skip
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:change-model")).one()
    assert (entry.detail["before"]["revision"], entry.detail["after"]["revision"]) == ("2", "3")
    assert "name" not in entry.detail["after"]
    # Whoever still has the old page open is told.
    assert client.post(f"{KITS}/models/{model.id}", data={**MODEL, "mark": mark}).status_code == 409
    wrong = client.post(f"{KITS}/models/{model.id}", data={**MODEL, "weight_g": "0", "mark": mark})
    assert (wrong.status_code, f'value="{mark}"' in wrong.text) == (422, True)


def test_the_second_of_two_who_change_a_model_loses(session: Session, cast: Cast, bench: Bench) -> None:
    model = bench.model()
    seen = spec_of(model)
    change_model(session, cast.challenge, model, replace(seen, weight_g=1), seen, by=bench.by, at=NOON)
    with pytest.raises(Conflict, match="just changed"):
        change_model(session, cast.challenge, model, replace(seen, weight_g=2), seen, by=bench.by, at=NOON)
    actions.add_model(session, cast.challenge, replace(SPEC, revision="9"), by=bench.by, at=NOON)
    session.commit()
    with pytest.raises(Conflict, match="this name and revision"):
        change_model(session, cast.challenge, model, replace(SPEC, revision="9"), spec_of(model), by=bench.by, at=NOON)


def test_a_model_goes_only_while_it_has_no_units(
    client: FlaskClient, session: Session, cast: Cast, shelves: list[Unit], bench: Bench
) -> None:
    spec = replace(SPEC, name="Case")
    number, empty = (
        shelves[0].model_id,
        actions.add_model(session, cast.challenge, spec, by=bench.by, at=NOON).id,
    )
    session.commit()
    with pytest.raises(Refused, match="only while it has none"):
        delete_model(session, cast.challenge, session.get_one(KitModel, number), by=bench.by, at=NOON)
    sign_in(client, cast.logistics)
    assert "Delete Case" in client.get(f"{KITS}/models/{empty}").text
    assert "Delete RDB" not in client.get(f"{KITS}/models/{number}").text
    assert client.post(f"{KITS}/models/{number}/delete").status_code == 422
    assert client.post(f"{KITS}/models/{empty}/delete").status_code == 302
    assert client.post(f"{KITS}/models/{empty}/delete").status_code == 404
    session.rollback()
    with Session(db.engine) as other:
        assert sorted(other.scalars(sa.select(KitModel.name))) == ["Cable", "RDB"]


@pytest.mark.parametrize("per_place", [-1, 21])
def test_the_database_refuses_a_place_that_gets_nonsense(session: Session, bench: Bench, per_place: int) -> None:
    bench.model().per_place = per_place
    with pytest.raises(sa.exc.IntegrityError, match="per_place_in_range"):
        session.flush()
