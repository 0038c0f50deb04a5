"""Two people at the same applications at the same moment, on the engine that has several writers."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import Decision
from portal.core.db import db, set_reading
from portal.core.errors import Refused
from portal.selection.actions import drafts, reviews
from portal.selection.actions.drafts import Freezing
from portal.selection.models import Conflict, Draft
from portal.selection.rules.reviews import OVERALL, Opinion
from tests.cast import NOON
from tests.selection.conftest import Bench
from tests.servers.waiting import until

ONE_AT_A_TIME = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def beside(app: Flask, pool: ThreadPoolExecutor, work: Callable[[Session], None]) -> "Future[str]":
    """Do it in another transaction; tells what stood in the way, or nothing."""

    def run() -> str:
        with app.app_context():
            set_reading(False)
            try:
                work(db.session)
                db.session.commit()
            except Refused as refused:
                db.session.rollback()
                return refused.reason
            return ""

    return pool.submit(run)


def until_somebody_waits(app: Flask) -> None:
    """Until a transaction waits for another one's lock."""
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with app.app_context(), db.engine.connect() as connection:
        until(lambda: bool(connection.execute(waiting).scalar_one()), "a lock that somebody waits for")


def lock(session: Session, number: int) -> None:
    """What every change of one application does first."""
    session.execute(sa.select(Application.id).where(Application.id == number).with_for_update())


@ONE_AT_A_TIME
def test_freezing_a_draft_waits_for_scores_and_does_not_cross_them(app: Flask, session: Session, bench: Bench) -> None:
    low, high = (row.id for row in bench.crowd(["Low", "High"]))
    for number, score in ((low, 1), (high, 5)):
        bench.review(session.get_one(Application, number), bench.cast.reviewer, score)
    made = bench.what_if(1)
    drafts.solve_draft(session, made, by=bench.cast.lead.id, at=NOON)
    session.commit()
    draft, lead = made.id, bench.cast.lead.id

    def freeze(other: Session) -> None:
        found = other.get_one(Draft, draft)
        drafts.freeze_draft(other, found, Freezing(1, waitlist=1), by=lead, at=NOON)

    session.rollback()
    lock(session, low)
    with ThreadPoolExecutor(1) as pool:
        frozen = beside(app, pool, freeze)
        until_somebody_waits(app)
        lock(session, high)  # as the estimate of scores does, number by number
        session.commit()
        assert frozen.result(30) == ""
    meant = sa.select(Application.pending_decision).order_by(Application.id)
    assert session.scalars(meant).all() == [Decision.WAITLIST, Decision.INVITE]


@ONE_AT_A_TIME
def test_whoever_is_reviewing_in_one_tab_has_no_conflict_in_the_other(
    app: Flask, session: Session, bench: Bench
) -> None:
    application, me = bench.submitted(), bench.cast.reviewer.id
    number = application.id

    def declare(other: Session) -> None:
        reviews.declare_conflict(other, other.get_one(Application, number), me, at=NOON)

    session.commit()
    reviews.write_review(session, application, me, Opinion({OVERALL: 4}), at=NOON)
    with ThreadPoolExecutor(1) as pool:
        declared = beside(app, pool, declare)
        until_somebody_waits(app)
        session.commit()
        assert declared.result(30) == "You have reviewed it already. Ask the lead what to do with your review."
    assert session.scalars(sa.select(Conflict)).all() == []
