"""Settings that stand in advisories' files: where they change, that is a version of each file, with its date."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict
from portal.reports import csaf, jobs
from portal.reports.actions import editions, publications
from portal.reports.actions.publications import Thanks
from portal.reports.models import AdvisoryChange, AdvisoryPublisher, Report
from portal.reports.queries import publishers, reports
from portal.reports.states import Credit
from tests.cast import NOON, Cast
from tests.conftest import Clock
from tests.reports.press import Press
from tests.reports.provider import Checker
from tests.reports.test_editions import METADATA, Reader
from tests.reports.validating import Validated

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OUT = datetime(2020, 10, 6, 16, tzinfo=UTC)
Settings = Callable[..., None]
CHANGES = {
    "csaf_publisher": "Demo Systems PSIRT", "csaf_namespace": "https://demo.example", "mail_from": "psirt@demo.example",
    "public_url": "https://portal.demo.example",
}  # fmt: skip


@pytest.fixture
def settings(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The portal begins again with other settings."""

    def change(**values: str) -> None:
        config = replace(app.extensions["portal.config"], **values)
        monkeypatch.setitem(app.extensions, "portal.config", config)

    return change


@pytest.fixture
def reader(session: Session, client: FlaskClient, clock: Clock, press: Press, fixed: list[Report]) -> Reader:
    """Has read an advisory when it came out; who publishes was noted long before."""
    assert [jobs.note_publisher(session, at) for at in (NOON, NOON + DAY)] == [1, 0]
    press.publish(fixed[:1])
    press.release(OUT)
    found = Reader(client, clock)
    assert found.version(OUT) == 1
    return found


def test_a_setting_of_any_length_can_be_noted(session: Session, settings: Settings) -> None:
    told = {"csaf_publisher": "Demo " * 200, "csaf_namespace": f"https://demo.example/{'n' * 900}"}
    settings(**told)

    assert jobs.note_publisher(session, NOON) == 1
    found = session.scalars(sa.select(AdvisoryPublisher)).one()
    assert [found.name, found.namespace] == list(told.values())


@pytest.mark.parametrize("name", CHANGES)
def test_another_setting_is_a_version(
    session: Session, client: FlaskClient, reader: Reader, settings: Settings, name: str, validated: Validated
) -> None:
    settings(**{name: CHANGES[name]})
    # The bytes stay until it is noted, though the portal has begun again.
    assert reader.version(OUT + DAY) == 1
    assert [jobs.note_publisher(session, OUT + DAY + n * SECOND) for n in range(3)] == [1, 0, 0]
    tracking = reader.read(OUT + DAY)
    assert [each["summary"] for each in tracking["revision_history"]] == ["First publication.", csaf.MOVED]
    assert [CHANGES[name].encode() in data for data in reader.seen] == [False, True]
    assert [each["wrong"] for each in validated([json.loads(data) for data in reader.seen])["found"]] == [[], []]
    told = client.get(METADATA).json
    assert told is not None
    assert (CHANGES[name] in json.dumps(told), told["last_updated"]) == (True, csaf.instant(OUT + DAY))
    if name != "public_url":
        checker = Checker(client)
        checker.check()
        assert checker.faults == []


def test_settings_and_thanks_stand_in_their_order(
    session: Session, reader: Reader, settings: Settings, fixed: list[Report], cast: Cast
) -> None:
    def thank(name: str, at: datetime) -> None:
        report = reports.draft(session, fixed[0].id)
        publications.thank(session, report, cast.member, Thanks(Credit.NAMED, name), at=at)
        session.commit()

    thank("Rosa", OUT + DAY)
    assert reader.version(OUT + DAY) == 2
    settings(mail_from="psirt@demo.example")
    jobs.note_publisher(session, OUT + 2 * DAY)
    assert reader.version(OUT + 2 * DAY) == 3
    thank("Rosa R", OUT + 3 * DAY)
    settings(mail_from="security@demo.example")
    # Who comes late goes not before what is noted.
    jobs.note_publisher(session, OUT + 3 * DAY - SECOND)
    tracking = reader.read(OUT + 3 * DAY)
    thank("Rosa Researcher", OUT + 4 * DAY)
    assert reader.version(OUT + 4 * DAY) == 5
    assert len(tracking["revision_history"]) == 4
    assert [each["date"] for each in tracking["revision_history"]] == [csaf.instant(OUT + n * DAY) for n in range(4)]


def test_settings_before_it_came_out_are_in_its_first_version(
    session: Session, client: FlaskClient, clock: Clock, press: Press, fixed: list[Report], settings: Settings
) -> None:
    jobs.note_publisher(session, NOON)
    press.publish(fixed[:1])
    press.release(OUT)
    settings(csaf_publisher="Demo Systems PSIRT")
    jobs.note_publisher(session, OUT - SECOND)
    reader = Reader(client, clock)
    assert (reader.version(OUT), b"Demo Systems PSIRT" in reader.seen[0]) == (1, True)
    assert session.scalars(sa.select(AdvisoryChange)).all() == []


def test_the_first_one_noted_changes_nothing(
    session: Session, client: FlaskClient, clock: Clock, press: Press, fixed: list[Report]
) -> None:
    """A portal from before this was noted: its files stay as they are, to the byte."""
    press.publish(fixed[:1])
    press.release(OUT)
    reader = Reader(client, clock)
    assert reader.version(OUT) == 1
    assert jobs.note_publisher(session, OUT + DAY) == 1
    assert [reader.version(at) for at in (OUT, OUT + 2 * DAY)] == [1, 1]
    assert len(reader.seen) == 1


def test_it_is_audited_never_changed_and_noted_once(
    session: Session, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "reports:note-publisher"))
    assert (entry.actor_id, entry.at, entry.detail["after"]["name"]) == (None, NOON, "Research challenge")
    for change in (sa.update(AdvisoryPublisher).values(name="x"), sa.delete(AdvisoryPublisher)):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"):
            session.execute(change)
        session.rollback()
    other, seen = csaf.Publisher("Another", "https://x.example", "a@x.example", "https://x.example"), []
    real = publishers.noted

    def overtaken(session: Session) -> object:
        rows = real(session)
        if not seen:
            seen.append(rows)
            editions.note_publisher(session, replace(other, name="First"), at=OUT)
        return rows

    monkeypatch.setattr(publishers, "noted", overtaken)
    with pytest.raises(Conflict, match="Somebody has just noted it"):
        editions.note_publisher(session, other, at=OUT)
