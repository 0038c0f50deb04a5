"""Two triagers move one report at the same moment: one of them does, and the other learns of it."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations_with_replacement

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core import audit
from portal.core.db import db, set_reading, start_writing
from portal.core.errors import Conflict
from portal.core.moves import Move, move_named, open_moves
from portal.core.outbox import OutgoingMail
from portal.reports import rules, states
from portal.reports.actions import triage
from portal.reports.models import ReportEvent
from portal.reports.queries import reports
from portal.reports.states import ReportState
from tests.cast import NOON
from tests.reports.people import OUTCOME, PATHS, Desk

Step = Move[ReportState]
MOVED = [state for state in PATHS if open_moves(states.MOVES, state, {Role.TRIAGER})]


def at_once(app: Flask, report_id: int, takers: Sequence[tuple[Step, int, rules.Outcome]]) -> list[str]:
    """Everybody has the report before them, and then all take their step; the names of the steps that were taken."""
    ready = threading.Barrier(len(takers))

    def take(step: Step, by: int, outcome: rules.Outcome) -> str | None:
        with app.app_context():
            set_reading(True)
            report = reports.draft(db.session, report_id)
            ready.wait(30)
            start_writing(db.session)
            try:
                triage.move(db.session, report, step, outcome, by=by, at=NOON)
            except Conflict:
                db.session.rollback()
                return None
            db.session.commit()
            return step.name

    with ThreadPoolExecutor(len(takers)) as pool:
        done = [pool.submit(take, *each) for each in takers]
        return [name for each in done if (name := each.result(60))]


def told(session: Session) -> tuple[int, int, list[str]]:
    """How many lines timelines have and how many mails there are, and the tags of the audit."""
    lines = session.scalars(sa.select(sa.func.count(ReportEvent.id))).one()
    mails = session.scalars(sa.select(sa.func.count(OutgoingMail.id))).one()
    tags = list(session.scalars(sa.select(audit.AuditEntry.tag).order_by(audit.AuditEntry.id)))
    session.rollback()  # whoever reads here would keep the others from writing
    return lines, mails, tags


@pytest.mark.parametrize("state", MOVED)
def test_of_any_two_steps_taken_at_once_one_is_taken(
    app: Flask, session: Session, desk: Desk, state: ReportState
) -> None:
    outcome = replace(OUTCOME, duplicate_of_id=desk.receive().id)
    people = desk.cast.triager.id, desk.cast.second_triager.id
    if state is ReportState.APPEALED:  # whoever decided before the appeal may not: the other one has two windows open
        people = people[1], people[1]
    for pair in combinations_with_replacement(open_moves(states.MOVES, state, {Role.TRIAGER}), 2):
        report_id = desk.in_state(state).id
        lines, mails, tags = told(session)

        (taken,) = at_once(app, report_id, [(step, by, outcome) for step, by in zip(pair, people, strict=True)])

        assert taken in {step.name for step in pair}
        # The timeline, the researcher's mails and the audit tell of one step.
        assert told(session) == (lines + 1, mails + 1, [*tags, f"reports:{taken}"])
        assert reports.draft(session, report_id).state is move_named(states.MOVES, taken).target


def test_of_many_who_acknowledge_at_once_one_is_the_first(app: Flask, session: Session, desk: Desk) -> None:
    report_id = desk.receive().id
    people = [desk.cast.triager.id, desk.cast.second_triager.id] * 4
    session.commit()

    assert at_once(app, report_id, [(states.ACKNOWLEDGE, by, rules.Outcome()) for by in people]) == ["acknowledge"]
