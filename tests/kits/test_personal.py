"""What is handed over of a person's kits, and what is forgotten with them."""

from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.kits import queries
from portal.kits.actions import reservations
from portal.kits.personal import erase
from portal.kits.states import ShipmentState
from tests.cast import NOON, Cast
from tests.kits.conftest import Bench


def test_the_export_holds_the_address_in_clear(app: Flask, session: Session, cast: Cast, bench: Bench) -> None:
    parcel = bench.at(ShipmentState.HANDED_OVER)

    told = personal.export(session, cast.researcher.id)["kits"]

    assert [(found["challenge"], found["recipient"], found["city"]) for found in told["addresses"]] == [
        (cast.slug, "Rosa Researcher", "Berlin")
    ]
    assert [(found["reference"], found["state"]) for found in told["parcels"]] == [(parcel.reference, "handed_over")]
    assert personal.export(session, cast.colleague.id)["kits"] == {
        "addresses": [], "units_kept": [], "parcels": [], "returns": [], "replacements": [], "mails": [],
    }  # fmt: skip


def test_erasing_forgets_the_address_that_the_person_gave(session: Session, cast: Cast, bench: Bench) -> None:
    bench.at(ShipmentState.READY)
    bench.address(cast.team.members[0], recipient="Tamar Teamlead")
    session.commit()

    erase(session, cast.researcher.id, NOON)
    session.commit()

    mine = queries.address_of(session, cast.participant.id, sealed=True)
    theirs = queries.address_of(session, cast.team.id, sealed=True)
    assert mine is not None
    assert theirs is not None
    assert (mine.sealed, mine.purged_at) == (None, NOON)
    assert theirs.sealed is not None


def test_the_export_tells_what_is_kept(app: Flask, session: Session, cast: Cast, bench: Bench) -> None:
    bench.units("KIT-1", "KIT-2")
    reservations.reserve_missing(session, cast.challenge, by=bench.by, at=NOON)
    session.commit()
    assert personal.export(session, cast.researcher.id)["kits"]["units_kept"] == [{"serial": "KIT-1", "since": NOON}]
