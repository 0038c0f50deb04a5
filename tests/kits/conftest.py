"""A bench with kits on it."""

import io
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import current_app
from sqlalchemy.orm import Session

from portal.challenges.models import Member, Participant
from portal.core.mail import config_of
from portal.kits import actions, queries, states
from portal.kits.actions import Given, KitSpec, returns
from portal.kits.actions.lists import ListSpec, bring_in, check_list
from portal.kits.actions.policy import write_policy
from portal.kits.actions.returns import Announcement
from portal.kits.jobs import judge_addresses
from portal.kits.models import CountryPolicy, KitModel, KitReturn, ScreeningList, Shipment, ShipmentHold, Unit
from portal.kits.postal import Address
from portal.kits.queries import returns as lists
from portal.kits.queries.holds import live_holds
from portal.kits.queries.policy import live_lists
from portal.kits.rules.policy import PolicySpec
from portal.kits.rules.returns import day_of
from portal.kits.states import ShipmentState, Word
from portal.kits.states.holds import Verdict
from portal.kits.vault import Vault
from tests.cast import NOON, Cast

VAULT = Vault("only-for-tests-" * 4)
SPEC = KitSpec("RDB", "2", 320, Decimal("60.00"), "USD", hs_code="8543.70", eccn="5A992.c", origin="CN")
BERLIN = Address(
    country="DE", recipient="Rosa Researcher", street="Invalidenstr. 117\nHinterhaus", phone="+49301234567",
    city="Berlin", postal_code="10115",
)  # fmt: skip
TODAY = NOON.date()
HOUR = timedelta(hours=1)


class Bench:
    """Makes stock and parcels in the test challenge."""

    def __init__(self, session: Session, cast: Cast) -> None:
        self.session, self.cast = session, cast
        self.by = cast.logistics.id

    def model(self) -> KitModel:
        """The one kind of kit."""
        known = queries.models(self.session, self.cast.challenge.id)
        return known[0] if known else actions.add_model(self.session, self.cast.challenge, SPEC, by=self.by, at=NOON)

    def units(self, *serials: str) -> list[Unit]:
        """Units in stock."""
        return list(
            actions.add_units(
                self.session, self.cast.challenge, self.model(), "\n".join(serials), location="Lab 3",
                firmware="20.06", by=self.by, at=NOON,
            )
        )  # fmt: skip

    def address(self, member: Member | None = None, at: datetime = NOON, **changes: Any) -> None:
        """The participant's address in Berlin."""
        given = Address.of({**BERLIN.content(), **changes})
        actions.give_address(self.session, member or self.cast.member, given, doubtful=False, vault=VAULT, at=at)

    def parcel(self, participant: Participant | None = None, at: datetime = NOON) -> Shipment:
        """A planned parcel to the researcher, or somebody else."""
        [made] = actions.plan(
            self.session, self.cast.challenge, [participant or self.cast.participant], by=self.by, at=at
        )
        return made

    def advance(self, parcel: Shipment, *names: str, at: datetime = NOON, **given: str) -> None:
        """Take steps of logistics by their names."""
        moves = {move.name: move for move in states.MOVES}
        told = {"reason": "because", "carrier": "DHL", "tracking_number": f"JD{parcel.id:06}", **given}
        for name in names:
            actions.advance(self.session, parcel, moves[name], Given(**told), by=self.by, at=at)

    def at(self, state: ShipmentState, *serials: str) -> Shipment:
        """A parcel with units that has come as far as `state`, before or at its hand-over; committed."""
        parcel = self.parcel()
        if state is not ShipmentState.PLANNED:
            self.advance(parcel, "request-address")
        if state not in (ShipmentState.PLANNED, ShipmentState.ADDRESS_REQUESTED):
            self.address()
            parcel = self.again(parcel)
            for unit in self.units(*(serials or ("KIT-1",))):
                actions.assign_unit(self.session, parcel, unit, by=self.by, at=NOON)
        steps = {"ready": "ready", "pack": "packed", "label": "labelled", "hand-over": "handed_over"}
        for name, reached in steps.items():
            if parcel.state is state or state in (ShipmentState.PLANNED, ShipmentState.ADDRESS_REQUESTED):
                break
            self.advance(parcel, name)
            assert parcel.state == reached
        self.session.commit()
        return self.again(parcel)

    def addressed(self) -> Shipment:
        """A parcel whose address has just been given, held or not; committed."""
        parcel = self.parcel()
        self.address()
        self.session.commit()
        return self.again(parcel)

    def policy(
        self, country: str, verdict: Verdict, region: str = "", valid_from: date = TODAY, at: datetime = NOON
    ) -> CountryPolicy:
        """What may be sent to a country."""
        spec = PolicySpec(country, region, verdict, valid_from)
        return write_policy(self.session, self.cast.challenge, spec, by=self.by, at=at)

    def screen(self, *names: str, name: str = "Our list", threshold: int = 90, at: datetime = NOON) -> ScreeningList:
        """A list of these names; committed."""
        file = io.BytesIO("\n".join(["name", *names]).encode())
        spec = ListSpec(name, "ourselves", at.date(), threshold, "names.csv")
        for _ in bring_in(self.session, self.cast.challenge, file, check_list(file), spec, by=self.by, at=at):
            self.session.commit()
        return next(each for each in live_lists(self.session, self.cast.challenge.id) if each.name == name)

    def judge(self, at: datetime = NOON) -> int:
        """Hold addresses against what has changed, as the worker does."""
        done = judge_addresses(self.session, at)
        self.session.expire_all()
        return done

    def holds(self, parcel: Shipment) -> list[ShipmentHold]:
        """What holds a parcel now."""
        return list(live_holds(self.session, [parcel.id]))

    def again(self, parcel: Shipment) -> Shipment:
        """The parcel as it is now, whole."""
        return queries.shipment(self.session, parcel.challenge_id, parcel.id)


PDF = b"%PDF-1.7\n% a label for the way back\n"


class Afterwards(Bench):
    """What comes after a parcel has arrived."""

    def received(self, *serials: str, word: Word = Word.RECEIVED) -> Shipment:
        """A parcel that the researcher has."""
        parcel = self.at(ShipmentState.HANDED_OVER, *serials)
        actions.say(self.session, parcel, word, "", by=self.cast.researcher.id, at=NOON)
        self.session.commit()
        return self.again(parcel)

    def asked(self, *serials: str) -> KitReturn:
        """A return that the researcher has asked for."""
        parcel = self.received(*serials)
        return returns.ask(self.session, parcel, "The challenge is over.", by=self.cast.researcher.id, at=NOON)

    def announced(self, *serials: str, label: bytes | None = PDF, days: int = 10) -> KitReturn:
        """A return that is expected in so many days, with a label sealed under the application's own key."""
        made = self.asked(*serials)
        told = Announcement(day_of(NOON, self.cast.challenge.zone) + timedelta(days=days), "DHL", "RT0001", label=label)
        vault = Vault.of(config_of(current_app))
        returns.announce(self.session, self.back(made), told, vault=vault, by=self.by, at=NOON)
        self.session.commit()
        return self.back(made)

    def arrived(self, *serials: str) -> KitReturn:
        """A return that is here."""
        made = self.announced(*serials)
        returns.arrive(self.session, made, by=self.by, at=NOON)
        self.session.commit()
        return self.back(made)

    def back(self, made: KitReturn) -> KitReturn:
        """The return as it is now, whole."""
        return lists.one(self.session, self.cast.challenge.id, made.id)


@pytest.fixture
def afterwards(session: Session, cast: Cast) -> Afterwards:
    """The bench, when parcels have arrived."""
    return Afterwards(session, cast)


@pytest.fixture
def bench(session: Session, cast: Cast) -> Bench:
    """The bench."""
    return Bench(session, cast)
