"""The demonstration as it is loaded: the figures of 2020 from its rows, the same each time, and work for everybody."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.awards.models import Award
from portal.challenges.models import Member
from portal.challenges.queries import challenge_by_slug
from portal.core import audit
from portal.core.blobs import blobs
from portal.core.db import Model, db, set_reading
from portal.core.mail import config_of
from portal.core.outbox import MailState, OutgoingMail
from portal.demo.build import load_all
from portal.demo.facts import FINISHED, RUNNING
from portal.factory import create_app
from portal.kits.models import Shipment
from portal.line.models import Conversation
from portal.line.models import Message as LineMessage
from portal.line.states import ConversationState
from portal.office_hours.models import Booking
from portal.reports.models import Report, Upload
from portal.reports.queries import links, upstream
from portal.reports.queries.advisories import public
from portal.reports.queries.disclosing import calendar
from portal.reports.queries.publications import public as listed
from portal.reports.receipts import Signer
from portal.results.queries import figures, submissions
from tests.once import once
from tests.servers import postgresql

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)
APPLICATIONS = 60


@contextmanager
def opened(folder: Path, url: str = "") -> Iterator[Flask]:
    """An application with its data in a folder, and its rows there or in the database of that address."""
    settings = {
        "PORTAL_DATA": str(folder),
        "PORTAL_SECRET_KEY": "only-for-tests-" * 4,
        "PORTAL_TESTING": "1",
        "PORTAL_DEMONSTRATION": "1",
    }
    app = create_app({**settings, "PORTAL_DATABASE_URL": url} if url else settings)
    with app.app_context():
        set_reading(False)
        yield app
        db.session.rollback()
        db.engine.dispose()


def load(folder: Path, url: str = "") -> None:
    """Leave a small demonstration there."""
    with opened(folder, url) as app:
        Model.metadata.create_all(db.engine)
        config = config_of(app)
        load_all(
            db.session, config, blobs(), Signer.of(config), Random(2020), applications=APPLICATIONS, running_too=True,
            now=NOW,
        )  # fmt: skip


def small_demonstration(url: str) -> None:
    """Leave a small demonstration in a database that others copy."""
    with TemporaryDirectory(prefix="portal-demonstration-") as folder:
        load(Path(folder), url)


def first(folders: pytest.TempPathFactory) -> Path:
    """The data of a small demonstration, loaded once for all the processes of a run: to be read only."""
    return once(folders, small_demonstration.__name__, load)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def demonstration(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder, url = tmp_path_factory.mktemp("demo"), ""
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = stack.enter_context(postgresql(small_demonstration))
        else:
            shutil.copytree(first(tmp_path_factory), folder, dirs_exist_ok=True)
        stack.enter_context(opened(folder, url))
        yield db.session


def test_the_rows_count_to_the_published_results(demonstration: Session) -> None:
    found = figures(demonstration, challenge_by_slug(demonstration, FINISHED), NOW)

    assert (found.submissions, found.improvements, found.critical_or_important) == (40, 30, 20)
    assert (found.eligible, found.by_design) == (16, 10)
    assert (found.awarded.amount, found.awarded.largest, found.awarded.smallest) == (
        Decimal(374300),
        Decimal(48000),
        Decimal(3300),
    )
    assert list(found.scenarios_achieved) == ["G2", "G3", "G4"]
    assert (found.participants, found.countries) == (70, 21)
    assert found.applications == APPLICATIONS + 58


def test_one_teams_six_awards_are_the_known_ones(demonstration: Session) -> None:
    challenge = challenge_by_slug(demonstration, FINISHED)
    awards = demonstration.scalars(
        sa.select(Award).join(Report, Report.id == Award.report_id).where(Award.challenge_id == challenge.id)
    ).all()
    of_participant: dict[int, list[int]] = {}
    for award in sorted(awards, key=lambda award: award.report_id):
        of_participant.setdefault(award.participant_id, []).append(int(award.amount))

    assert [3300, 48000, 11000, 11000, 48000, 48000] in of_participant.values()


def test_the_most_serious_chain_was_fixed_within_30_days(demonstration: Session) -> None:
    challenge = challenge_by_slug(demonstration, FINISHED)

    found = figures(demonstration, challenge, NOW)
    sent = submissions(demonstration, challenge)
    [chain] = [each for each in sent if each.links > 1]

    assert found.days_to_fix_most_serious_chain == 29
    assert (chain.links, chain.severity, chain.release, chain.fixed_on) == (3, "critical", "20.08", date(2020, 8, 26))
    received = chain.received_at.astimezone(ZoneInfo(challenge.zone)).date()
    assert (received, found.median_days_to_fix_critical) == (date(2020, 7, 28), 28.5)


def test_the_kernels_case_belongs_to_the_most_serious_chain(demonstration: Session) -> None:
    challenge = challenge_by_slug(demonstration, FINISHED)

    [case] = upstream.cases(demonstration, challenge.id)
    [subject] = case.subjects

    assert (case.party.name, case.state, case.told) == ("Kernel security team", "fixed", True)
    assert subject.link is not None
    assert (subject.link.title, subject.link.state) == ("The kernel's part", "fixed")
    chain = links.of_report(demonstration, subject.report_id)
    assert [(link.number, link.state, link.fixed_release) for link in chain] == [
        (number, "fixed", "20.08") for number in (1, 2, 3)
    ]
    assert upstream.consents(demonstration, [subject.report_id])[subject.report_id].allowed


def test_every_report_has_its_sealed_body(demonstration: Session) -> None:
    uploads = demonstration.scalars(sa.select(Upload).where(Upload.message_id.is_(None))).all()

    assert len(uploads) == demonstration.scalars(sa.select(sa.func.count()).select_from(Report)).one()
    assert {upload.state for upload in uploads} == {"complete"}


def test_the_running_challenge_is_in_every_stage(demonstration: Session) -> None:
    challenge = challenge_by_slug(demonstration, RUNNING)

    def states(kind: Any) -> set[str]:
        return set(demonstration.scalars(sa.select(kind.state).where(kind.challenge_id == challenge.id)))

    assert {"draft", "submitted", "invited", "declined", "accepted"} <= states(Application)
    assert {"address_requested", "in_transit", "received"} <= states(Shipment)
    assert {"received", "acknowledged", "reproducing", "needs_info", "confirmed", "fixing", "fixed"} <= states(Report)
    assert {"proposed", "approved"} <= states(Award)
    pending = sa.select(Application.id).where(
        Application.challenge_id == challenge.id, Application.pending_decision.is_not(None)
    )
    assert demonstration.scalars(pending).first() is not None
    coming = sa.select(Booking.id).where(Booking.state == "confirmed", Booking.starts_at > NOW)
    assert demonstration.scalars(coming).first() is not None


def test_what_was_found_in_2020_is_public_and_what_is_found_now_is_not(demonstration: Session) -> None:
    past, now = (challenge_by_slug(demonstration, slug) for slug in (FINISHED, RUNNING))

    out = public(demonstration, NOW)

    assert [(row.ident, len(versions)) for row, versions in out] == [
        ("PORTAL-2020-0003", 1), ("PORTAL-2020-0002", 1), ("PORTAL-2020-0001", 2),
    ]  # fmt: skip
    assert {row.challenge_id for row, _ in out} == {past.id}
    assert public(demonstration, past.results_released_at - timedelta(seconds=1)) == []
    assert len(listed(demonstration, past, NOW)) == 2
    triager = demonstration.scalars(sa.select(Account.id).where(Account.email == "triager1@demo.example")).one()
    assert [each.state for each in calendar(demonstration, past.id, reader=triager)] == ["published"] * 5
    assert [each.state for each in calendar(demonstration, now.id, reader=triager)] == ["requested", "agreed"]


def test_there_is_talk_in_every_state_and_some_of_it_is_late(demonstration: Session) -> None:
    found = demonstration.scalars(sa.select(Conversation)).all()

    assert {each.state for each in found} == set(ConversationState)
    assert sum(each.due_at is not None and each.due_at < NOW for each in found) >= 2
    assert demonstration.scalars(sa.select(LineMessage.id).where(LineMessage.author == "note")).first() is not None


def test_nothing_happens_after_the_present_and_the_audit_holds(demonstration: Session) -> None:
    last = demonstration.scalars(sa.select(sa.func.max(audit.AuditEntry.at))).one()

    assert last <= NOW
    assert audit.first_broken(demonstration) is None


def test_old_mails_are_not_sent_again(demonstration: Session) -> None:
    waiting = demonstration.scalars(sa.select(OutgoingMail).where(OutgoingMail.state == MailState.QUEUED)).all()

    assert all((NOW - mail.not_before).days < 1 for mail in waiting)


def told(session: Session) -> list[Any]:
    """What the demonstration tells, without keys and times of making."""
    return [
        list(session.execute(sa.select(Account.email, Account.name, Account.zone).order_by(Account.email)).all()),
        list(session.execute(sa.select(Member.country, Member.joined_at).order_by(Member.id)).all()),
        list(
            session.execute(
                sa.select(Application.submitted_at, Application.plan, Application.score_mean).order_by(Application.id)
            ).all()
        ),
        list(session.execute(sa.select(Booking.starts_at, Booking.topic, Booking.state).order_by(Booking.id)).all()),
        list(session.execute(sa.select(Report.ref, Report.received_at, Report.state).order_by(Report.id)).all()),
        list(session.execute(sa.select(Award.amount, Award.proposed_at).order_by(Award.id)).all()),
        list(session.execute(sa.select(Shipment.tracking_number, Shipment.state).order_by(Shipment.id)).all()),
    ]


def test_the_same_seed_makes_the_same_demonstration(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each was loaded by itself, into another kind of database."""
    folders = [tmp_path / "sqlite", tmp_path / "postgresql"]
    shutil.copytree(first(tmp_path_factory), folders[0])
    with postgresql(small_demonstration) as url:
        stories = []
        for folder, address in zip(folders, ("", url), strict=True):
            with opened(folder, address):
                stories.append(told(db.session))

    assert stories[0] == stories[1]
