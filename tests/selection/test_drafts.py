"""What-ifs: limits, pins, the choice and its reasons, going stale, freezing."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.models import Application, application_scenario
from portal.applications.states import ApplicantKind, ApplicationState, Decision, Triage
from portal.challenges.models import Member
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, NotFound, Refused
from portal.selection import personal, supply
from portal.selection.actions import drafts, waves
from portal.selection.actions.drafts import Freezing, Settings
from portal.selection.actions.kits import set_need
from portal.selection.jobs import solve_drafts
from portal.selection.models import Draft, DraftChoice, DraftLimit, Lottery, Pin
from portal.selection.queries import drafts as queries
from portal.selection.queries.drafts import Shown
from portal.selection.rules import lottery
from portal.selection.rules.drafts import Wish
from portal.selection.states import Because, DraftState, LimitKind
from tests.cast import NOON, Cast, make_challenge, make_participant, sign_in
from tests.selection.conftest import ANSWER_BY, STAFF, Bench, Shelf

SELECTION = f"{STAFF}/selection"
LATER = NOON + timedelta(hours=1)


def scored(bench: Bench, *scores: float, country: str = "DE", **columns: object) -> list[Application]:
    """Applications with these scores."""
    made = []
    for score in scores:
        name = f"{country} {score} {len(bench.session.scalars(sa.select(Application.id)).all())}"
        made += bench.crowd([name], country=country, score_mean=score, review_count=2, **columns)
    return made


def solve(bench: Bench, made: Draft, at: object = LATER) -> dict[int, DraftChoice]:
    """The choices of a draft, solved and committed."""
    found = queries.draft(bench.session, bench.cast.challenge.id, made.number)
    drafts.solve_draft(bench.session, found, by=bench.cast.lead.id, at=LATER)
    bench.session.commit()
    rows = bench.session.scalars(sa.select(DraftChoice).where(DraftChoice.draft_id == made.id))
    return {row.application_id: row for row in rows}


def meant(bench: Bench, *rows: Application) -> list[Decision | None]:
    bench.session.expire_all()
    return [row.pending_decision for row in rows]


def test_the_best_get_the_places_and_the_others_learn_why(bench: Bench, session: Session) -> None:
    best, cut, below, none = [*scored(bench, 4.5, 4.0, 3.69), *bench.crowd(["Unread"])]
    made = bench.what_if(2)

    told = solve(bench, made)

    session.refresh(made)
    assert (made.state, made.taken, made.pool_size, made.score_sum) == (DraftState.SOLVED, 2, 4, 850)
    assert {number: row.taken for number, row in told.items()} == {
        best.id: True, cut.id: True, below.id: False, none.id: False,
    }  # fmt: skip
    assert [told[row.id].because for row in (best, cut, below, none)] == [
        Because.RANK, Because.RANK, Because.SWAP, Because.UNSCORED,
    ]  # fmt: skip
    assert (told[below.id].rival_id, told[below.id].gap) == (cut.id, -31)
    assert [told[row.id].place for row in (best, cut, below, none)] == [1, 2, 3, 4]


def test_limits_of_every_kind(bench: Bench, session: Session) -> None:
    germans = scored(bench, 5.0, 4.9, 4.8, affiliation="ACME, Inc.")
    (kenyan,) = scored(bench, 2.0, country="KE")
    (team,) = scored(bench, 1.5, country="FR", kind=ApplicantKind.TEAM)
    (keen,) = scored(bench, 1.0, country="FR", affiliation="acme")
    session.execute(sa.insert(application_scenario).values(application_id=keen.id, scenario_id=bench.codes["H1"]))
    session.commit()
    made = bench.what_if(
        4,
        limits=[
            Wish(LimitKind.COUNTRY, "DE", None, 1),
            Wish(LimitKind.REGION, "Eastern Africa", 1, None),
            Wish(LimitKind.SCENARIO, "H1", 1, 1),
            Wish(LimitKind.ORGANISATION, "acme", None, 2),
            Wish(LimitKind.KIND, "team", 1, None),
        ],
    )

    told = solve(bench, made)

    assert {row.application_id for row in told.values() if row.taken} == {germans[0].id, kenyan.id, team.id, keen.id}
    # Everybody else is held by a minimum, so only the other German could make room.
    assert (told[germans[1].id].because, told[germans[1].id].rival_id, told[germans[1].id].gap) == (
        Because.SWAP, germans[0].id, -10,
    )  # fmt: skip
    assert told[kenyan.id].because is Because.RANK
    assert (told[team.id].because, told[team.id].limits) == (
        Because.MOVED_UP, ["at most 1 from Germany", "at most 2 of the organisation acme"],
    )  # fmt: skip


def test_first_timers_have_been_in_no_earlier_challenge(bench: Bench, session: Session, cast: Cast) -> None:
    again, new = scored(bench, 4.5, 3.0)
    earlier = make_challenge(session, "earlier", "Earlier")
    earlier.starts_on = cast.challenge.starts_on - timedelta(days=365)
    session.flush()
    make_participant(session, earlier, again.account)
    session.commit()
    assert session.scalars(sa.select(Member.account_id).where(Member.account_id == again.account_id)).all()
    told = solve(bench, bench.what_if(1, limits=[Wish(LimitKind.FIRST_TIMERS, "", 1, None)]))
    assert [told[again.id].taken, told[new.id].taken] == [False, True]
    assert (told[new.id].because, told[new.id].limits) == (
        Because.PULLED, ["at least 1 who take part for the first time"],
    )  # fmt: skip


def test_a_limit_on_each_holds_for_every_one(bench: Bench) -> None:
    germans, french = scored(bench, 4.9, 4.8, affiliation="A"), scored(bench, 4.0, 3.9, country="FR", affiliation="B")
    told = solve(bench, bench.what_if(3, limits=[Wish(LimitKind.EACH_COUNTRY, "", None, 1)]))
    assert [told[row.id].taken for row in (*germans, *french)] == [True, False, True, False]
    told = solve(bench, bench.what_if(3, limits=[Wish(LimitKind.EACH_ORGANISATION, "", None, 1)]))
    assert [told[row.id].taken for row in (*germans, *french)] == [True, False, True, False]
    assert told[germans[1].id].limits == ["at most 1 of the organisation a"]


def test_those_without_a_score_count_where_triage_said_yes(bench: Bench) -> None:
    (yes,), (no,) = bench.crowd(["yes"], triage=Triage.YES), bench.crowd(["no"], triage=Triage.NO)
    assert not any(row.taken for row in solve(bench, bench.what_if(2)).values())
    told = solve(bench, bench.what_if(2, unscored=True))
    assert [told[yes.id].taken, told[no.id].taken] == [True, False]
    assert told[yes.id].score == 0


def test_pins_count_whatever_the_score(bench: Bench, session: Session, cast: Cast) -> None:
    best, second, unread = [*scored(bench, 4.5, 4.0), *bench.crowd(["Unread"])]
    made, by = bench.what_if(2), cast.lead.id
    drafts.pin(session, made, best.id, "Works with us.", inside=False, by=by, at=NOON)
    drafts.pin(session, made, unread.id, "Promised.", inside=True, by=by, at=NOON)
    told = solve(bench, made)
    assert [told[row.id].because for row in (best, second, unread)] == [
        Because.PINNED_OUT, Because.RANK, Because.PINNED_IN,
    ]  # fmt: skip
    session.refresh(made)
    drafts.unpin(session, made, best.id, by=by, at=NOON)
    session.commit()
    assert made.state is DraftState.DRAFT
    told = solve(bench, made)
    assert [told[row.id].taken for row in (best, second, unread)] == [True, False, True]
    with pytest.raises(NotFound):
        drafts.unpin(session, made, best.id, by=by, at=NOON)


def test_whom_nobody_can_pin(bench: Bench, session: Session, cast: Cast) -> None:
    made, by = bench.what_if(), cast.lead.id
    own, invited = bench.submitted(cast.lead), bench.invited()
    for number, reason in ((own.id, "Me."), (invited.id, "x"), (99_999, "x")):
        with pytest.raises(Refused):
            drafts.pin(session, made, number, reason, inside=True, by=by, at=NOON)
    (free,) = scored(bench, 3.0)
    with pytest.raises(Refused, match="Say why"):
        drafts.pin(session, made, free.id, " ", inside=True, by=by, at=NOON)


def test_what_cannot_be_kept_is_told_in_words(bench: Bench, session: Session) -> None:
    scored(bench, 4.0, 3.9, country="KE", kind=ApplicantKind.TEAM)
    scored(bench, 4.0)
    limits = [Wish(LimitKind.REGION, "Africa", 2, 5), Wish(LimitKind.KIND, "team", None, 1)]
    made = bench.what_if(3, limits=[*limits, Wish(LimitKind.COUNTRY, "DE", 1, None)])
    assert solve(bench, made) == {}
    session.refresh(made)
    assert made.state is DraftState.INFEASIBLE
    assert made.clash == ["at least 2 from Africa", "at most 1 team"]


def test_a_minimum_above_the_pool_is_told_with_the_number(bench: Bench, session: Session) -> None:
    scored(bench, 4.0, country="KE")
    made = bench.what_if(3, limits=[Wish(LimitKind.REGION, "Africa", 2, None)])
    solve(bench, made)
    session.refresh(made)
    assert made.clash == ["at least 2 from Africa", "only 1 in the pool"]


def test_kits_and_countries_without_post(
    bench: Bench, session: Session, monkeypatch: pytest.MonkeyPatch, cast: Cast
) -> None:
    french, german, third = [*scored(bench, 4.9, country="FR"), *scored(bench, 4.0, 3.9)]
    shelf = Shelf(5)
    monkeypatch.setattr(supply, "stocks", [shelf])
    made = bench.what_if(3, kits_each=2, unshippable=("FR",))
    told = solve(bench, made)
    session.refresh(made)
    assert (made.kits, made.taken) == (2, 2)
    assert [told[row.id].taken for row in (french, german, third)] == [False, True, True]
    assert told[french.id].because is Because.UNSHIPPABLE
    bench.invited(bench.submitted(cast.applicant))
    assert (shelf.count, queries.kits_for_places(session, cast.challenge, 2)) == (4, 2)
    shelf.count = 3
    assert queries.kits_for_places(session, cast.challenge, 2) == 1
    with pytest.raises(Refused, match="changed since"):
        drafts.freeze_draft(session, made, Freezing(2), by=cast.lead.id, at=NOON)


def test_whoever_needs_no_kit_is_not_kept_out_by_the_stock(
    bench: Bench, session: Session, monkeypatch: pytest.MonkeyPatch, cast: Cast
) -> None:
    best, second, equipped = scored(bench, 4.9, 4.5, 3.0)
    set_need(session, equipped, needs=False, reason="Has two boards.", by=cast.lead.id, at=NOON)
    monkeypatch.setattr(supply, "stocks", [Shelf(1)])
    made = bench.what_if(3, kits_each=1)

    told = solve(bench, made)

    assert [told[row.id].taken for row in (best, second, equipped)] == [True, False, True]
    assert told[second.id].because is Because.BLOCKED
    assert (made.kits, made.taken) == (1, 2)


def test_equal_scores_are_left_to_the_lottery(bench: Bench, session: Session) -> None:
    rows = scored(bench, 4.0, 4.001, 3.999)
    made = bench.what_if(1)
    told = solve(bench, made)
    seed = made.lottery.seed
    winner = max(rows, key=lambda row: lottery.number(seed, row.id))
    assert [told[row.id].taken for row in rows] == [row is winner for row in rows]
    lost = next(row for row in rows if row is not winner)
    assert (told[lost.id].because, told[lost.id].rival_id, told[lost.id].gap) == (Because.TIE, winner.id, 0)
    assert told[lost.id].lottery == lottery.number(seed, lost.id)


def test_drafts_share_one_lottery_until_one_is_frozen(bench: Bench, session: Session, cast: Cast) -> None:
    scored(bench, 4.0)
    first, second = bench.what_if(1), bench.what_if(1)
    assert first.lottery_id == second.lottery_id
    drawn = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "selection:draw-lottery")).one()
    assert drawn.detail["after"] == {"number": 1, "commitment": lottery.commitment(first.lottery.seed)}
    assert first.lottery.seed not in str([row.detail for row in session.scalars(sa.select(AuditEntry))])
    solve(bench, first)
    session.refresh(first)
    drafts.freeze_draft(session, first, Freezing(1), by=cast.lead.id, at=LATER)
    session.commit()
    assert second.lottery.revealed_at == LATER
    third = bench.what_if(1)
    assert third.lottery.number == 2
    frozen = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "selection:freeze-draft")).one()
    assert frozen.detail["after"] == {"invite": 1, "waitlist": 0, "decline": 0, "seed": first.lottery.seed}


def test_the_database_keeps_one_open_lottery(bench: Bench, session: Session, cast: Cast) -> None:
    bench.what_if()
    seed = "0" * 64
    session.add(Lottery(challenge_id=cast.challenge.id, number=9, seed=seed, commitment=seed, drawn_at=NOON))
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()


def test_freezing_means_the_taken_the_next_and_the_rest(bench: Bench, session: Session, cast: Cast) -> None:
    rows = scored(bench, 4.5, 4.0, 3.5, 3.0, 2.5)
    (unread,), own = bench.crowd(["Unread"]), bench.submitted(cast.lead)
    made = bench.what_if(2)
    solve(bench, made)
    session.refresh(made)

    told = drafts.freeze_draft(session, made, Freezing(2, 2, "scored"), by=cast.lead.id, at=LATER)
    session.commit()

    assert told == {"invite": 2, "waitlist": 2, "decline": 1}
    assert meant(bench, *rows, unread, own) == [
        Decision.INVITE, Decision.INVITE, Decision.WAITLIST, Decision.WAITLIST, Decision.DECLINE, None, None,
    ]  # fmt: skip
    assert made.state is DraftState.FROZEN
    with pytest.raises(Refused, match="Freeze"):
        drafts.freeze_draft(session, made, Freezing(2), by=cast.lead.id, at=LATER)


def test_everybody_else_can_be_declined_but_one_s_own(bench: Bench, session: Session, cast: Cast) -> None:
    (row,), (unread,), own = scored(bench, 4.5), bench.crowd(["Unread"]), bench.submitted(cast.lead)
    made = bench.what_if(1)
    solve(bench, made)
    session.refresh(made)
    drafts.freeze_draft(session, made, Freezing(1, 0, "all"), by=cast.lead.id, at=LATER)
    session.commit()
    assert meant(bench, row, unread, own) == [Decision.INVITE, Decision.DECLINE, None]


@pytest.mark.parametrize("change", ["score", "new", "edit", "withdraw", "triage"])
def test_a_stale_draft_is_not_frozen(bench: Bench, session: Session, cast: Cast, change: str) -> None:
    row, other = scored(bench, 4.5, 4.0)
    made = bench.what_if(1)
    solve(bench, made)
    if change == "score":
        row.score_adjusted = 4.2
    elif change == "new":
        scored(bench, 4.9)
    elif change == "edit":
        row.version += 1
    elif change == "triage":
        other.triage = Triage.YES
    else:
        other.state = ApplicationState.WITHDRAWN
    session.commit()
    session.refresh(made)
    with pytest.raises(Refused, match="have changed"):
        drafts.freeze_draft(session, made, Freezing(1), by=cast.lead.id, at=LATER)
    session.rollback()
    assert (made.state, meant(bench, row)) == (DraftState.SOLVED, [None])


def test_another_number_freezes_nothing(bench: Bench, session: Session, cast: Cast) -> None:
    (row,) = scored(bench, 4.5)
    made = bench.what_if(1)
    solve(bench, made)
    session.refresh(made)
    with pytest.raises(Refused, match="takes 1, not 2"):
        drafts.freeze_draft(session, made, Freezing(2), by=cast.lead.id, at=LATER)
    assert meant(bench, row) == [None]


def test_the_second_who_freezes_loses(bench: Bench, session: Session, cast: Cast) -> None:
    scored(bench, 4.5)
    made = bench.what_if(1)
    solve(bench, made)
    challenge, number, by = cast.challenge.id, made.number, cast.lead.id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as second:
        seen = queries.draft(second, challenge, number)
        second.commit()
        drafts.freeze_draft(session, queries.draft(session, challenge, number), Freezing(1), by=by, at=LATER)
        session.commit()
        with pytest.raises((Conflict, Refused)):
            drafts.freeze_draft(second, seen, Freezing(1), by=by, at=LATER)


def test_a_wave_that_was_first_keeps_its_applications(bench: Bench, session: Session, cast: Cast) -> None:
    row, _ = scored(bench, 4.5, 4.0)
    made = bench.what_if(1)
    solve(bench, made)
    bench.mean([row], Decision.DECLINE)
    waves.create_wave(session, cast.challenge, ANSWER_BY, by=cast.lead.id, at=LATER)
    session.commit()
    session.refresh(made)
    with pytest.raises(Refused, match="have changed"):
        drafts.freeze_draft(session, made, Freezing(1), by=cast.lead.id, at=LATER)
    session.rollback()
    assert meant(bench, row) == [Decision.DECLINE]


def test_a_large_pool_is_left_to_the_job(bench: Bench, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    row, _ = scored(bench, 4.5, 4.0)
    monkeypatch.setattr(drafts, "AT_ONCE", 1)
    made, gone = bench.what_if(1), bench.what_if(1)
    assert solve(bench, made) == solve(bench, gone) == {}
    session.refresh(made)
    assert made.state is DraftState.SOLVING
    drafts.discard_draft(session, gone, by=bench.cast.lead.id, at=LATER)
    session.commit()

    assert [solve_drafts(session, LATER), solve_drafts(session, LATER)] == [1, 0]

    session.refresh(made)
    assert (made.state, made.taken, gone.state) == (DraftState.SOLVED, 1, DraftState.DISCARDED)
    taken = sa.select(DraftChoice.application_id).where(DraftChoice.draft_id == made.id, DraftChoice.taken)
    assert session.scalars(taken).all() == [row.id]


def test_changing_forgets_what_was_found(bench: Bench, session: Session, cast: Cast) -> None:
    scored(bench, 4.5, 4.0)
    made = bench.what_if(1, limits=[Wish(LimitKind.COUNTRY, "DE", None, 2)])
    solve(bench, made)
    session.refresh(made)
    drafts.change_draft(session, made, Settings("Other", 2), by=cast.lead.id, at=LATER)
    session.commit()
    assert (made.state, made.name, made.places, made.taken, made.print) == (DraftState.DRAFT, "Other", 2, None, None)
    assert session.scalars(sa.select(sa.func.count()).select_from(DraftChoice)).one() == 0
    drafts.set_limit(session, made, Wish(LimitKind.COUNTRY, "DE", None, 1), by=cast.lead.id, at=LATER)
    session.commit()
    assert [(limit.value, limit.most) for limit in made.limits] == [("DE", 1)]
    drafts.drop_limit(session, made, made.limits[0].id, by=cast.lead.id, at=LATER)
    session.commit()
    assert made.limits == []
    with pytest.raises(NotFound):
        drafts.drop_limit(session, made, 99, by=cast.lead.id, at=LATER)


@pytest.mark.parametrize("wish", [Wish(LimitKind.KIND, "team", None, None), Wish(LimitKind.KIND, "team", 3, 2)])
def test_limits_that_limit_nothing(bench: Bench, session: Session, cast: Cast, wish: Wish) -> None:
    made = bench.what_if()
    with pytest.raises(Refused):
        drafts.set_limit(session, made, wish, by=cast.lead.id, at=NOON)
    session.add(DraftLimit(draft_id=made.id, **wish._asdict()))
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()


def test_a_copy_asks_for_the_same(bench: Bench, session: Session, cast: Cast) -> None:
    (row,) = scored(bench, 4.5)
    made = bench.what_if(1, limits=[Wish(LimitKind.COUNTRY, "DE", 1, 2)], unscored=True, kits_each=2)
    drafts.pin(session, made, row.id, "Yes.", inside=True, by=cast.lead.id, at=NOON)
    made = queries.draft(session, cast.challenge.id, made.number)
    copy = drafts.copy_draft(session, made, "Copy", by=cast.lead.id, at=NOON)
    session.commit()
    copy = queries.draft(session, cast.challenge.id, copy.number)
    assert (copy.number, copy.name, copy.places, copy.unscored, copy.kits_each) == (2, "Copy", 1, True, 2)
    assert [(limit.value, limit.least, limit.most) for limit in copy.limits] == [("DE", 1, 2)]
    assert [(pin.application_id, pin.reason) for pin in copy.pins] == [(row.id, "Yes.")]


def test_how_two_drafts_differ(bench: Bench, session: Session, cast: Cast) -> None:
    german, second, french = [*scored(bench, 4.5, 4.0), *scored(bench, 3.0, country="FR")]
    plain, mixed = bench.what_if(2), bench.what_if(2, limits=[Wish(LimitKind.COUNTRY, "FR", 1, None)])
    solve(bench, plain), solve(bench, mixed)
    session.refresh(plain), session.refresh(mixed)
    found = queries.compare(session, plain, mixed)
    assert [(side.application.id, side.other) for side in found.only_first] == [(second.id, Because.SWAP)]
    assert [(side.application.id, side.because) for side in found.only_second] == [(french.id, Because.PULLED)]
    assert (found.both, found.countries) == (1, [("DE", 2, 1), ("FR", 0, 1)])
    assert german.id not in [side.application.id for side in (*found.only_first, *found.only_second)]


def test_pages_cost_the_same_for_3_and_300(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    sign_in(client, cast.lead)
    made = bench.what_if(2, limits=[Wish(LimitKind.COUNTRY, "DE", None, 1), Wish(LimitKind.SCENARIO, "H1", None, 1)])
    address, costs = f"{SELECTION}/drafts/{made.number}", []
    for number in (3, 297):
        bench.crowd([f"{number} {n}" for n in range(number)], score_mean=4.25, review_count=2)
        assert client.post(f"{address}/solve").location == address
        statements.clear()
        page = client.get(address).text
        costs.append(len(statements))
        assert "experience" not in " ".join(statements)
    assert costs[0] == costs[1]
    assert "At most 1 from Germany" in page
    assert "Blocked by: <strong>at most 1 from Germany</strong>" in page
    shown = queries.choices(session, made.id, Shown(taken="no", because="blocked"))
    assert (len(shown.rows), shown.next is not None) == (50, True)
    assert len(queries.choices(session, made.id, Shown(taken="yes")).rows) == 1


def test_the_whole_way_on_pages(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    rows = scored(bench, 4.5, 4.0, 3.5)
    sign_in(client, cast.lead)
    assert "No draft yet" in client.get(SELECTION).text
    assert client.post(f"{SELECTION}/drafts", data={"name": "", "places": "x"}).status_code == 422
    address = client.post(f"{SELECTION}/drafts", data={"name": "Ours", "places": "2"}).location
    assert address == f"{SELECTION}/drafts/1"
    assert "Not solved yet" in client.get(address).text
    wrongs = (
        {"whom": "moon:", "most": "1"}, {"whom": "country:DE"}, {"whom": "each country:", "least": "1"},
        {"whom": "country:DE", "least": "3", "most": "2"}, {"whom": "organisation:", "most": "1"},
    )  # fmt: skip
    for wrong in wrongs:
        assert client.post(f"{address}/limits", data=wrong).status_code == 422
    limited = client.post(f"{address}/limits", data={"whom": "organisation:", "organisation": "ACME Ltd", "most": "1"})
    assert limited.location == f"{address}#limits"
    assert "At most 1 of the organisation acme" in client.get(address).text
    client.post(f"{address}/pins", data={"application": rows[2].id, "inside": "in", "reason": "Promised."})
    assert client.post(f"{address}/pins", data={"application": rows[2].id, "inside": "in"}).status_code == 422
    client.post(f"{address}/settings", data={"name": "Ours", "places": "2", "kits_each": "", "unshippable": "FR"})
    assert client.post(f"{address}/solve").location == address
    page = client.get(address).text
    assert "8.00" in page
    assert "Write 2 to confirm." in page
    assert client.post(f"{address}/freeze", data={"count": "3", "waitlist": "0", "rest": "nobody"}).status_code == 422
    assert client.post(f"{address}/freeze", data={"count": "", "waitlist": "0", "rest": "nobody"}).status_code == 422
    answer = client.post(f"{address}/freeze", data={"count": "2", "waitlist": "1", "rest": "nobody"})
    assert answer.location == address
    assert "2 to invite, 1 to waitlist, 0 to decline" in client.get(address).text
    assert meant(bench, *rows) == [Decision.INVITE, Decision.WAITLIST, Decision.INVITE]
    assert session.scalars(sa.select(Lottery.seed)).one() in client.get(address).text
    assert client.post(f"{address}/copy").location == f"{SELECTION}/drafts/2"
    client.post(f"{SELECTION}/drafts/2/solve")
    assert client.get(f"{SELECTION}/compare?a=1&b=2").status_code == 200
    assert client.get(f"{SELECTION}/compare?a=1&b=9").status_code == 404
    assert client.post(f"{SELECTION}/drafts/2/discard").location == SELECTION
    assert client.get(f"{SELECTION}/drafts/9").status_code == 404
    assert client.post(f"{address}/discard").status_code == 422


def test_the_seed_is_not_shown_before(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    scored(bench, 4.5)
    made = bench.what_if(1)
    solve(bench, made)
    sign_in(client, cast.lead)
    page = client.get(f"{SELECTION}/drafts/{made.number}").text
    assert made.lottery.commitment in page
    assert made.lottery.seed not in page


def test_an_erased_person_is_pinned_no_more(bench: Bench, session: Session, cast: Cast) -> None:
    application, made = bench.submitted(), bench.what_if(1)
    drafts.pin(session, made, application.id, "Met them in Lyon.", inside=True, by=cast.lead.id, at=NOON)
    session.commit()
    personal.erase(session, cast.applicant.id, NOON)
    session.commit()
    assert session.scalars(sa.select(Pin)).all() == []
