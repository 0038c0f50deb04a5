"""What the lead means to answer, and what the lead does one by one."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications import states
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision, Disqualified
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Refused
from portal.selection import queries, rules
from portal.selection.actions import decisions, invitations
from portal.selection.actions.decisions import Given, Outcome, take_step
from portal.selection.queries.queue import Filter
from tests.cast import NOON, Cast, make_account, sign_in
from tests.selection.conftest import ANSWER_BY, STAFF, Bench, Mails

SELECTION = f"{STAFF}/selection"
LATER = NOON + timedelta(days=20)


def meant(session: Session, *applications: Application) -> list[Decision | None]:
    session.expire_all()
    return [row.pending_decision for row in applications]


def test_a_decision_is_noted_and_told_to_nobody(session: Session, bench: Bench, mails: Mails) -> None:
    first, second = bench.crowd(["a", "b"])

    assert bench.mean([first], Decision.INVITE) == Outcome(1, 0)

    assert meant(session, first, second) == [Decision.INVITE, None]
    assert (first.state, first.pending_at, mails()) == (ApplicationState.SUBMITTED, NOON, [])
    assert bench.tags() == ["selection:mean"]
    assert bench.mean([first], None) == Outcome(1, 0)
    assert (meant(session, first), first.pending_at) == ([None], None)


def test_nothing_selected_never_means_everyone(session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd(["a", "b"])
    with pytest.raises(Refused, match="No application was selected"):
        bench.mean([], Decision.DECLINE)
    with pytest.raises(Refused):
        decisions.mean(
            session, cast.challenge, Filter(text="nobody", full=True), Decision.DECLINE, by=cast.lead.id, at=NOON
        )
    assert meant(session, *rows) == [None, None]


def test_a_filter_stands_for_all_that_it_shows(session: Session, bench: Bench, cast: Cast) -> None:
    there, here = bench.crowd(["a"], country="JP"), bench.crowd(["b", "c"], country="DE")
    chosen = Filter(country="DE", full=True, states=rules.UNDECIDED)
    told = decisions.mean(session, cast.challenge, chosen, Decision.DECLINE, by=cast.lead.id, at=NOON)
    assert told == Outcome(2, 0)
    assert meant(session, *there, *here) == [None, Decision.DECLINE, Decision.DECLINE]


def test_what_cannot_be_meant_is_left_out(session: Session, bench: Bench, cast: Cast) -> None:
    own = bench.submitted(cast.lead)
    invited = bench.invited()
    (waved,) = bench.crowd(["in a wave"])
    bench.wave((waved, Decision.DECLINE))
    (free,) = bench.crowd(["free"])

    assert bench.mean([own, invited, waved, free], Decision.INVITE) == Outcome(1, 3)

    assert meant(session, own, invited, waved, free) == [None, None, Decision.DECLINE, Decision.INVITE]


def test_the_standing_counts_what_is_meant_in_one_statement(
    session: Session, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    bench.invited()
    rows = bench.crowd(["a", "b", "c", "d"])
    bench.mean(rows[:2], Decision.INVITE)
    bench.mean(rows[2:3], Decision.DECLINE)
    challenge = cast.challenge
    assert challenge.places == 50
    statements.clear()

    found = queries.standing(session, challenge)

    assert len([text for text in statements if text.startswith("SELECT")]) == 1
    assert found == rules.Standing(50, 0, 1, 0, 4, rules.Counts(2, 0, 1), 0)
    assert found.free == 49


@pytest.mark.parametrize(
    ("step", "given", "fields"),
    [
        (states.DISQUALIFY, Given(), ["reason", "kind"]),
        (states.DISQUALIFY, Given(reason="twice", kind=Disqualified.DUPLICATE), ["duplicate_of_id"]),
        (states.DISQUALIFY, Given(reason="twice", kind=Disqualified.DUPLICATE, duplicate_of_id=1), ["duplicate_of_id"]),
        (states.DISQUALIFY, Given(reason="x", kind=Disqualified.DUPLICATE, duplicate_of_id=99), ["duplicate_of_id"]),
    ],
)
def test_a_step_says_what_it_needs(
    session: Session, bench: Bench, cast: Cast, step: object, given: Given, fields: list[str]
) -> None:
    application = bench.submitted()
    assert application.id == 1
    with pytest.raises(Invalid) as refused:
        take_step(session, application, states.DISQUALIFY, given, by=cast.lead.id, at=NOON)
    assert sorted(refused.value.messages) == sorted(fields)
    assert application.state is ApplicationState.SUBMITTED


def test_disqualifying_a_duplicate_and_taking_it_back(session: Session, bench: Bench, cast: Cast, mails: Mails) -> None:
    original, copy = bench.crowd(["original", "copy"])
    given = Given(reason="The same person.", kind=Disqualified.DUPLICATE, duplicate_of_id=original.id)

    take_step(session, copy, states.DISQUALIFY, given, by=cast.lead.id, at=NOON)
    assert (copy.state, copy.duplicate_of_id, copy.disqualified_reason) == (
        ApplicationState.DISQUALIFIED, original.id, "The same person.",
    )  # fmt: skip
    take_step(session, copy, states.REINSTATE, Given(reason="Two people."), by=cast.lead.id, at=NOON)

    assert (copy.state, copy.disqualified, copy.duplicate_of_id) == (ApplicationState.SUBMITTED, None, None)
    assert bench.tags() == ["selection:disqualify", "selection:reinstate"]
    assert mails() == []


def test_rescinding_tells_why(session: Session, bench: Bench, cast: Cast, mails: Mails) -> None:
    application = bench.invited()
    take_step(session, application, states.RESCIND, Given(reason="Sanctions."), by=cast.lead.id, at=NOON)
    assert application.state is ApplicationState.RESCINDED
    last = mails()[-1]
    assert (last.template, last.context["reason"]) == ("selection/rescinded", "Sanctions.")


def test_an_expired_invitation_is_made_again_with_a_new_date(
    session: Session, bench: Bench, cast: Cast, mails: Mails
) -> None:
    application = bench.invited()
    invitations.expire_invitation(session, application, at=ANSWER_BY)
    with pytest.raises(Invalid, match="at least a day"):
        take_step(session, application, states.INVITE_AGAIN, Given(answer_by=ANSWER_BY), by=cast.lead.id, at=ANSWER_BY)

    take_step(session, application, states.INVITE_AGAIN, Given(answer_by=LATER), by=cast.lead.id, at=ANSWER_BY)

    assert (application.state, application.answer_by, application.decided_at) == (
        ApplicationState.INVITED, LATER, ANSWER_BY,
    )  # fmt: skip
    assert [mail.template for mail in mails()][-2:] == ["selection/expired", "selection/invited"]


@pytest.mark.parametrize(
    ("step", "state", "template"),
    [
        (states.INVITE_AFTER_ALL, ApplicationState.INVITED, "selection/invited"),
        (states.WAITLIST_AFTER_ALL, ApplicationState.WAITLISTED, "selection/waitlisted"),
    ],
)
def test_the_declined_can_be_taken_after_all_with_a_reason(
    session: Session, bench: Bench, cast: Cast, mails: Mails, step: object, state: ApplicationState, template: str
) -> None:
    application = bench.submitted()
    bench.release(bench.wave((application, Decision.DECLINE), answer_by=None), 1)
    session.refresh(application)
    move = next(move for move in decisions.SINGLE_STEPS if move is step)
    with pytest.raises(Invalid):
        take_step(session, application, move, Given(answer_by=LATER), by=cast.lead.id, at=NOON)

    take_step(session, application, move, Given(reason="We misread it.", answer_by=LATER), by=cast.lead.id, at=NOON)

    assert (application.state, mails()[-1].template) == (state, template)


@pytest.mark.parametrize("step", decisions.SINGLE_STEPS, ids=lambda step: step.name)
def test_each_step_is_refused_from_other_states(session: Session, bench: Bench, cast: Cast, step: object) -> None:
    move = next(move for move in decisions.SINGLE_STEPS if move is step)
    application = bench.submitted()
    if ApplicationState.SUBMITTED in move.sources:
        application = bench.invited(application)
    given = Given(reason="x", kind=Disqualified.SPAM, answer_by=LATER)
    with pytest.raises(Refused, match=move.label):
        take_step(session, application, move, given, by=cast.lead.id, at=NOON)


def test_a_lead_does_nothing_to_their_own_application(session: Session, bench: Bench, cast: Cast) -> None:
    own = bench.submitted(cast.lead)
    with pytest.raises(Refused, match="your own"):
        take_step(session, own, states.DISQUALIFY, Given(reason="x", kind=Disqualified.SPAM), by=cast.lead.id, at=NOON)


def test_the_second_of_two_leads_who_rescind_loses(session: Session, bench: Bench, cast: Cast) -> None:
    number, by = bench.invited().id, cast.lead.id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as second:
        seen = second.get_one(Application, number)
        _ = seen.challenge, seen.account
        second.commit()
        mine = session.get_one(Application, number)
        take_step(session, mine, states.RESCIND, Given(reason="first"), by=by, at=NOON)
        session.commit()
        with pytest.raises(Conflict):
            take_step(second, seen, states.RESCIND, Given(reason="second"), by=by, at=NOON)


@pytest.mark.parametrize("who", ["reviewer", "applicant", "admin", "logistics"])
def test_selection_is_for_the_lead(client: FlaskClient, session: Session, bench: Bench, cast: Cast, who: str) -> None:
    application = bench.submitted(cast.stranger)
    sign_in(client, getattr(cast, who))
    assert client.get(SELECTION).status_code == 403
    assert client.post(f"{SELECTION}/drafts", data={"name": "Mine", "places": 1}).status_code == 403
    page = f"{STAFF}/applications/{application.id}"
    assert client.post(f"{page}/decision", data={"decision": "invite"}).status_code == 403
    assert client.post(f"{page}/steps/disqualify", data={"reason": "x", "kind": "spam"}).status_code == 403
    assert client.get(f"{STAFF}/waves").status_code == 403
    assert meant(session, application) == [None]


def test_one_decision_and_one_step_on_the_page(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()
    page = f"{STAFF}/applications/{application.id}"
    sign_in(client, cast.lead)
    assert client.post(f"{page}/decision", data={"decision": "waitlist"}).location == page
    assert meant(session, application) == [Decision.WAITLIST]
    assert client.post(f"{page}/steps/nonsense").status_code == 404
    wrong = client.post(f"{page}/steps/disqualify", data={"kind": "spam", "reason": ""})
    assert wrong.status_code == 422
    assert "Say why." in wrong.text
    assert client.post(f"{page}/steps/disqualify", data={"kind": "spam", "reason": "ads"}).location == page
    session.expire_all()
    assert (application.state, application.pending_decision) == (ApplicationState.DISQUALIFIED, None)
    assert "Disqualified: spam" in client.get(page).text
    assert client.post(f"{page}/steps/disqualify", data={"kind": "spam", "reason": "ads"}).status_code == 422


def test_steps_name_days_in_the_challenges_zone(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    application = bench.invited()
    invitations.expire_invitation(session, application, at=ANSWER_BY)
    sign_in(client, cast.lead)
    client.post(f"{STAFF}/applications/{application.id}/steps/invite-again", data={"answer_on": "2020-07-03"})
    session.expire_all()
    assert application.answer_by is not None
    assert application.answer_by.isoformat() == "2020-07-04T06:59:00+00:00"


def test_roles_of_another_challenge_do_not_count(client: FlaskClient, bench: Bench, cast: Cast) -> None:
    sign_in(client, make_account(bench.session, "Lead Elsewhere", Role.LEAD, scope="other"))
    assert client.get(SELECTION).status_code == 403
