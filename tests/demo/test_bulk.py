"""What the demonstration inserts in bulk is what the actions would have left."""

import dataclasses
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.applications import actions as applications
from portal.applications.models import Application, Revision, Step
from portal.applications.states import Decision
from portal.core.audit import AuditEntry
from portal.core.blobs import Blobs
from portal.core.outbox import OutgoingMail
from portal.demo import applying, choosing, reviewing
from portal.demo.applying import Entry
from portal.demo.people import Names, Person
from portal.demo.world import World
from portal.office_hours.ics import Sender
from portal.reports.receipts import Signer
from portal.selection.actions import triage
from portal.selection.actions.assigning import assign, propose
from portal.selection.actions.decisions import mean
from portal.selection.actions.reviews import write_review
from portal.selection.actions.scores import fit
from portal.selection.actions.waves import create_wave, release_wave
from portal.selection.models import Assignment, Look, Mark, Plan, Review, Reviewer, Verdict, Wave, WaveEntry
from portal.selection.queries.scores import differences
from portal.selection.rules.reviews import Opinion
from portal.selection.rules.triage import LEASE
from tests.cast import NOON, Cast, make_account


@pytest.fixture
def world(session: Session, cast: Cast, tmp_path: Path) -> World:
    return World(
        session=session,
        random=Random(7),
        names=Names(Random(7)),
        now=NOON,
        staff={"lead": cast.lead.id}
        | {f"reviewer{n}": make_account(session, f"Reviewer {n}", Role.REVIEWER).id for n in range(1, 7)},
        password_hash="*",
        store=Blobs(f"file://{tmp_path}"),
        signer=Signer(Ed25519PrivateKey.generate()),
        sender=Sender("portal@localhost", "http://localhost"),
    )


@pytest.fixture
def entries(world: World, cast: Cast, session: Session) -> list[Entry]:
    """The same application, by two people of the same name."""
    scenarios = [scenario.id for scenario in cast.challenge.scenarios]
    made = []
    for handle in ("twin-a", "twin-b"):
        account = make_account(session, handle)
        account.name = "Toni Twin"
        person = Person(handle, "Toni Twin", "DE")
        account.zone = person.zone
        content = applying.compose(dataclasses.replace(world, random=Random(1)), person, scenarios)
        content = dataclasses.replace(content, handle="toni")
        entry = Entry(person, account.id, content, NOON - timedelta(hours=2), NOON - timedelta(hours=1), 0.9)
        made.append(entry)
    session.commit()
    return made


def apply_by_hand(session: Session, cast: Cast, entry: Entry) -> int:
    account = session.get_one(Account, entry.account_id)
    application = applications.start_draft(session, cast.challenge, account, at=entry.begun)
    applications.save_draft(session, application, entry.content, version=0, at=entry.submitted)
    applications.submit_application(session, application, account, at=entry.submitted)
    return application.id


def apply_in_bulk(world: World, cast: Cast, entry: Entry) -> int:
    (number,) = applying.submit_all(world, cast.challenge, [entry])
    return number


def plain(rows: Sequence[Any], *without: str) -> list[dict[str, Any]]:
    """Rows as mappings of their columns, without what must differ between two rows of the same content."""
    left_out = {"id", "application_id", *without}
    return [{key: value for key, value in columns(row).items() if key not in left_out} for row in rows]


def columns(row: Any) -> dict[str, Any]:
    """All columns of a row."""
    return {column.key: getattr(row, column.key) for column in sa.inspect(type(row)).column_attrs}


def trace(session: Session, number: int, email: str) -> dict[str, list[dict[str, Any]]]:
    """Everything that the database tells of one application, without the numbers and names that tell whose it is."""
    session.commit()
    session.expire_all()

    def of(kind: Any) -> Sequence[Any]:
        return session.scalars(sa.select(kind).where(kind.application_id == number).order_by(kind.id)).all()

    application = session.get_one(Application, number)
    mails = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.to == email).order_by(OutgoingMail.id)).all()
    audits = session.scalars(
        sa.select(AuditEntry).where(AuditEntry.subject == f"application:{number}").order_by(AuditEntry.id)
    ).all()
    found = {
        "application": plain([application], "account_id", "canonical_email", "rnd", "wave_id"),
        "scenarios": [{"ids": sorted(scenario.id for scenario in application.scenarios)}],
        "revisions": plain(of(Revision)),
        "steps": plain(of(Step), "by_id"),
        "mails": plain(mails, "to", "subject", "dedupe_key", "state", "sent_at", "tries", "lease"),
        "keys": [{"key": re.sub(r"\d+", "N", mail.dedupe_key)} for mail in mails],
        "audit": plain(audits, "actor_id", "subject", "previous", "hash"),
        "reviews": plain(of(Review), "reviewer_id", "comment", "score"),
        "entries": plain(of(WaveEntry), "wave_id"),
    }
    for mail in found["mails"]:
        mail["context"] = {key: value for key, value in mail["context"].items() if key != "application"}
    return found


def test_an_application_in_bulk_is_one_by_hand(
    session: Session, cast: Cast, world: World, entries: list[Entry]
) -> None:
    by_hand, in_bulk = apply_by_hand(session, cast, entries[0]), apply_in_bulk(world, cast, entries[1])

    expected = trace(session, by_hand, "twin-a@example.org")
    session.execute(
        sa.update(OutgoingMail).where(OutgoingMail.to == "twin-b@demo.example").values(to="twin-b@example.org")
    )
    assert trace(session, in_bulk, "twin-b@example.org") == expected
    assert len(expected["revisions"]) == len(expected["mails"]) == 1
    assert [entry["tag"] for entry in expected["audit"]] == ["applications:start", "applications:submit"]


@pytest.mark.parametrize("decision", list(Decision))
def test_an_answer_in_bulk_is_one_by_hand(
    session: Session, cast: Cast, world: World, entries: list[Entry], decision: Decision
) -> None:
    numbers = [apply_by_hand(session, cast, entry) for entry in entries]
    until, at = NOON + timedelta(days=9), NOON
    answer_by = until if decision is Decision.INVITE else None
    mean(session, cast.challenge, [numbers[0]], decision, by=cast.lead.id, at=at - timedelta(hours=3))
    wave = create_wave(session, cast.challenge, answer_by, by=cast.lead.id, at=at - timedelta(hours=1))
    release_wave(session, wave, count=1, by=cast.lead.id, at=at)
    session.commit()

    choosing.release(world, cast.challenge, {decision: [numbers[1]]}, answer_by, at)

    assert trace(session, numbers[1], "twin-b@example.org") == trace(session, numbers[0], "twin-a@example.org")
    first, second = session.scalars(sa.select(Wave).order_by(Wave.id))
    assert plain([first], "number") == plain([second], "number")


def test_first_looks_in_bulk_are_first_looks_by_hand(
    session: Session, cast: Cast, world: World, entries: list[Entry]
) -> None:
    numbers = [apply_by_hand(session, cast, entry) for entry in entries]
    choosing.triage_all(world, cast.challenge, [numbers[1]], [entries[1]])
    session.commit()
    (bulk,) = session.scalars(sa.select(Verdict))
    start = bulk.at - timedelta(seconds=bulk.seconds)
    session.add(
        Look(
            application_id=numbers[0], challenge_id=cast.challenge.id, reviewer_id=bulk.reviewer_id, since=start,
            until=start + LEASE,
        )
    )  # fmt: skip
    triage.judge(session, cast.challenge, numbers[0], bulk.verdict, by=bulk.reviewer_id, at=bulk.at)
    session.commit()

    assert trace(session, numbers[1], "twin-b@example.org") == trace(session, numbers[0], "twin-a@example.org")
    first, second = session.scalars(sa.select(Verdict).order_by(Verdict.id))
    assert plain([first]) == plain([second])
    assert session.get_one(Application, numbers[1]).looks == 1


def test_reviews_in_bulk_are_reviews_by_hand(session: Session, cast: Cast, world: World, entries: list[Entry]) -> None:
    numbers = [apply_by_hand(session, cast, entry) for entry in entries]
    reviewing.review_all(world, cast.challenge, [(numbers[1], entries[1])], 1, timedelta(hours=2))
    session.commit()
    (bulk,), (given,) = session.scalars(sa.select(Review)).all(), session.scalars(sa.select(Assignment)).all()
    assert differences(session, cast.challenge.id) == []
    application = session.get_one(Application, numbers[0])
    application.in_review = True
    assign(session, cast.challenge, by=cast.lead.id, at=given.assigned_at)
    marks = dict(session.execute(sa.select(Mark.criterion_id, Mark.mark).where(Mark.review_id == bulk.id)).all())
    opinion = Opinion(marks, bulk.confidence, bulk.comment, bulk.note)
    by_hand = write_review(session, application, bulk.reviewer_id, opinion, at=bulk.created_at)
    fit(session, cast.challenge, at=NOON)

    assert trace(session, numbers[1], "twin-b@example.org") == trace(session, numbers[0], "twin-a@example.org")
    assert by_hand.score == bulk.score == application.score_mean
    rows = session.scalars(sa.select(Assignment).order_by(Assignment.application_id)).all()
    assert plain(rows[:1], "reviewer_id") == plain(rows[1:], "reviewer_id")
    again = sa.select(Mark.criterion_id, Mark.mark).where(Mark.review_id == by_hand.id)
    assert dict(session.execute(again).all()) == marks
    assert len(marks) == 4


def test_the_second_pass_in_bulk_is_whole(session: Session, cast: Cast, world: World, entries: list[Entry]) -> None:
    numbers = [apply_by_hand(session, cast, entry) for entry in entries]
    reviewing.review_all(world, cast.challenge, list(zip(numbers, entries, strict=True)), 1, timedelta(hours=2))
    session.commit()

    assert differences(session, cast.challenge.id) == []
    rows = session.scalars(sa.select(Application).order_by(Application.id)).all()
    assert [(row.in_review, row.calibration, row.review_count) for row in rows] == [(True, True, 6)] * 2
    lacking = propose(session, cast.challenge, session.get_one(Plan, cast.challenge.id)).pairs
    assert {reviewer for _, reviewer in lacking} == {cast.reviewer.id, cast.second_reviewer.id}  # not of the six
    assert session.get_one(Plan, cast.challenge.id).fitted_at == NOON
    known = session.scalars(sa.select(Reviewer)).all()
    assert {row.review_count for row in known} == {2}
    assert {row.affiliation for row in known} == set(reviewing.TEAMS.values())
