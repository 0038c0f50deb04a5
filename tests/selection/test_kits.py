"""Places and kits as one counter, seen from the selection: with a shelf of so many kits."""

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.applications.actions import withdraw_application
from portal.applications.models import Application
from portal.applications.states import (
    DISQUALIFY,
    INVITE_AFTER_ALL,
    INVITE_AGAIN,
    RESCIND,
    ApplicationState,
    Decision,
    Disqualified,
)
from portal.challenges.models import Participant
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.selection import supply
from portal.selection.actions import decisions, invitations, kits, waves
from portal.selection.actions.decisions import Given
from portal.selection.queries.promised import needing, promised
from portal.selection.rules.pace import Pace
from portal.selection.states import WaveState
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import ANSWER_BY, STAFF, Bench, Shelf

LATER = ANSWER_BY + timedelta(days=7)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Three kits."""
    made = Shelf(3)
    monkeypatch.setattr(supply, "stocks", [made])
    return made


def held(*rows: Application) -> list[str]:
    return [f"application:{row.id}" for row in rows]


def rescind(session: Session, cast: Cast, row: Application) -> None:
    decisions.take_step(session, row, RESCIND, Given(reason="Sanctions."), by=cast.lead.id, at=NOON)


# Waves


def test_releasing_keeps_a_kit_for_everybody_who_is_invited(bench: Bench, shelf: Shelf) -> None:
    first, second, third = bench.crowd(["a", "b", "c"])
    wave = bench.wave((first, Decision.INVITE), (second, Decision.INVITE), (third, Decision.DECLINE))
    assert shelf.kept == {}

    bench.release(wave, 3)

    assert sorted(shelf.kept) == held(first, second)
    assert shelf.count == 1


def test_a_wave_for_which_kits_are_missing_is_not_released(
    session: Session, bench: Bench, shelf: Shelf, cast: Cast
) -> None:
    rows = bench.crowd(["a", "b", "c", "d", "e"])
    wave = bench.wave(*((row, Decision.INVITE) for row in rows))

    with pytest.raises(Refused, match="2 missing"):
        waves.release_wave(session, wave, count=5, by=cast.lead.id, at=NOON)
    session.rollback()

    assert (session.get_one(type(wave), wave.id).state, shelf.kept) == (WaveState.DRAFT, {})
    assert {row.state for row in rows} == {ApplicationState.SUBMITTED}
    for row in rows[:2]:
        kits.set_need(session, row, needs=False, reason="Has two boards.", by=cast.lead.id, at=NOON)
    session.commit()
    bench.release(wave, 5)
    assert sorted(shelf.kept) == held(*rows[2:])


def test_what_is_skipped_and_what_is_stopped_is_not_kept(
    session: Session, bench: Bench, shelf: Shelf, cast: Cast
) -> None:
    first, second, third = bench.crowd(["a", "b", "c"])
    wave = bench.wave(*((row, Decision.INVITE) for row in (first, second, third)))
    waves.pace_wave(session, wave, Pace(rate=1), by=cast.lead.id, at=NOON)
    bench.release(wave, 3)
    assert (len(shelf.kept), promised(session, cast.challenge.id)) == (3, [first.id, second.id, third.id])
    told = session.scalars(sa.select(Application).where(Application.state == ApplicationState.INVITED)).one()

    # The wave goes on when there is no time left to answer: the next is skipped.
    waves.hand_over(session, wave, at=ANSWER_BY - timedelta(hours=1), limit=1)
    session.commit()
    assert len(shelf.kept) == 2
    waves.stop_wave(session, wave, "too late", by=cast.lead.id, at=ANSWER_BY)
    session.commit()

    assert list(shelf.kept) == held(told)
    assert promised(session, cast.challenge.id) == [told.id]


def test_who_withdraws_before_being_told_holds_nothing(
    session: Session, bench: Bench, shelf: Shelf, cast: Cast
) -> None:
    first, second = bench.crowd(["a", "b"])
    wave = bench.wave((first, Decision.INVITE), (second, Decision.INVITE))
    waves.pace_wave(session, wave, Pace(rate=1), by=cast.lead.id, at=NOON)
    bench.release(wave, 2)
    (waiting,) = (row for row in (first, second) if row.state is ApplicationState.SUBMITTED)

    withdraw_application(session, waiting, at=NOON)
    session.commit()

    assert len(shelf.kept) == 1
    assert waiting.id not in promised(session, cast.challenge.id)


def test_releasing_costs_the_same_for_few_and_for_many(
    session: Session, bench: Bench, shelf: Shelf, statements: list[str]
) -> None:
    shelf.count = 100
    numbers = []
    for names in (["a", "b", "c"], [f"n{number}" for number in range(60)]):
        wave = bench.wave(*((row, Decision.INVITE) for row in bench.crowd(names)))
        statements.clear()
        bench.release(wave, len(names))
        numbers.append(len(statements))
    assert numbers[1] <= numbers[0] + 2
    assert len(shelf.kept) == 63


# Answers, and what time does


def test_accepting_passes_the_kit_on(session: Session, bench: Bench, shelf: Shelf, cast: Cast) -> None:
    row = bench.invited()

    participant = invitations.accept_invitation(
        session, row, cast.applicant, invitations.Signing("Ada Applicant"), at=NOON
    )  # fmt: skip

    assert shelf.kept == {f"application:{row.id}": participant.id}
    assert (participant.needs_kit, promised(session, cast.challenge.id)) == (True, [])


def test_refusing_expiring_rescinding_and_withdrawing_give_it_back(
    session: Session, bench: Bench, shelf: Shelf, cast: Cast
) -> None:
    def refuse(row: Application) -> None:
        invitations.refuse_invitation(session, row, row.account, at=NOON)

    def expire(row: Application) -> None:
        invitations.expire_invitation(session, row, at=ANSWER_BY)

    def withdraw(row: Application) -> None:
        withdraw_application(session, row, at=NOON)

    ends = (refuse, expire, withdraw, lambda row: rescind(session, cast, row))
    for row, end in zip(bench.crowd(["a", "b", "c", "d"]), ends, strict=True):
        bench.invited(row)
        assert (shelf.count, list(shelf.kept)) == (2, held(row))
        end(row)
        assert (shelf.count, shelf.kept) == (3, {})


def test_giving_an_accepted_place_back_gives_the_kit_back(
    session: Session, bench: Bench, shelf: Shelf, cast: Cast
) -> None:
    row = bench.invited()
    invitations.accept_invitation(session, row, cast.applicant, invitations.Signing("Ada"), at=NOON)
    withdraw_application(session, row, at=NOON)
    assert shelf.kept == {}


def test_erasing_an_account_gives_it_back_and_forgets_the_reason(
    session: Session, bench: Bench, shelf: Shelf, cast: Cast
) -> None:
    row = bench.invited()
    (other,) = bench.crowd(["a"])
    kits.set_need(session, other, needs=False, reason="Lives next door to us.", by=cast.lead.id, at=NOON)
    session.commit()
    assert list(shelf.kept) == held(row)

    for eraser in personal.erasers:
        eraser(session, row.account_id, NOON)
        eraser(session, other.account_id, NOON)
    session.commit()

    assert shelf.kept == {}
    assert (other.state, other.needs_kit, other.no_kit_because) == (ApplicationState.ERASED, False, "")


def test_inviting_again_and_after_all_needs_a_kit_too(session: Session, bench: Bench, shelf: Shelf, cast: Cast) -> None:
    expired, declined = bench.crowd(["a", "b"])
    bench.invited(expired)
    invitations.expire_invitation(session, expired, at=ANSWER_BY)
    bench.release(bench.wave((declined, Decision.DECLINE)), 1)
    shelf.count = 1
    again = Given(reason="A place is free.", answer_by=LATER)

    decisions.take_step(session, expired, INVITE_AGAIN, again, by=cast.lead.id, at=NOON)
    session.commit()
    with pytest.raises(Refused, match="1 missing"):
        decisions.take_step(session, declined, INVITE_AFTER_ALL, again, by=cast.lead.id, at=NOON)
    session.rollback()

    assert list(shelf.kept) == held(expired)
    assert declined.state is ApplicationState.DECLINED


def test_where_nobody_counts_kits_nothing_is_kept(session: Session, bench: Bench, cast: Cast) -> None:
    row = bench.invited()
    assert supply.free_kits(session, cast.challenge.id) is None
    assert row.state is ApplicationState.INVITED


# No kit needed


def test_no_kit_is_kept_for_whoever_needs_none(session: Session, bench: Bench, shelf: Shelf, cast: Cast) -> None:
    row = bench.invited()
    kits.set_need(session, row, needs=False, reason="Has one of 2019.", by=cast.lead.id, at=NOON)
    assert (row.needs_kit, row.no_kit_because, shelf.kept) == (False, "Has one of 2019.", {})

    kits.set_need(session, row, needs=True, reason="It broke.", by=cast.lead.id, at=NOON)
    assert (row.needs_kit, row.no_kit_because, list(shelf.kept)) == (True, None, held(row))
    session.commit()
    entries = session.scalars(
        sa.select(AuditEntry).where(AuditEntry.tag == "selection:set-need").order_by(AuditEntry.id)
    ).all()
    assert [(entry.actor_id, entry.detail["reason"], entry.detail["after"]) for entry in entries] == [
        (cast.lead.id, "Has one of 2019.", {"needs_kit": False}), (cast.lead.id, "It broke.", {"needs_kit": True}),
    ]  # fmt: skip


def test_a_kit_that_is_needed_after_all_must_be_there(session: Session, bench: Bench, shelf: Shelf, cast: Cast) -> None:
    row = bench.invited()
    kits.set_need(session, row, needs=False, reason="Has one.", by=cast.lead.id, at=NOON)
    session.commit()
    shelf.count = 0

    with pytest.raises(Refused, match="1 missing"):
        kits.set_need(session, row, needs=True, reason="It broke.", by=cast.lead.id, at=NOON)
    session.rollback()

    assert row.needs_kit is False


def test_before_the_invitation_it_is_only_noted(session: Session, bench: Bench, shelf: Shelf, cast: Cast) -> None:
    row = bench.submitted()
    for needs in (False, True):
        kits.set_need(session, row, needs=needs, reason="So.", by=cast.lead.id, at=NOON)
        assert shelf.kept == {}


def test_the_participant_is_told_apart_too(session: Session, bench: Bench, shelf: Shelf, cast: Cast) -> None:
    row = bench.submitted()
    kits.set_need(session, row, needs=False, reason="Has one.", by=cast.lead.id, at=NOON)
    bench.invited(row)
    made = invitations.accept_invitation(session, row, cast.applicant, invitations.Signing("Ada"), at=NOON)
    assert (made.needs_kit, shelf.kept) == (False, {})

    kits.set_need(session, row, needs=True, reason="It broke.", by=cast.lead.id, at=NOON)
    assert session.get_one(Participant, made.id).needs_kit is True


def test_what_cannot_be_noted_is_refused(session: Session, bench: Bench, cast: Cast) -> None:
    row = bench.submitted()
    with pytest.raises(Invalid, match="Say why"):
        kits.set_need(session, row, needs=False, reason="", by=cast.lead.id, at=NOON)
    with pytest.raises(Refused, match="already"):
        kits.set_need(session, row, needs=True, reason="So.", by=cast.lead.id, at=NOON)
    with pytest.raises(Refused, match="own"):
        kits.set_need(session, row, needs=False, reason="So.", by=cast.applicant.id, at=NOON)
    step = Given(reason="Twice.", kind=Disqualified.SPAM)
    decisions.take_step(session, row, DISQUALIFY, step, by=cast.lead.id, at=NOON)
    with pytest.raises(Refused, match="disqualified"):
        kits.set_need(session, row, needs=False, reason="So.", by=cast.lead.id, at=NOON)


def test_the_second_of_two_who_note_it_loses(session: Session, bench: Bench, cast: Cast) -> None:
    row = bench.submitted()
    assert row.needs_kit is True
    session.execute(
        sa.update(Application)
        .values(needs_kit=False, no_kit_because="Somebody else's reason.")
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    with pytest.raises(Conflict):
        kits.set_need(session, row, needs=False, reason="So.", by=cast.lead.id, at=NOON)


@pytest.mark.parametrize("values", [{"needs_kit": False}, {"no_kit_because": "So."}])
def test_the_database_wants_a_reason_and_only_then(session: Session, bench: Bench, values: dict[str, object]) -> None:
    bench.submitted()
    with pytest.raises(sa.exc.IntegrityError, match="no_kit_has_reason"):
        session.execute(sa.update(Application).values(**values))


# Pages


def test_the_lead_notes_it_and_the_list_shows_it(client: FlaskClient, session: Session, bench: Bench) -> None:
    row = bench.submitted()
    sign_in(client, bench.cast.lead)
    url = f"{STAFF}/applications/{row.id}/kit"

    assert client.post(url, data={"needs": "no", "reason": " "}).status_code == 422
    assert client.post(url, data={"needs": "perhaps", "reason": "So."}).status_code == 422
    assert client.get(url).status_code == 405
    assert client.post(url, data={"needs": "no", "reason": "Has a board."}).status_code == 302

    page = client.get(f"{STAFF}/applications/{row.id}").text
    assert "No kit is kept for this place." in page
    assert "No kit needed: Has a board." in page
    assert '<span class="mark">no kit needed</span>' in client.get(f"{STAFF}/applications").text
    table = list(csv.DictReader(io.StringIO(client.get(f"{STAFF}/applications.csv").text)))
    assert [line["needs_kit"] for line in table] == ["False"]
    sign_in(client, bench.cast.reviewer)
    assert "Has a board." not in client.get(f"{STAFF}/applications/{row.id}").text
    assert client.post(url, data={"needs": "yes", "reason": "So."}).status_code == 403


def test_the_wave_tells_how_many_kits_are_free_and_how_many_are_needed(
    client: FlaskClient, session: Session, bench: Bench, shelf: Shelf
) -> None:
    rows = bench.crowd(["a", "b", "c", "d", "e"])
    kits.set_need(session, rows[0], needs=False, reason="Has one.", by=bench.cast.lead.id, at=NOON)
    wave = bench.wave(*((row, Decision.INVITE) for row in rows))
    assert needing(session, wave.id) == [row.id for row in rows[1:]]
    sign_in(client, bench.cast.lead)

    page = client.get(f"{STAFF}/waves/1").text
    assert "1 kit is missing" in page
    assert "4 invitations of this wave need a kit, and 3 are free" in page
    refused = client.post(f"{STAFF}/waves/1/release", data={"count": "5"})
    assert (refused.status_code, "1 missing" in refused.text) == (422, True)

    shelf.count = 4
    page = client.get(f"{STAFF}/waves/1").text
    assert "missing" not in page
    assert "needed: 4" in page
    assert client.post(f"{STAFF}/waves/1/release", data={"count": "5"}).status_code == 302
    assert "Kits free" not in client.get(f"{STAFF}/waves/1").text
