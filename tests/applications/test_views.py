"""The applicant's page and the staff's list over HTTP."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision
from portal.core.outbox import OutgoingMail
from tests.applications.conftest import LINK, Desk
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock

APPLY = "/challenges/test-challenge/apply"
TOKEN = re.compile(rb'name="csrf_token"[^>]*>')


def typed(desk: Desk, **changes: Any) -> dict[str, Any]:
    """What a person types who fills in everything."""
    return {
        "version": "0", "name": "Ada Applicant", "handle": "ada", "affiliation": "Analytical Engines", "country": "FR",
        "kind": "single", "team": "", "links": f"{LINK}\r\n\r\n{LINK}\r\n", "scenario_ids": [str(desk.codes["G1"])],
        "experience": "Ten years.", "plan": "One.\r\n\r\nTwo.", "kit_use": "Trace.", "certificate": "", "adult": "y",
        "permitted": "y", "independent": "y", "agrees": "y", "do": "submit", **changes,
    }  # fmt: skip


def mine(session: Session, cast: Cast) -> Application:
    session.expire_all()
    return session.scalars(sa.select(Application).where(Application.account_id == cast.applicant.id)).one()


@pytest.fixture
def me(client: FlaskClient, cast: Cast) -> FlaskClient:
    """The applicant's browser."""
    sign_in(client, cast.applicant)
    return client


def test_signed_out_people_sign_in_first(client: FlaskClient, cast: Cast) -> None:
    answer = client.get(APPLY)
    assert (answer.status_code, answer.location) == (302, "/account/sign-in?next=/challenges/test-challenge/apply")
    assert client.post(APPLY).status_code == 302


def test_applying_from_the_empty_form_to_the_receipt(
    me: FlaskClient, session: Session, desk: Desk, cast: Cast, mails: Callable[[], list[OutgoingMail]]
) -> None:
    page = me.get(APPLY)
    assert page.status_code == 200
    assert 'value="Ada Applicant"' in page.text
    assert "Mon 22 Jun 2020, 05:00 PDT" in page.text

    answer = me.post(APPLY, data=typed(desk))

    assert (answer.status_code, answer.location) == (302, APPLY)
    application = mine(session, cast)
    assert (application.state, application.plan, application.links) == (
        ApplicationState.SUBMITTED, "One.\n\nTwo.", [LINK],
    )  # fmt: skip
    assert [mail.template for mail in mails()] == ["applications/received"]
    shown = me.get(APPLY).text
    assert "We have your application" in shown
    assert f'href="{LINK}" rel="noreferrer noopener nofollow"' in shown


def test_a_draft_needs_nothing_and_is_not_sent(
    me: FlaskClient, session: Session, desk: Desk, cast: Cast, mails: Callable[[], list[OutgoingMail]]
) -> None:
    answer = me.post(APPLY, data={"version": "0", "do": "save", "name": "Ada", "plan": "half a"})
    assert answer.status_code == 302
    assert (mine(session, cast).state, mine(session, cast).plan) == (ApplicationState.DRAFT, "half a")
    assert "half a" in me.get(APPLY).text
    assert mails() == []


def test_what_is_missing_is_told_by_field_and_nothing_typed_is_lost(
    me: FlaskClient, session: Session, desk: Desk
) -> None:
    answer = me.post(APPLY, data=typed(desk, country="", plan="", links="not a link", experience="kept as typed"))
    assert answer.status_code == 422
    for words in ("Choose your country.", "Say what you would try.", "This is none: not a link", "kept as typed"):
        assert words in answer.text
    assert session.scalars(sa.select(Application)).all() == []


def test_a_draft_saved_in_another_tab_is_not_overwritten_unseen(
    me: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    me.post(APPLY, data=typed(desk, do="save", plan="first tab"))

    answer = me.post(APPLY, data=typed(desk, do="save", plan="second tab"))

    assert answer.status_code == 409
    assert "saved elsewhere" in answer.text
    assert "second tab" in answer.text
    assert mine(session, cast).plan == "first tab"
    assert me.post(APPLY, data=typed(desk, do="save", plan="second tab", version="1")).status_code == 302
    assert mine(session, cast).plan == "second tab"


def test_scripts_save_as_one_types(me: FlaskClient, desk: Desk) -> None:
    asks = {"Accept": "application/json"}
    saved = me.post(APPLY, data=typed(desk, do="save"), headers=asks)
    assert (saved.status_code, saved.json) == (200, {"version": 1, "saved_at": NOON.isoformat()})
    stale = me.post(APPLY, data=typed(desk, do="save"), headers=asks)
    assert (stale.status_code, stale.json["error"]) == (409, "Somebody was first")  # type: ignore[index]
    wrong = me.post(APPLY, data=typed(desk, do="save", version="1", handle="x" * 81), headers=asks)
    assert (wrong.status_code, list(wrong.json["messages"])) == (422, ["handle"])  # type: ignore[index]


def test_before_and_after(me: FlaskClient, session: Session, desk: Desk, cast: Cast, clock: Clock) -> None:
    clock.at = cast.challenge.apply_from - timedelta(seconds=1)
    assert "Applications are not open yet" in me.get(APPLY).text
    clock.at = NOON
    me.post(APPLY, data=typed(desk, do="save"))
    clock.at = cast.challenge.apply_until
    page = me.get(APPLY).text
    assert "Applications have closed" in page
    assert "Your draft was not submitted" in page
    refused = me.post(APPLY, data=typed(desk, version="1"))
    assert (refused.status_code, mine(session, cast).state) == (422, ApplicationState.DRAFT)


def test_changing_withdrawing_returning(me: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    assert me.get(f"{APPLY}/edit").status_code == 404
    me.post(APPLY, data=typed(desk))
    assert "Read the network" not in me.get(f"{APPLY}/edit").text
    assert me.post(f"{APPLY}/edit", data=typed(desk, version="1", plan="better")).status_code == 302
    assert (mine(session, cast).plan, mine(session, cast).state) == ("better", ApplicationState.SUBMITTED)
    assert "Changed (version 2)" not in me.get(APPLY).text  # at the same instant as the first one
    assert me.post(f"{APPLY}/edit", data=typed(desk, version="1", plan="stale")).status_code == 409
    assert me.post(f"{APPLY}/edit", data=typed(desk, version="2", plan="")).status_code == 422
    assert me.get(f"{APPLY}/withdraw").status_code == 405
    assert me.post(f"{APPLY}/withdraw").status_code == 302
    assert mine(session, cast).state is ApplicationState.WITHDRAWN
    assert me.get(f"{APPLY}/edit").location == APPLY
    assert me.post(f"{APPLY}/withdraw").status_code == 422
    assert me.post(f"{APPLY}/return").status_code == 302
    assert mine(session, cast).state is ApplicationState.SUBMITTED


def test_a_stranger_has_no_application_to_change(client: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    desk.submitted()
    sign_in(client, cast.stranger)
    assert "Ada" not in client.get(APPLY).text
    for path in ("withdraw", "return", "edit"):
        assert client.post(f"{APPLY}/{path}", data=typed(desk)).status_code == 404
    assert client.get("/challenges/nowhere/apply").status_code == 404


def test_nothing_that_is_meant_reaches_the_applicant(
    me: FlaskClient, session: Session, desk: Desk, cast: Cast, clock: Clock
) -> None:
    application = desk.submitted()
    seen = set()
    for decision in (None, *Decision):
        values: dict[str, Any] = {"pending_decision": decision, "pending_at": decision and NOON + timedelta(hours=1)}
        values |= {"wave_id": 3 if decision else None, "review_count": 1 if decision else 0}
        score = {Decision.INVITE: 5.0, Decision.WAITLIST: 3.0, Decision.DECLINE: 0.0}.get(decision)  # type: ignore[arg-type]
        values |= {"score_mean": score, "score_adjusted": score}
        session.execute(sa.update(Application).where(Application.id == application.id).values(**values))
        session.commit()
        answers = [me.get(path) for path in (APPLY, f"{APPLY}/edit")]
        seen.add(tuple(TOKEN.sub(b"", answer.data) for answer in answers))
        assert all("ETag" not in answer.headers for answer in answers)
    assert len(seen) == 1
    assert b"We have your application" in next(iter(seen))[0]


def test_two_applicants_with_other_decisions_see_the_same_page(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    pages = []
    for account, decision in ((cast.applicant, Decision.INVITE), (cast.stranger, Decision.DECLINE)):
        account.zone = "UTC"
        application = desk.submitted(account, desk.content())
        application.pending_decision, application.pending_at, application.wave_id = decision, NOON, 9
        session.commit()
        sign_in(client, account)
        pages.append(TOKEN.sub(b"", client.get(APPLY).data))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("state", [state for state in ApplicationState if state.value not in ("draft", "erased")])
def test_every_state_has_its_page(
    me: FlaskClient, session: Session, desk: Desk, cast: Cast, state: ApplicationState
) -> None:
    application = desk.submitted()
    values: dict[str, Any] = {"state": state, "answer_by": NOON + timedelta(days=3)}
    if state.value not in ("submitted", "withdrawn", "disqualified"):
        values |= {"decided_by_id": cast.lead.id, "decided_at": NOON}
    if state is ApplicationState.DISQUALIFIED:
        values |= {"disqualified": "spam", "disqualified_reason": "a reason for the staff"}
    session.execute(sa.update(Application).where(Application.id == application.id).values(**values))
    page = me.get(APPLY)
    assert page.status_code == 200
    assert f">{state.value}</span>" in page.text
    assert "a reason for the staff" not in page.text
    assert ("Answer the invitation" in page.text) is (state is ApplicationState.INVITED)
