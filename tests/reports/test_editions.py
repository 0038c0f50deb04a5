"""Every change of an advisory's file is a version of its own, with its date; what was told once is told so for ever."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy.orm import Session

from portal.challenges.actions import remove_participant
from portal.challenges.states import ParticipantKind
from portal.core.errors import Refused
from portal.reports import csaf
from portal.reports.actions import advisories, publications, upstream
from portal.reports.actions.publications import Link, Thanks
from portal.reports.actions.upstream import CaseText
from portal.reports.models import Advisory, AdvisoryChange, Publication, Report
from portal.reports.personal import erase
from portal.reports.queries import reports
from portal.reports.states import LIST, REFUSE, Credit, PublicationKind
from tests.cast import NOON, Cast
from tests.conftest import Clock
from tests.reports.people import Desk
from tests.reports.press import HOUR, Press
from tests.reports.provider import Checker
from tests.reports.test_upstream import Cases
from tests.reports.validating import Validated

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OUT = datetime(2020, 10, 6, 16, tzinfo=UTC)
FOLDER, METADATA = "/.well-known/csaf/white", "/.well-known/csaf/provider-metadata.json"
ROSA = Thanks(Credit.NAMED, "Rosa R", "https://rosa.example/")


@dataclass
class Reader:
    """Reads the file of an advisory as time goes on, and holds it against what was read before."""

    client: FlaskClient
    clock: Clock
    name: str = "2020/portal-2020-0001.json"
    seen: list[bytes] = field(default_factory=list)

    def read(self, at: datetime) -> dict[str, Any]:
        """The tracking of the file at an instant. Other bytes are another version, of this second, after the others."""
        self.clock.at = at
        data = self.client.get(f"{FOLDER}/{self.name}").data
        tracking: dict[str, Any] = json.loads(data)["document"]["tracking"]
        entries = tracking["revision_history"]
        assert [each["number"] for each in entries] == [str(n) for n in range(1, len(entries) + 1)]
        assert [each["date"] for each in entries] == sorted(each["date"] for each in entries)
        assert (tracking["version"], tracking["current_release_date"]) == (entries[-1]["number"], entries[-1]["date"])
        if self.seen and data != self.seen[-1]:
            before = json.loads(self.seen[-1])["document"]["tracking"]["revision_history"]
            assert entries[:-1] == before, "one more line, and the others as they were"
            assert entries[-1]["date"] == csaf.instant(at)
        if not self.seen or data != self.seen[-1]:
            self.seen.append(data)
        assert f'"{self.name}","{tracking["current_release_date"]}"' in self.client.get(f"{FOLDER}/changes.csv").text
        told = self.client.get(METADATA).json
        assert told is not None
        assert told["last_updated"] >= tracking["current_release_date"]
        return tracking

    def version(self, at: datetime) -> int:
        """Its number at an instant."""
        return int(self.read(at)["version"])


@pytest.fixture
def made(press: Press, fixed: list[Report]) -> Advisory:
    """An advisory about the first of them, out at OUT."""
    found = press.publish(fixed[:1])
    press.release(OUT)
    return found


@pytest.fixture
def reader(client: FlaskClient, clock: Clock, made: Advisory) -> Reader:
    """Has read it when it came out."""
    found = Reader(client, clock)
    assert found.version(OUT) == 1
    return found


@dataclass
class Hands:
    """What the researcher and the team do."""

    session: Session
    cast: Cast

    def thank(self, report: Report, thanks: Thanks, at: datetime) -> None:
        publications.thank(self.session, reports.draft(self.session, report.id), self.cast.member, thanks, at=at)
        self.session.commit()

    def thank_no_more(self, report: Report, at: datetime) -> None:
        publications.thank_no_more(self.session, reports.draft(self.session, report.id), self.cast.member, at=at)
        self.session.commit()

    def hand_in(self, *about: Report, on: datetime = NOON, url: str = "https://talk.example/") -> Publication:
        link = Link("A talk", url, PublicationKind.TALK, on.date(), tuple(each.id for each in about))
        mine, by = self.cast.participant.id, self.cast.researcher.id
        found = publications.submit(self.session, self.cast.challenge, link, participant_id=mine, by=by, at=NOON)
        self.session.commit()
        return found

    def decide(self, found: Publication, at: datetime, *, good: bool = True) -> None:
        step, reason = (LIST, "") if good else (REFUSE, "It is gone.")
        publications.decide(self.session, self.cast.challenge, found, step, reason, by=self.cast.triager.id, at=at)
        self.session.commit()

    def take_off(self, found: Publication, at: datetime) -> None:
        publications.take_off(self.session, self.cast.challenge, found, by=self.cast.researcher.id, at=at)
        self.session.commit()


@pytest.fixture
def hands(session: Session, cast: Cast) -> Hands:
    return Hands(session, cast)


def test_thanks_given_changed_and_taken_back_are_versions(
    client: FlaskClient, reader: Reader, hands: Hands, fixed: list[Report], validated: Validated
) -> None:
    (report, *_), at = fixed, OUT
    for number, thanks in enumerate((ROSA, Thanks(Credit.ANONYMOUS), ROSA), start=2):
        assert reader.version(at + DAY - SECOND) == number - 1
        at += DAY
        hands.thank(report, thanks, at)
        assert reader.version(at) == number
    hands.thank_no_more(report, at + DAY)
    tracking = reader.read(at + DAY)
    assert [each["summary"] for each in tracking["revision_history"]] == ["First publication.", *[csaf.PASSING] * 4]
    # The name is nowhere any more, also not where it is told that something was.
    assert [b"Rosa" in data for data in reader.seen] == [False, True, False, True, False]
    told = validated([json.loads(data) for data in reader.seen])["found"]
    assert [each["wrong"] for each in told] == [[]] * 5
    checker = Checker(client)
    checker.check()
    assert checker.faults == []


def test_what_changes_nothing_is_no_version(reader: Reader, hands: Hands, fixed: list[Report]) -> None:
    hands.thank(fixed[0], ROSA, OUT + DAY)
    assert reader.version(OUT + DAY) == 2
    for report in fixed[:2]:
        hands.thank(report, ROSA, OUT + 2 * DAY)
    hands.thank_no_more(fixed[2], OUT + 2 * DAY)
    about_another = hands.hand_in(fixed[1], url="https://other.example/")
    hands.decide(about_another, OUT + 2 * DAY)
    hands.decide(hands.hand_in(fixed[0], on=OUT + 90 * DAY), OUT + 2 * DAY)
    assert reader.version(OUT + 3 * DAY) == 2
    assert len(reader.seen) == 2


def test_changes_within_a_second_are_one_version(
    session: Session, reader: Reader, hands: Hands, fixed: list[Report]
) -> None:
    for part, name in enumerate("abc"):
        hands.thank(fixed[0], Thanks(Credit.NAMED, name), OUT + DAY + part * timedelta(milliseconds=300))
    assert reader.version(OUT + DAY + timedelta(milliseconds=900)) == 2
    # Within the second of the first version as well.
    hands.thank_no_more(fixed[0], OUT + 2 * DAY)
    assert reader.version(OUT + 2 * DAY) == 3
    assert len(session.scalars(sa.select(AdvisoryChange)).all()) == 4


def test_what_was_said_before_it_came_out_is_in_its_first_version(
    client: FlaskClient, clock: Clock, made: Advisory, hands: Hands, fixed: list[Report]
) -> None:
    hands.thank(fixed[0], ROSA, OUT - DAY)
    hands.thank(fixed[0], Thanks(Credit.ANONYMOUS), OUT)
    hands.decide(hands.hand_in(fixed[0]), OUT - DAY)
    assert Reader(client, clock).version(OUT + DAY) == 1


def test_a_link_is_a_version_when_it_comes_and_when_it_goes(
    client: FlaskClient, press: Press, reader: Reader, hands: Hands, fixed: list[Report], validated: Validated
) -> None:
    """About a report that is under embargo until later: nobody does anything when it comes out."""
    later = OUT + 5 * DAY
    press.agree(fixed[1], later)
    talk = hands.hand_in(*fixed[:2])
    hands.decide(talk, OUT + DAY)
    assert reader.version(later - SECOND) == 1
    assert reader.version(later) == 2
    hands.take_off(talk, later + DAY)
    tracking = reader.read(later + DAY)
    assert [each["date"] for each in tracking["revision_history"]] == [
        csaf.instant(at) for at in (OUT, later, later + DAY)
    ]
    assert [b"https://talk.example/" in data for data in reader.seen] == [False, True, False]
    again = hands.hand_in(fixed[0])
    hands.decide(again, later + 2 * DAY)
    assert reader.version(later + 2 * DAY) == 4
    hands.decide(again, later + 3 * DAY, good=False)
    assert reader.version(later + 3 * DAY) == 5
    assert [each["wrong"] for each in validated([json.loads(data) for data in reader.seen])["found"]] == [[]] * 5


def test_a_link_comes_out_when_its_day_begins(reader: Reader, hands: Hands, fixed: list[Report], cast: Cast) -> None:
    cast.challenge.zone = "America/Los_Angeles"
    hands.decide(hands.hand_in(fixed[0], on=OUT + 2 * DAY), OUT + DAY)
    begins = datetime(2020, 10, 8, 7, tzinfo=UTC)
    assert [reader.version(at) for at in (begins - SECOND, begins, begins + DAY)] == [1, 2, 2]


def test_cases_at_other_parties_are_versions(
    session: Session, client: FlaskClient, clock: Clock, press: Press, desk: Desk, cast: Cast, fixed: list[Report]
) -> None:
    cases = Cases(session, cast, desk).about().allow()
    cases.step("report")
    desk.move(desk.again(cases.report), "fix")
    session.commit()
    press.publish([cases.report])
    press.publish(fixed[:1])
    press.release(OUT)
    one, other = Reader(client, clock), Reader(client, clock, "2020/portal-2020-0002.json")
    until = OUT + 2 * DAY

    def write(title: str, at: datetime, **more: Any) -> None:
        text = CaseText(title, **({"public_page": "https://kernel.example/1"} | more))
        upstream.write(session, cases.case, text, by=cases.by, at=at)
        session.commit()

    write("A bug", NOON)
    assert (one.version(OUT), other.version(OUT)) == (1, 1)
    # Closed, it is public though no embargo was agreed on.
    cases.step("fixed", "", "5.4", at=OUT + DAY)
    assert one.version(OUT + DAY) == 2
    write("A bug in the kernel", until)
    assert one.version(until) == 3
    # What everybody may read is not hidden again by an embargo that somebody notes late.
    with pytest.raises(Refused, match="Everybody may read PORTAL-2020-0001 by now"):
        write("A bug in the kernel", until, embargo_until=until + DAY, embargo_zone="UTC")
    session.rollback()
    write("A bug in the kernel", until, cves=("CVE-2020-12345",))
    assert one.version(until + SECOND) == 3
    # The other advisory is not dated back to when the case was public for the first one.
    upstream.say_passing_on(session, fixed[0], allowed=True, credit="", by=cast.researcher.id, at=until)
    upstream.add_subject(session, cases.case, reports.draft(session, fixed[0].id), None, by=cases.by, at=until + DAY)
    session.commit()
    assert (one.version(until + DAY), other.version(until + DAY)) == (3, 2)
    write("", until + 2 * DAY, public_page="")
    assert (one.version(until + 2 * DAY), other.version(until + 2 * DAY)) == (4, 3)


@pytest.mark.parametrize("removed", [False, True])
def test_who_leaves_leaves_a_version_behind(
    session: Session, reader: Reader, hands: Hands, fixed: list[Report], cast: Cast, removed: bool
) -> None:
    at = OUT + DAY
    hands.thank(fixed[0], ROSA, at)
    assert reader.version(at) == 2
    hands.decide(hands.hand_in(fixed[0]), at + DAY)
    assert reader.version(at + DAY) == 3
    if removed:
        remove_participant(session, cast.challenge, cast.participant, reason="Left.", by=cast.admin.id, at=at + 2 * DAY)
        session.commit()
        assert reader.version(at + 2 * DAY) == 4
    erase(session, cast.researcher.id, at + 3 * DAY)
    session.commit()
    # The talk goes with the account, the thanks with the participation.
    assert reader.version(at + 3 * DAY) == (5 if removed else 4)
    assert reader.version(at + 4 * DAY) == (5 if removed else 4)
    assert b"Rosa" not in reader.seen[-1]
    assert b"talk.example" not in reader.seen[-1]
    assert cast.participant.kind is ParticipantKind.RESEARCHER


def test_written_versions_stand_among_the_others(
    session: Session, press: Press, reader: Reader, hands: Hands, fixed: list[Report], made: Advisory, cast: Cast
) -> None:
    """A link about a report that only the second version covers does not go before it."""
    press.agree(fixed[1])
    hands.thank(fixed[0], ROSA, OUT + DAY)
    hands.decide(hands.hand_in(fixed[1]), OUT + DAY)
    assert reader.version(OUT + DAY) == 2
    at = OUT + 2 * DAY
    press.move(made, "revise", at=at)
    flaw = advisories.Particulars("More", "x", affected=(press.build("20.06"),))
    advisories.cover(session, cast.challenge, press.whole(made), fixed[1].id, flaw, by=cast.triager.id, at=at)
    session.commit()
    press.move(made, "ready", at=at)
    assert reader.version(at) == 2
    press.move(made, "publish", at=at + DAY)
    tracking = reader.read(at + DAY)
    assert [each["summary"] for each in tracking["revision_history"]] == [
        "First publication.", csaf.PASSING, "A new version.",
    ]  # fmt: skip
    hands.thank(fixed[1], ROSA, at + 2 * DAY)
    assert reader.version(at + 2 * DAY) == 4


def test_a_version_that_another_was_ahead_of_never_comes_out(
    session: Session, client: FlaskClient, clock: Clock, press: Press, fixed: list[Report], cast: Cast
) -> None:
    for report in fixed[:2]:
        press.agree(report)
    found = press.move(press.move(press.draft(fixed[:2]), "ready"), "publish", at=NOON)
    press.move(found, "revise", at=NOON)
    advisories.uncover(session, cast.challenge, press.whole(found), fixed[1].id, by=cast.triager.id, at=NOON)
    press.move(press.move(found, "ready"), "publish", at=NOON)
    press.accept(fixed[1], press.propose(fixed[1], HOUR + 30 * DAY))
    press.release(NOON)
    reader = Reader(client, clock)
    first = reader.read(HOUR + DAY)
    assert reader.read(HOUR + 30 * DAY) == first
    assert [each["date"] for each in first["revision_history"]] == [csaf.instant(HOUR)] * 2


def test_who_comes_late_goes_not_before_what_is_noted(
    session: Session, reader: Reader, hands: Hands, fixed: list[Report]
) -> None:
    """Two at once: the one with the earlier instant gets to the rows second."""
    hands.thank(fixed[0], ROSA, OUT + DAY + SECOND)
    assert reader.version(OUT + DAY + SECOND) == 2
    hands.thank(fixed[0], Thanks(Credit.ANONYMOUS), OUT + DAY)
    dates = [each["date"] for each in json.loads(reader.seen[-1])["document"]["tracking"]["revision_history"]]
    reader.seen.clear()
    tracking = reader.read(OUT + 2 * DAY)
    assert [each["date"] for each in tracking["revision_history"]] == dates


def test_the_database_never_changes_what_is_noted(
    session: Session, reader: Reader, hands: Hands, fixed: list[Report]
) -> None:
    hands.thank(fixed[0], ROSA, OUT + DAY)
    for change in (sa.update(AdvisoryChange).values(at=OUT), sa.delete(AdvisoryChange)):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"):
            session.execute(change)
        session.rollback()


SECONDS = some.integers(0, 50).map(lambda number: NOON + number * timedelta(milliseconds=400))


@settings(max_examples=200)
@given(
    versions=some.lists(SECONDS, min_size=1, max_size=5).map(sorted), changes=some.lists(SECONDS, max_size=8),
    later=some.lists(SECONDS.map(lambda at: at + timedelta(seconds=21)), max_size=4),
)  # fmt: skip
def test_a_history_only_grows(versions: list[datetime], changes: list[datetime], later: list[datetime]) -> None:
    written = [(at, f"Version {number}.") for number, at in enumerate(versions)]
    before, after = csaf.history(written, changes), csaf.history(written, [*later, *changes])
    assert after[: len(before)] == before
    assert csaf.history(written, [*changes[::-1], *changes]) == before
    assert [each.number for each in after] == list(range(1, len(after) + 1))
    assert [each.at for each in after] == sorted(each.at for each in after)
    assert [each.summary for each in after if each.summary != csaf.PASSING] == [words for _, words in written]
    passing = [each.at for each in after if each.summary == csaf.PASSING]
    assert len(set(passing)) == len(passing)
    assert not set(passing) & {each.at for each in after if each.summary != csaf.PASSING}
