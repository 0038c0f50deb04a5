"""Changing many at once: frozen lists, chunks, exactly once each, and what is left out."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision, Disqualified, Triage
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Invalid, Refused
from portal.selection import jobs
from portal.selection.actions import bulk as actions
from portal.selection.models import Assignment, BulkItem, BulkMove
from portal.selection.queries.queue import Filter
from portal.selection.rules.bulk import Values
from portal.selection.states import BulkState, BulkVerb, EntryState
from tests.cast import NOON, Cast, make_challenge, sign_in
from tests.selection.conftest import STAFF, Bench

BULK, QUEUE = f"{STAFF}/bulk", f"{STAFF}/applications"


def ask(
    session: Session, cast: Cast, chosen: Sequence[Application] | Filter, verb: BulkVerb, count: int | None = None,
    **given: Any,
) -> BulkMove:  # fmt: skip
    what = chosen if isinstance(chosen, Filter) else [row.id for row in chosen]
    known = count if count is not None else 0 if isinstance(chosen, Filter) else len(chosen)
    made = actions.ask(
        session, cast.challenge, what, verb, Values(**given), count=known, by=cast.lead.id, at=NOON
    )  # fmt: skip
    session.commit()
    return made


def became(session: Session, rows: Sequence[Application], column: Any) -> list[Any]:
    session.expire_all()
    numbers = [row.id for row in rows]
    found = dict(session.execute(sa.select(Application.id, column).where(Application.id.in_(numbers))).all())
    return [found[number] for number in numbers]


@pytest.mark.parametrize(
    ("verb", "given", "column", "value"),
    [
        (BulkVerb.INVITE, {}, Application.pending_decision, Decision.INVITE),
        (BulkVerb.WAITLIST, {}, Application.pending_decision, Decision.WAITLIST),
        (BulkVerb.DECLINE, {}, Application.pending_decision, Decision.DECLINE),
        (BulkVerb.INTO_REVIEW, {}, Application.in_review, True),
        (BulkVerb.CALIBRATE, {}, Application.calibration, True),
        (BulkVerb.FLAG, {"flag": "kit sent"}, Application.flags, ["kit sent"]),
        (BulkVerb.TRIAGE, {"verdict": Triage.MAYBE}, Application.triage, Triage.MAYBE),
        (BulkVerb.DISQUALIFY, {"kind": Disqualified.SPAM, "reason": "ads"}, Application.state,
         ApplicationState.DISQUALIFIED),
    ],
)  # fmt: skip
def test_each_verb_changes_the_chosen_and_no_other(
    session: Session, bench: Bench, cast: Cast, verb: BulkVerb, given: dict[str, Any], column: Any, value: Any
) -> None:
    first, second, other = bench.crowd("abc")
    before = became(session, [other], column)

    made = ask(session, cast, [first, second], verb, **given)

    assert (made.state, made.asked, made.done, made.skipped) == (BulkState.DONE, 2, 2, 0)
    assert became(session, [first, second], column) == [value, value]
    assert became(session, [other], column) == before


@pytest.mark.parametrize(
    ("verb", "back", "column", "given"),
    [
        (BulkVerb.INVITE, BulkVerb.CLEAR, Application.pending_decision, {}),
        (BulkVerb.INTO_REVIEW, BulkVerb.OUT_OF_REVIEW, Application.in_review, {}),
        (BulkVerb.CALIBRATE, BulkVerb.UNCALIBRATE, Application.calibration, {}),
        (BulkVerb.FLAG, BulkVerb.UNFLAG, Application.flags, {"flag": "x"}),
    ],
)
def test_what_was_set_is_taken_back(
    session: Session, bench: Bench, cast: Cast, verb: BulkVerb, back: BulkVerb, column: Any, given: dict[str, Any]
) -> None:
    rows = bench.crowd("ab")
    before = became(session, rows, column)
    ask(session, cast, rows, verb, **given)
    assert became(session, rows, column) != before
    ask(session, cast, rows, back, **given)
    assert became(session, rows, column) == before


def test_nothing_selected_never_means_everyone(session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd("ab")
    for chosen in ([], Filter(text="nobody", full=True), Filter(text="%", full=True)):
        with pytest.raises(Refused, match="No application was selected"):
            ask(session, cast, chosen, BulkVerb.DECLINE)
        session.rollback()
    assert became(session, rows, Application.pending_decision) == [None, None]
    assert session.scalars(sa.select(BulkMove)).all() == []


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_than_was_seen_is_refused(session: Session, bench: Bench, cast: Cast, count: int) -> None:
    bench.crowd("a", country="JP")
    rows = bench.crowd("bc", country="DE")
    with pytest.raises(Refused, match="2 applications now"):
        ask(session, cast, Filter(country="DE", full=True), BulkVerb.DECLINE, count)
    session.rollback()
    assert became(session, rows, Application.pending_decision) == [None, None]


def test_numbers_of_elsewhere_are_another_number(session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd("ab")
    other = make_challenge(session, "other", "Other")
    session.execute(sa.update(Application).where(Application.id == rows[1].id).values(challenge_id=other.id))
    draft = bench.draft()
    with pytest.raises(Refused, match="1 applications now, not 3"):
        ask(session, cast, [*rows, draft], BulkVerb.FLAG, flag="x")


@pytest.mark.parametrize(
    ("verb", "given", "field"),
    [
        (BulkVerb.FLAG, {}, "flag"), (BulkVerb.FLAG, {"flag": "x" * 31}, "flag"),
        (BulkVerb.FLAG, {"flag": '"'}, "flag"),
        (BulkVerb.TRIAGE, {}, "verdict"), (BulkVerb.TRIAGE, {"verdict": Triage.CONFLICT}, "verdict"),
        (BulkVerb.DISQUALIFY, {"kind": Disqualified.SPAM}, "reason"), (BulkVerb.DISQUALIFY, {"reason": "x"}, "kind"),
        (BulkVerb.DISQUALIFY, {"kind": Disqualified.DUPLICATE, "reason": "x"}, "kind"),
        (BulkVerb.DISQUALIFY, {"kind": Disqualified.SPAM, "reason": "x" * 501}, "reason"),
    ],
)  # fmt: skip
def test_what_a_verb_needs(
    session: Session, bench: Bench, cast: Cast, verb: BulkVerb, given: dict[str, Any], field: str
) -> None:
    rows = bench.crowd("a")
    with pytest.raises(Invalid) as refused:
        ask(session, cast, rows, verb, **given)
    assert list(refused.value.messages) == [field]


def test_what_is_left_out_says_why(session: Session, bench: Bench, cast: Cast) -> None:
    own, invited = bench.submitted(cast.lead), bench.invited()
    (waved,) = bench.crowd(["in a wave"])
    bench.wave((waved, Decision.DECLINE))
    (free,) = bench.crowd(["free"])

    made = ask(session, cast, [own, invited, waved, free], BulkVerb.INVITE)

    assert (made.state, made.done, made.skipped) == (BulkState.DONE, 1, 3)
    items = session.execute(sa.select(BulkItem.state, BulkItem.reason).order_by(BulkItem.application_id)).all()
    assert items == [
        (EntryState.SKIPPED, "your own"), (EntryState.SKIPPED, "it is invited"), (EntryState.SKIPPED, "in a wave"),
        (EntryState.DONE, None),
    ]  # fmt: skip
    assert became(session, [own, invited, waved, free], Application.pending_decision) == [
        None, None, Decision.DECLINE, Decision.INVITE,
    ]  # fmt: skip


def test_flags_have_an_end(session: Session, bench: Bench, cast: Cast) -> None:
    full, free = bench.crowd("ab")
    full.flags, free.flags = [str(n) for n in range(10)], ["z"]
    session.commit()
    made = ask(session, cast, [full, free], BulkVerb.FLAG, flag="a")
    assert (made.done, made.skipped, became(session, [free], Application.flags)) == (1, 1, [["a", "z"]])
    assert ask(session, cast, [full], BulkVerb.FLAG, flag="3").done == 1


def test_one_entry_in_the_audit_for_a_chunk_and_one_for_each_step(session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd("ab")
    ask(session, cast, rows, BulkVerb.INTO_REVIEW)
    ask(session, cast, rows, BulkVerb.INVITE)
    ask(session, cast, rows, BulkVerb.DISQUALIFY, kind=Disqualified.NOT_ELIGIBLE, reason="too young")
    assert bench.tags() == ["selection:bulk", "selection:into-review", "selection:bulk", "selection:mean",
                            "selection:bulk", "selection:disqualify", "selection:disqualify"]  # fmt: skip
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "selection:into-review")).one()
    assert entry.detail["after"] == {"applications": [row.id for row in rows]}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two."""
    monkeypatch.setattr(actions, "CHUNK", 2)
    monkeypatch.setattr(actions.go_on, "__kwdefaults__", {"limit": 2})


@pytest.mark.usefixtures("small")
def test_a_long_list_is_the_jobs_and_is_frozen(session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd("abcde")
    made = ask(session, cast, Filter(country="DE", full=True), BulkVerb.DECLINE, 5)
    assert (made.state, made.done) == (BulkState.QUEUED, 0)
    late = bench.crowd("f")
    session.execute(sa.update(Application).where(Application.id == rows[0].id).values(country="JP"))

    assert jobs.go_on_in_bulk(session, NOON) == 5
    assert jobs.go_on_in_bulk(session, NOON) == 0

    session.refresh(made)
    assert (made.state, made.done, made.skipped) == (BulkState.DONE, 5, 0)
    assert became(session, [*rows, *late], Application.pending_decision) == [Decision.DECLINE] * 5 + [None]


@pytest.mark.usefixtures("small")
def test_a_killed_job_goes_on_where_it_was(
    session: Session, bench: Bench, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = bench.crowd("abcde")
    made = ask(session, cast, rows, BulkVerb.FLAG, flag="x")
    assert actions.go_on(session, made.id, at=NOON, limit=2) == 2
    session.commit()
    assert actions.go_on(session, made.id, at=NOON, limit=2) == 2
    session.rollback()  # killed before its commit
    session.refresh(made)
    assert (made.state, made.done) == (BulkState.RUNNING, 2)

    assert jobs.go_on_in_bulk(session, NOON) == 3

    session.refresh(made)
    assert (made.state, made.done, made.skipped) == (BulkState.DONE, 5, 0)
    assert became(session, rows, Application.flags) == [["x"]] * 5


@pytest.mark.usefixtures("small")
def test_two_workers_do_nothing_twice(session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd([f"n{n}" for n in range(21)])
    made = ask(session, cast, rows, BulkVerb.DISQUALIFY, kind=Disqualified.SPAM, reason="x")
    number, engine = made.id, db.engine
    session.commit()
    together, totals = threading.Barrier(2), []

    def work() -> None:
        total = 0
        together.wait()
        with Session(engine) as own:
            for _ in range(60):
                total += actions.go_on(own, number, at=NOON, limit=2)
                own.commit()
        totals.append(total)

    threads = [threading.Thread(target=work) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs.go_on_in_bulk(session, NOON)
    session.refresh(made)
    assert (made.state, made.done, made.skipped) == (BulkState.DONE, 21, 0)
    assert sum(totals) <= 21
    assert bench.tags().count("selection:disqualify") == 21


@pytest.mark.usefixtures("small")
def test_stopping_leaves_the_rest_as_it_is(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd("abcde")
    made = ask(session, cast, rows, BulkVerb.CALIBRATE)
    actions.go_on(session, made.id, at=NOON, limit=2)
    session.commit()
    sign_in(client, cast.lead)
    page = client.get(f"{BULK}/{made.id}")
    assert 'http-equiv="refresh"' in page.text
    assert "2 of 5" in page.text

    assert client.post(f"{BULK}/{made.id}/stop").location == f"{BULK}/{made.id}"

    assert jobs.go_on_in_bulk(session, NOON) == 0
    assert sorted(became(session, rows, Application.calibration)) == [False] * 3 + [True] * 2
    assert 'http-equiv="refresh"' not in client.get(f"{BULK}/{made.id}").text
    assert client.post(f"{BULK}/{made.id}/stop").status_code == 422


def test_ticking_some(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd("abc")
    sign_in(client, cast.lead)
    answer = client.post(
        f"{BULK}?sort=name", data={"verb": "invite", "application": [rows[0].id, rows[2].id], "count": "3"}
    )
    assert (answer.status_code, answer.location) == (302, f"{QUEUE}?sort=name")
    assert became(session, rows, Application.pending_decision) == [Decision.INVITE, None, Decision.INVITE]
    assert "Mean to invite: done for 2." in client.get(QUEUE).text


def test_what_is_wrong_changes_nothing(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    rows = bench.crowd("ab")
    sign_in(client, cast.lead)
    number = rows[0].id
    for data in ({"verb": "decline", "count": "2"}, {"application": number}, {"verb": "hire", "all": "y", "count": "2"},
                 {"verb": "decline", "all": "y", "count": "1"}, {"verb": "decline", "application": [number, 9999]},
                 {"verb": "decline", "application": "x"}):  # fmt: skip
        assert client.post(BULK, data=data).status_code == 422
    assert became(session, rows, Application.pending_decision) == [None, None]
    assert session.scalars(sa.select(BulkMove)).all() == []


def test_all_of_a_filter_is_restated(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    there, here = bench.crowd("a", country="JP"), bench.crowd("bc", country="DE")
    sign_in(client, cast.lead)
    address = f"{BULK}?country=DE"
    assert client.post(address, data={"verb": "decline", "all": "y", "count": "3"}).status_code == 422
    for count in ("", "all"):
        page = client.post(address, data={"verb": "decline", "all": "y", "count": count})
        assert (page.status_code, "Mean to decline: 2 applications" in page.text) == (200, True)
    assert became(session, [*there, *here], Application.pending_decision) == [None] * 3
    assert client.post(address, data={"verb": "decline", "all": "y", "count": "2"}).status_code == 302
    assert became(session, [*there, *here], Application.pending_decision) == [None, *[Decision.DECLINE] * 2]


def test_a_verb_that_needs_words_asks_for_them(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    own, (row,) = bench.submitted(cast.lead), bench.crowd("a")
    sign_in(client, cast.lead)
    asked = {"verb": "disqualify", "application": [own.id, row.id]}
    page = client.post(BULK, data=asked)
    assert (page.status_code, "Disqualify: 2 applications" in page.text, "Say why" in page.text) == (200, True, False)
    wrong = client.post(BULK, data={**asked, "again": "y", "kind": "spam", "reason": " "})
    assert (wrong.status_code, "Say why." in wrong.text) == (422, True)

    done = client.post(BULK, data={**asked, "again": "y", "kind": "spam", "reason": "ads"})

    made = session.scalars(sa.select(BulkMove)).one()
    assert done.location == f"{BULK}/{made.id}"
    page = client.get(done.location)
    assert "your own" in page.text
    assert "Disqualify" in client.get(BULK).text
    assert became(session, [own, row], Application.state) == [
        ApplicationState.SUBMITTED, ApplicationState.DISQUALIFIED,
    ]  # fmt: skip


@pytest.mark.parametrize("who", ["reviewer", "applicant", "admin", "logistics"])
def test_only_the_lead_changes_many(client: FlaskClient, session: Session, bench: Bench, cast: Cast, who: str) -> None:
    rows = bench.crowd("a")
    made = ask(session, cast, rows, BulkVerb.CALIBRATE)
    sign_in(client, getattr(cast, who))
    assert client.post(BULK, data={"verb": "invite", "application": rows[0].id}).status_code == 403
    assert client.get(BULK).status_code == client.get(f"{BULK}/{made.id}").status_code == 403
    assert client.post(f"{BULK}/{made.id}/stop").status_code == 403
    sign_in(client, cast.lead)
    assert client.get(f"{BULK}/999").status_code == client.post(f"{BULK}/999/stop").status_code == 404


def test_the_leads_word_ends_the_first_pass_and_opens_the_calibration(
    session: Session, bench: Bench, cast: Cast
) -> None:
    first, second, other = bench.crowd("abc")
    ask(session, cast, [first, second], BulkVerb.TRIAGE, verdict=Triage.NO)
    assert became(session, [first, second, other], Application.looks) == [1, 1, 0]
    ask(session, cast, [first], BulkVerb.CALIBRATE)
    readers = sa.select(Assignment.reviewer_id).where(Assignment.application_id == first.id)
    assert sorted(session.scalars(readers)) == [cast.reviewer.id, cast.second_reviewer.id]
