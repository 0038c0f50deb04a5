"""What handing in costs, and what becomes of it when somebody is first."""

import contextvars
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications import actions
from portal.applications.models import Application, Revision, Step
from portal.applications.queries import finding
from portal.applications.states import ApplicationState
from portal.applications.views import applicant
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import OutgoingMail
from tests.applications.conftest import Desk
from tests.applications.test_views import APPLY, typed
from tests.cast import NOON, Cast, sign_in

# Reading: account, challenge with scenarios, questions, the application (and its scenarios). Writing: the application,
# its scenarios where they change, step, revision, receipt, the last entry of the audit and the new ones.
FIRST, SAVED = 11, 11
# SQLite begins as a reader, ends that and begins as a writer; PostgreSQL takes the lock of the audit.
BESIDES = {"sqlite": 3, "postgresql": 1}


@pytest.fixture
def me(client: FlaskClient, cast: Cast) -> FlaskClient:
    """The applicant's browser, which has used the form before."""
    sign_in(client, cast.applicant)
    return client


def test_a_first_submission_is_so_many_statements(
    me: FlaskClient, desk: Desk, database: str, statements: list[str]
) -> None:
    statements.clear()
    assert me.post(APPLY, data=typed(desk)).status_code == 302
    assert len(statements) == FIRST + BESIDES[database]
    assert [each for each in statements if each.startswith("UPDATE")] == []


def test_the_submission_of_a_draft_is_so_many_statements(
    me: FlaskClient, desk: Desk, database: str, statements: list[str]
) -> None:
    me.post(APPLY, data=typed(desk, do="save"))
    statements.clear()
    assert me.post(APPLY, data=typed(desk, version="1", plan="Another.")).status_code == 302
    assert len(statements) == SAVED + BESIDES[database]
    assert len([each for each in statements if each.startswith("UPDATE application ")]) == 1


def test_all_at_once_leaves_what_the_steps_leave(session: Session, desk: Desk, cast: Cast) -> None:
    """Every row but for whose it is."""
    content = desk.content("G1", "H1", name="Ada")
    by_steps = desk.submitted(cast.stranger, content).id
    at_once = actions.apply_at_once(session, cast.challenge, cast.applicant, content, at=NOON)
    session.commit()
    assert _trace(session, at_once, cast.applicant.email) == _trace(session, by_steps, cast.stranger.email)


def _trace(session: Session, number: int, email: str) -> dict[str, Any]:
    whose = {"id", "application_id", "account_id", "canonical_email", "rnd", "by_id", "actor_id", "previous", "hash",
             "dedupe_key", "subject", "to", "context"}  # fmt: skip
    questions: dict[str, sa.Select[Any]] = {
        "application": sa.select(Application.__table__).where(Application.id == number),
        "steps": sa.select(Step.__table__).where(Step.application_id == number),
        "revisions": sa.select(Revision.__table__).where(Revision.application_id == number),
        "mails": sa.select(OutgoingMail.__table__).where(OutgoingMail.to == email),
        "audit": sa.select(AuditEntry.__table__).where(AuditEntry.subject == f"application:{number}"),
    }
    found = {
        name: [
            {key: value for key, value in row.items() if key not in whose} for row in session.execute(each).mappings()
        ]
        for name, each in questions.items()
    }
    return found | {"scenarios": [scenario.code for scenario in session.get_one(Application, number).scenarios]}


def test_at_once_is_refused_as_the_steps_are(session: Session, desk: Desk, cast: Cast) -> None:
    with pytest.raises(Invalid) as wrong:
        actions.apply_at_once(session, cast.challenge, cast.applicant, desk.content(plan=""), at=NOON)
    assert list(wrong.value.messages) == ["plan"]
    with pytest.raises(Refused, match="have closed"):
        actions.apply_at_once(session, cast.challenge, cast.applicant, desk.content(), at=cast.challenge.apply_until)
    cast.applicant.confirmed_at = None
    with pytest.raises(Refused, match="Confirm your e-mail address first"):
        actions.apply_at_once(session, cast.challenge, cast.applicant, desk.content(plan=""), at=NOON)
    assert session.scalars(sa.select(Application)).all() == []


def test_a_draft_that_was_saved_elsewhere_is_not_submitted(session: Session, desk: Desk, cast: Cast) -> None:
    application = desk.draft()
    actions.save_draft(session, application, desk.content(plan="newer"), version=1, at=NOON)
    session.commit()
    with pytest.raises(Conflict):
        actions.submit_application(session, application, cast.applicant, desk.content(plan="older"), version=1, at=NOON)
    session.rollback()
    assert (application.state, application.plan, application.version) == (ApplicationState.DRAFT, "newer", 2)


@pytest.mark.parametrize(("do", "before"), [("save", None), ("submit", None), ("save", "1"), ("submit", "1")])
def test_who_loses_the_race_of_two_tabs_keeps_what_was_typed(
    me: FlaskClient, app: Flask, session: Session, desk: Desk, cast: Cast, monkeypatch: pytest.MonkeyPatch, do: str,
    before: str | None,
) -> None:  # fmt: skip
    """The other tab saves when this one has looked and not yet written."""
    if before:
        me.post(APPLY, data=typed(desk, do="save"))
    other, version = FlaskClient(app, use_cookies=True), before or "0"
    sign_in(other, cast.applicant)
    start = applicant.start_writing
    data = typed(desk, do="save", version=version, plan="of the other tab")

    def overtaken(held: Session) -> None:
        monkeypatch.setattr(applicant, "start_writing", start)
        racing = threading.Thread(target=contextvars.Context().run, args=(lambda: other.post(APPLY, data=data),))
        racing.start()
        racing.join()
        start(held)

    monkeypatch.setattr(applicant, "start_writing", overtaken)
    lost = me.post(APPLY, data=typed(desk, do=do, version=version, plan="of this tab"))

    assert (lost.status_code, "of this tab" in lost.text) == (409, True)
    session.expire_all()
    application = session.scalars(sa.select(Application)).one()
    assert (application.plan, application.state) == ("of the other tab", ApplicationState.DRAFT)
    known = str(application.version)
    assert f'name="version" type="hidden" value="{known}"' in lost.text
    assert me.post(APPLY, data=typed(desk, do=do, version=known, plan="of this tab")).status_code == 302
    session.expire_all()
    assert application.plan == "of this tab"


def test_ones_own_application_is_found_by_its_index(session: Session, desk: Desk, database: str) -> None:
    """As the index leaves the erased out, the question must be seen to as well."""
    if database != "sqlite":
        return  # PostgreSQL reads a table of a few rows as a whole
    asked = finding._MINE.compile(session.get_bind(), compile_kwargs={"render_postcompile": True})
    plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", (1, 1)).all()
    assert "USING INDEX uq_application_account (challenge_id=? AND account_id=?)" in plan[0].detail
