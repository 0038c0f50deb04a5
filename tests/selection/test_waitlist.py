"""Who of the waiting list comes next."""

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.core.errors import Conflict, Refused
from portal.selection.actions import drafts, invitations
from portal.selection.actions.drafts import Freezing
from portal.selection.actions.waitlist import invite_next
from portal.selection.queries import drafts as draft_queries
from portal.selection.queries import waitlist
from portal.selection.rules.drafts import Wish
from portal.selection.states import Because, LimitKind
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import ANSWER_BY, STAFF, Bench

PAGE = f"{STAFF}/waitlist"


def waiting(bench: Bench, *people: tuple[float, str]) -> list[Application]:
    """People on the waiting list."""
    made = []
    for score, country in people:
        number = len(bench.session.scalars(sa.select(Application.id)).all())
        made += bench.crowd(
            [f"{country} {number}"], country=country, score_mean=score, review_count=2,
            state=ApplicationState.WAITLISTED, decided_by_id=bench.cast.lead.id, decided_at=NOON,
        )  # fmt: skip
    return made


def frozen(bench: Bench, places: int, *limits: Wish) -> None:
    """A frozen draft with these limits."""
    session, challenge, by = bench.session, bench.cast.challenge, bench.cast.lead.id
    made = bench.what_if(places, limits=limits)
    found = draft_queries.draft(session, challenge.id, made.number)
    drafts.solve_draft(session, found, by=by, at=NOON)
    drafts.freeze_draft(session, found, Freezing(found.taken or 0), by=by, at=NOON)
    session.commit()


def places(bench: Bench, number: int) -> None:
    bench.cast.challenge.places = number
    bench.session.commit()


def test_the_best_come_next_where_no_draft_was_frozen(bench: Bench, session: Session, cast: Cast) -> None:
    second, first, third = waiting(bench, (4.0, "DE"), (4.5, "FR"), (3.9, "DE"))
    bench.invited()
    places(bench, 3)
    found = waitlist.proposal(session, cast.challenge)
    assert (found.free, found.waiting, sorted(found.ids)) == (2, 3, sorted([first.id, second.id]))
    rows = {row.candidate.id: row for row in found.found.rows}
    assert (rows[third.id].reason.because, rows[third.id].reason.gap) == (Because.SWAP, -10)


def test_the_frozen_limits_hold_on_and_count_those_with_a_place(bench: Bench, session: Session, cast: Cast) -> None:
    (german,) = bench.crowd(["German"], country="DE", score_mean=4.9, review_count=2)
    frozen(bench, 1, Wish(LimitKind.COUNTRY, "DE", None, 1))
    bench.release(bench.wave(), 1)
    best, next_, after = waiting(bench, (4.8, "DE"), (4.0, "FR"), (3.0, "FR"))
    places(bench, 2)

    found = waitlist.proposal(session, cast.challenge)

    assert found.ids == [next_.id]
    rows = dict(zip([row.candidate.id for row in found.found.rows], found.labels, strict=True))
    assert rows[best.id] == ("at most 1 from Germany",)
    assert rows[after.id] == ()
    session.refresh(german)
    assert german.state is ApplicationState.INVITED


def test_minima_that_nobody_can_fill_are_given_up_and_said(bench: Bench, session: Session, cast: Cast) -> None:
    kenyan, _ = bench.crowd(["Kenyan", "Other"], country="KE", score_mean=4.0, review_count=2)
    frozen(bench, 1, Wish(LimitKind.REGION, "Africa", 1, None))
    bench.release(bench.wave(), 1)
    chosen = session.scalars(sa.select(Application).where(Application.state == ApplicationState.INVITED)).one()
    invitations.expire_invitation(session, chosen, at=ANSWER_BY)
    session.commit()
    (only,) = waiting(bench, (3.0, "FR"))
    places(bench, 1)
    found = waitlist.proposal(session, cast.challenge)
    assert (found.ids, found.given_up) == ([only.id], ("at least 1 from Africa",))
    assert kenyan.id not in found.ids


def test_no_place_no_proposal(bench: Bench, session: Session, cast: Cast) -> None:
    waiting(bench, (4.0, "DE"))
    bench.invited()
    places(bench, 1)
    assert waitlist.proposal(session, cast.challenge).ids == []
    bench.invited(bench.submitted(cast.stranger))
    found = waitlist.proposal(session, cast.challenge)
    assert (found.ids, found.free) == ([], 0)


def test_whoever_is_meant_to_be_invited_has_the_place(bench: Bench, session: Session, cast: Cast) -> None:
    first, second = waiting(bench, (4.5, "DE"), (4.0, "DE"))
    places(bench, 1)
    found = waitlist.proposal(session, cast.challenge)
    assert invite_next(session, cast.challenge, found.ids, found.mark, by=cast.lead.id, at=NOON) == 1
    session.commit()
    session.refresh(first)
    assert first.pending_decision is Decision.INVITE
    again = waitlist.proposal(session, cast.challenge)
    assert (again.free, again.waiting, again.ids) == (0, 1, [])
    assert second.id not in again.ids
    assert bench.tags()[-2:] == ["selection:mean", "selection:invite-next"]


def test_only_who_is_proposed_as_it_was_seen(bench: Bench, session: Session, cast: Cast) -> None:
    first, second = waiting(bench, (4.5, "DE"), (4.0, "DE"))
    places(bench, 1)
    challenge, by = cast.challenge, cast.lead.id
    mark = waitlist.proposal(session, challenge).mark
    with pytest.raises(Refused, match="Nobody was chosen"):
        invite_next(session, challenge, [], mark, by=by, at=NOON)
    with pytest.raises(Refused, match="who are proposed"):
        invite_next(session, challenge, [second.id], mark, by=by, at=NOON)
    first.state = ApplicationState.WITHDRAWN
    session.commit()
    with pytest.raises(Conflict, match="have changed"):
        invite_next(session, challenge, [second.id], mark, by=by, at=NOON)


def test_one_s_own_application_is_left_to_others(bench: Bench, session: Session, cast: Cast) -> None:
    (own,) = waiting(bench, (4.5, "DE"))
    own.account_id = cast.lead.id
    session.commit()
    places(bench, 1)
    mark = waitlist.proposal(session, cast.challenge).mark
    with pytest.raises(Conflict):
        invite_next(session, cast.challenge, [own.id], mark, by=cast.lead.id, at=NOON)


def test_the_page_proposes_and_the_lead_takes(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    sign_in(client, cast.lead)
    assert "appears here, the best first" in client.get(PAGE).text
    places(bench, 2)
    costs = []
    for number in (3, 60):
        waiting(bench, *[(3 + n % 100 / 100, "DE") for n in range(number)])
        statements.clear()
        page = client.get(PAGE).text
        costs.append(len(statements))
    assert costs[0] == costs[1]
    assert "Mean to invite the ticked" in page
    found = waitlist.proposal(session, cast.challenge)
    told = client.post(PAGE, data={"mark": found.mark, "application": found.ids})
    assert told.location == f"{STAFF}/waves"
    assert "2 meant to be invited" in client.get(f"{STAFF}/waves").text
    assert client.post(PAGE, data={"mark": found.mark, "application": found.ids}).status_code == 409


@pytest.mark.parametrize("who", ["reviewer", "applicant", "admin"])
def test_the_waiting_list_is_for_the_lead(client: FlaskClient, cast: Cast, who: str) -> None:
    sign_in(client, getattr(cast, who))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE).status_code == 403


def test_the_lead_is_told_of_free_places(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    sign_in(client, cast.lead)
    waiting(bench, (4.0, "DE"), (3.0, "DE"))
    places(bench, 1)
    assert "Places free for the waiting list" in client.get(STAFF + "/").text
