"""What holds parcels, and what people say of it."""

import random
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, PortalError, Refused
from portal.kits import actions, queries, states
from portal.kits.actions.holds import judge_hold
from portal.kits.models import AddressFinding, DeliveryAddress, Shipment, ShipmentHold
from portal.kits.queries.holds import queue, queue_counts
from portal.kits.states import ShipmentState
from portal.kits.states.holds import HoldKind, Judgement, Verdict
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.kits.conftest import HOUR, Bench

S, K = ShipmentState, HoldKind
CLEARED, CONFIRMED = Judgement.CLEARED, Judgement.CONFIRMED
PREPARED = [S.ADDRESS_CONFIRMED, S.READY, S.PACKED, S.LABELLED]


def kinds(bench: Bench, parcel: Shipment) -> list[HoldKind]:
    return [hold.kind for hold in bench.holds(parcel)]


@pytest.mark.parametrize("state", PREPARED)
def test_a_list_that_comes_later_holds_a_prepared_parcel(session: Session, bench: Bench, state: ShipmentState) -> None:
    parcel = bench.at(state)
    bench.screen("RESEARCHER, Rosa Maria", "Somebody Else")

    assert bench.judge() == 1
    assert bench.judge() == 0

    parcel = bench.again(parcel)
    [hold] = bench.holds(parcel)
    assert (parcel.state, parcel.carrier, parcel.tracking_number) == (S.HELD, None, None)
    assert (hold.kind, hold.field, hold.evidence["name"]) == (K.SCREENING, "recipient", "RESEARCHER, Rosa Maria")
    assert parcel.hold_reason == hold.reason == "The recipient is like an entry of “Our list” (score 93)"

    judge_hold(session, hold, CLEARED, "born elsewhere", by=bench.by, at=NOON)

    assert bench.again(parcel).state is S.ADDRESS_CONFIRMED
    unsaid = [event.title for event in queries.story_of(session, parcel) if not event.told]
    assert unsaid == ["Held", "Hold cleared", "Nothing holds it any more"]


def test_a_parcel_that_the_carrier_has_is_not_held(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.HANDED_OVER)
    bench.screen("Rosa Researcher")
    assert bench.judge() == 1
    assert (bench.again(parcel).state, bench.holds(parcel)) == (S.HANDED_OVER, [])


def test_an_address_is_held_against_everything_when_it_is_given(session: Session, bench: Bench) -> None:
    bench.policy("DE", Verdict.REVIEW)
    bench.screen("Rosa Resaercher", "Invalidenstr Hinterhaus")
    parcel = bench.parcel()

    bench.address()

    assert bench.again(parcel).state is S.HELD
    assert kinds(bench, parcel) == [K.POLICY_REVIEW, K.SCREENING]
    assert bench.judge() == 0


def test_a_parcel_for_a_known_address_is_held_when_it_is_planned(session: Session, bench: Bench) -> None:
    bench.policy("DE", Verdict.BLOCKED)
    bench.address()

    parcel = bench.parcel()

    assert (parcel.state, kinds(bench, parcel)) == (S.HELD, [K.POLICY_BLOCKED])


def test_what_the_policy_blocks_cannot_be_cleared_until_it_changes(session: Session, bench: Bench) -> None:
    bench.policy("DE", Verdict.BLOCKED)
    parcel = bench.at(S.ADDRESS_REQUESTED)
    bench.address()
    [hold] = bench.holds(parcel)
    with pytest.raises(Refused, match="when the policy is changed"):
        judge_hold(session, hold, CLEARED, "please", by=bench.by, at=NOON)
    judge_hold(session, hold, CONFIRMED, "indeed", by=bench.by, at=NOON)
    session.commit()

    bench.policy("DE", Verdict.REVIEW)
    bench.judge()
    assert kinds(bench, parcel) == [K.POLICY_REVIEW]
    bench.policy("DE", Verdict.ALLOW)
    bench.judge()

    assert (bench.holds(parcel), bench.again(parcel).state) == ([], S.ADDRESS_CONFIRMED)


def test_a_policy_counts_from_its_day_on_by_itself(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.READY)
    bench.policy("DE", Verdict.BLOCKED, valid_from=NOON.date() + timedelta(days=1))
    bench.judge()
    assert bench.again(parcel).state is S.READY

    assert bench.judge(NOON + 24 * HOUR) == 1

    assert bench.again(parcel).state is S.HELD


def test_what_was_cleared_is_not_asked_again_until_something_changes(
    session: Session, cast: Cast, bench: Bench
) -> None:
    bench.screen("Rosa Resaercher")
    parcel = bench.addressed()
    [hold] = bench.holds(parcel)
    judge_hold(session, hold, CLEARED, "another person", by=bench.by, at=NOON)
    session.commit()

    # The same entry in a newer list, the same address given again, another parcel: nothing to ask.
    bench.screen("Rosa Resaercher", "One More", at=NOON + HOUR)
    assert bench.judge() == 1
    bench.address(at=NOON + HOUR)
    other = bench.parcel(at=NOON + HOUR)
    assert (bench.holds(parcel), bench.holds(other), other.state) == ([], [], S.ADDRESS_CONFIRMED)

    bench.address(city="Bonn", at=NOON + 2 * HOUR)
    assert kinds(bench, parcel) == kinds(bench, other) == [K.SCREENING]
    for each in bench.holds(other):
        judge_hold(session, each, CLEARED, "still another person", by=bench.by, at=NOON)
    assert bench.holds(parcel) == []  # the verdict counts for all parcels of the participant
    bench.screen("ROSA RESAERCHER", at=NOON + 3 * HOUR)
    bench.judge()
    assert kinds(bench, parcel) == [K.SCREENING]


def test_what_was_confirmed_stays_until_the_address_changes(session: Session, bench: Bench) -> None:
    found = bench.screen("Rosa Resaercher")
    parcel = bench.addressed()
    [hold] = bench.holds(parcel)
    judge_hold(session, hold, CONFIRMED, "the same passport", by=bench.by, at=NOON)
    session.commit()
    with pytest.raises(Conflict, match="just given a verdict"):
        judge_hold(session, hold, CLEARED, "or not", by=bench.by, at=NOON)
    session.rollback()

    found.threshold = 100
    session.commit()
    bench.judge()
    assert [each.verdict for each in bench.holds(parcel)] == [CONFIRMED]
    offered = [move for move in states.MOVES if move.by and S.HELD in move.sources]
    assert offered == [states.CANCEL]

    bench.address(recipient="Quite Another")
    assert (bench.again(parcel).state, bench.holds(parcel)) == (S.ADDRESS_CONFIRMED, [])


def test_cancelling_lifts_what_held_it(session: Session, bench: Bench) -> None:
    bench.screen("Rosa Resaercher")
    parcel = bench.again(bench.addressed())

    bench.advance(parcel, "cancel")

    assert (bench.holds(parcel), parcel.state) == ([], S.CANCELLED)


@pytest.mark.parametrize("state", [S.PLANNED, S.ADDRESS_REQUESTED])
def test_a_parcel_without_an_address_goes_back_to_waiting(session: Session, bench: Bench, state: ShipmentState) -> None:
    parcel = bench.at(state)
    bench.advance(parcel, "hold", reason="ask the lawyers")
    [hold] = bench.holds(parcel)

    judge_hold(session, hold, CLEARED, "asked", by=bench.by, at=NOON)

    assert bench.again(parcel).state is S.PLANNED


def test_a_hold_by_hand_is_lifted_by_nobody_but_a_person(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.PACKED)
    bench.advance(parcel, "hold", reason="ask the lawyers")
    bench.address(city="Bonn")
    bench.screen("Nobody")
    bench.judge()
    assert kinds(bench, parcel) == [K.MANUAL]
    with pytest.raises(Refused, match="“Hold” is not possible"):
        bench.advance(bench.again(parcel), "hold")


def test_a_verdict_needs_a_note_and_stands_in_the_audit(session: Session, cast: Cast, bench: Bench) -> None:
    bench.screen("Rosa Resaercher")
    parcel = bench.addressed()
    [hold] = bench.holds(parcel)
    with pytest.raises(Invalid):
        judge_hold(session, hold, CLEARED, "", by=bench.by, at=NOON)

    judge_hold(session, hold, CLEARED, "another person", by=bench.by, at=NOON)
    session.commit()

    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "kits:judge-hold")).one()
    assert (entry.actor_id, entry.subject) == (cast.logistics.id, f"shipment:{parcel.id}")
    assert entry.detail == {
        "after": {"hold": hold.id, "kind": "screening", "ref": hold.ref, "verdict": "cleared"},
        "reason": "another person",
    }


def test_of_two_verdicts_the_second_loses(session: Session, bench: Bench) -> None:
    bench.screen("Rosa Resaercher")
    parcel = bench.addressed()
    [hold] = bench.holds(parcel)
    session.execute(
        sa.update(ShipmentHold)
        .values(verdict=CONFIRMED, note="first", judged_at=NOON)
        .execution_options(synchronize_session=False)
    )
    with pytest.raises(Conflict):
        judge_hold(session, hold, CLEARED, "second", by=bench.by, at=NOON)


def test_nothing_is_handed_over_before_it_was_held_against_what_counts(session: Session, bench: Bench) -> None:
    parcel = bench.at(S.LABELLED)
    bench.policy("JP", Verdict.BLOCKED)
    with pytest.raises(Refused, match="has not been held against them yet"):
        bench.advance(parcel, "hand-over")
    session.rollback()
    bench.policy("JP", Verdict.BLOCKED)
    bench.judge()

    bench.advance(bench.again(parcel), "hand-over")

    assert bench.again(parcel).state is S.HANDED_OVER


def test_what_no_key_opens_is_left_for_later(session: Session, cast: Cast, bench: Bench) -> None:
    bench.address()
    bench.address(cast.team.members[0])
    kept = queries.address_of(session, cast.participant.id, sealed=True)
    assert kept is not None
    kept.sealed = b"\x02" + b"x" * 60
    bench.policy("DE", Verdict.REVIEW)
    session.commit()

    assert bench.judge() == 1
    assert bench.judge() == 0


def test_purging_forgets_what_was_found_and_keeps_the_verdict(session: Session, cast: Cast, bench: Bench) -> None:
    bench.screen("Rosa Resaercher")
    parcel = bench.addressed()
    [hold] = bench.holds(parcel)
    judge_hold(session, hold, CLEARED, "another person", by=bench.by, at=NOON)

    assert actions.purge_address(session, cast.participant.id, at=NOON)
    session.commit()

    assert session.scalars(sa.select(AddressFinding)).all() == []
    session.refresh(hold)
    assert (hold.evidence, hold.field, hold.score, hold.verdict) == ({}, "", None, CLEARED)
    kept = session.scalars(sa.select(DeliveryAddress)).one()
    assert (kept.sealed_with, kept.judged_by) == (None, None)


@pytest.mark.parametrize(("values", "constraint"), [
    ({"verdict": CLEARED, "note": "x", "judged_at": NOON}, "cleared_is_lifted"), ({"verdict": CONFIRMED}, "judged_"),
    ({"verdict": CONFIRMED, "judged_at": NOON}, "judged_with_note"), ({"ref": "1"}, "manual_refers_to_nothing"),
])  # fmt: skip
def test_the_database_refuses_nonsense(
    session: Session, bench: Bench, values: dict[str, object], constraint: str
) -> None:
    parcel = bench.parcel()
    base = {"shipment_id": parcel.id, "kind": K.MANUAL, "reason": "x", "evidence": {}, "placed_at": NOON}
    session.add(ShipmentHold(**{**base, **values}))
    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        session.flush()


def test_a_parcel_is_held_once_for_the_same(session: Session, bench: Bench) -> None:
    parcel = bench.parcel()
    base = {"shipment_id": parcel.id, "kind": K.SCREENING, "ref": "x", "reason": "x", "evidence": {}, "placed_at": NOON}
    session.add_all([ShipmentHold(**base), ShipmentHold(**base)])
    with pytest.raises(sa.exc.IntegrityError, match=r"uq_shipment_hold_live|shipment_hold\.ref"):
        session.flush()


# Whatever is done in whatever order


def disagreements(session: Session) -> list[int]:
    """Parcels that are held without a reason, or are not in spite of one."""
    session.expire_all()
    held = set(session.scalars(sa.select(Shipment.id).where(Shipment.state == S.HELD)))
    live = set(session.scalars(sa.select(ShipmentHold.shipment_id).where(ShipmentHold.lifted_at.is_(None))))
    return sorted(held ^ live)


class Hands:
    """Does anything that bears on holds."""

    def __init__(self, session: Session, cast: Cast, bench: Bench, seed: int) -> None:
        self.session, self.cast, self.bench, self.dice = session, cast, bench, random.Random(seed)

    def act(self, at: datetime) -> bool:
        """One act at random; False if it was refused."""
        acts = [
            self.plan,
            self.step,
            self.step,
            self.step,
            self.give,
            self.give,
            self.write,
            self.verdict,
            self.verdict,
        ]
        try:
            self.dice.choice([*acts, self.judge, self.judge, self.screen])(at)
        except PortalError:
            self.session.rollback()
            return False
        self.session.commit()
        return True

    def plan(self, at: datetime) -> None:
        self.bench.parcel(self.dice.choice([self.cast.participant, self.cast.team]), at=at)

    def give(self, at: datetime) -> None:
        member = self.dice.choice([self.cast.member, self.cast.team.members[0]])
        who = self.dice.choice(["Rosa Researcher", "Tamar Teamlead"])
        self.bench.address(member, at=at, recipient=who, country=self.dice.choice(["DE", "FR"]))

    def step(self, at: datetime) -> None:
        numbers = self.session.scalars(sa.select(Shipment.id).order_by(Shipment.id)).all()
        parcel = queries.shipment(self.session, self.cast.challenge.id, self.dice.choice([*numbers, 0]))
        moves = [move for move in states.MOVES if move.by and parcel.state in move.sources]
        self.bench.advance(parcel, self.dice.choice([*moves, states.HOLD]).name, at=at)

    def write(self, at: datetime) -> None:
        self.bench.policy(self.dice.choice(["DE", "FR"]), self.dice.choice(list(Verdict)), at=at)

    def screen(self, at: datetime) -> None:
        self.bench.screen(self.dice.choice(["Rosa Resaercher", "Nobody"]), at=at)

    def judge(self, at: datetime) -> None:
        self.bench.judge(at)

    def verdict(self, at: datetime) -> None:
        live = self.session.scalars(sa.select(ShipmentHold).where(ShipmentHold.lifted_at.is_(None))).all()
        if live:
            judge_hold(self.session, self.dice.choice(live), self.dice.choice([CLEARED, CLEARED, CONFIRMED]), "x",
                       by=self.bench.by, at=at)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_a_parcel_is_held_exactly_while_something_holds_it(
    session: Session, cast: Cast, bench: Bench, seed: int
) -> None:
    hands, done, held = Hands(session, cast, bench, seed), 0, 0
    for hour in range(100):
        done += hands.act(NOON + hour * HOUR)
        assert disagreements(session) == []
        held += bool(session.scalars(sa.select(ShipmentHold.id).where(ShipmentHold.lifted_at.is_(None))).first())
    assert done > 50
    assert held > 5


# The pages

PAGE = f"/staff/{SLUG}/shipments/holds"


def test_the_queue_is_the_oldest_first_and_costs_the_same_for_many(
    session: Session, cast: Cast, bench: Bench, statements: list[str]
) -> None:
    bench.screen("Rosa Resaercher", "Researcher Rosa Maria", "Rosa X Researcher")
    parcel = bench.addressed()
    bench.judge()
    session.expire_all()
    number = cast.challenge.id

    statements.clear()
    page = queue(session, number)
    assert [hold.shipment.participant.name for hold in page.rows] == ["Rosa Researcher"] * 3
    assert len([told for told in statements if told.startswith("SELECT")]) == 1
    assert queue_counts(session, cast.challenge.id) == {"screening": 3}
    first = queue(session, cast.challenge.id, limit=2)
    rest = queue(session, cast.challenge.id, after=first.next, limit=2)
    assert [hold.id for hold in [*first.rows, *rest.rows]] == sorted(hold.id for hold in bench.holds(parcel))


def test_somebody_looks_and_decides(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    bench.screen("Rosa Resaercher", "Researcher Rosa Maria")
    parcel = bench.addressed()
    first, _ = sorted(hold.id for hold in bench.holds(parcel))
    sign_in(client, cast.logistics)

    listed = client.get(PAGE).text
    assert "Rosa Resaercher" in listed
    page = client.get(f"{PAGE}/{first}").text
    assert "of 100" in page
    assert "Invalidenstr" not in page + listed
    assert client.post(f"{PAGE}/{first}", data={"verdict": "cleared"}).status_code == 422
    assert client.post(f"{PAGE}/{first}", data={"verdict": "maybe", "note": "x"}).status_code == 422
    done = client.post(f"{PAGE}/{first}", data={"verdict": "cleared", "note": "others", "also": "y"})

    assert done.status_code == 302
    assert bench.again(parcel).state is S.ADDRESS_CONFIRMED
    shown = client.get(f"/staff/{SLUG}/shipments/{parcel.id}").text
    assert shown.count("by Pat Logistics: others") == 2
    assert client.post(f"{PAGE}/{first}", data={"verdict": "cleared", "note": "x"}).status_code == 409
    assert "Nothing waits for a verdict" in client.get(PAGE).text
    assert client.get(f"{PAGE}/99").status_code == 404
    assert client.get(f"{PAGE}?kind=nonsense").status_code == 404


def test_the_participant_sees_only_that_it_takes_longer(
    client: FlaskClient, session: Session, cast: Cast, bench: Bench
) -> None:
    bench.policy("DE", Verdict.REVIEW)
    bench.screen("Rosa Resaercher")
    bench.addressed()
    sign_in(client, cast.researcher)

    page = client.get(f"/challenges/{SLUG}/kit").text

    assert "takes a little longer" in page
    assert not any(word in page for word in ("Resaercher", "olicy", "creening", "like an entry", "score"))
