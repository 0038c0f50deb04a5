"""What happens before and after a key of the current set expires."""

import io
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core.blobs import Blobs
from portal.core.outbox import OutgoingMail
from portal.reports import receipts, rules
from portal.reports.actions import threads
from portal.reports.actions.keys import make_token, publish_key_set
from portal.reports.jobs import expire, warn
from portal.reports.models import KeySet, Report, ResearcherCertificate, Upload
from portal.reports.refusals import KeyExpired
from portal.reports.states import ReportState, Side, UploadState
from tests.cast import NOON, Cast, make_account, sign_in
from tests.conftest import Clock
from tests.reports.conftest import RECOVERY, TIA, publish_next
from tests.reports.openpgp import MADE, certificate, message
from tests.reports.people import Desk
from tests.reports.test_uploads import NEW, PARTICULARS, Tus
from tests.reports.threads import live, written

DAYS = 40
EXPIRES = (NOON + timedelta(days=DAYS)).replace(microsecond=0)
TOM = certificate("Tom <tom@example.org>", seed=1, expires=int(EXPIRES.timestamp()) - MADE)


def published(session: Session, cast: Cast) -> KeySet:
    """A set in which Tom's key expires in forty days."""
    made = publish_key_set(session, [(cast.triager.id, TOM), (cast.second_triager.id, TIA)], RECOVERY, by=None, at=NOON)
    session.commit()
    return made


def posted(session: Session) -> list[tuple[str, str]]:
    """Template and address of every mail about keys, in order."""
    rows = session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.template.like("reports/key%")).order_by(OutgoingMail.id)
    )
    return [(row.template, row.to) for row in rows]


def test_admins_and_the_owner_are_told_thirty_seven_and_one_day_before(session: Session, cast: Cast) -> None:
    root = make_account(session, "Root Admin", Role.ADMIN, scope="*")
    published(session, cast)
    both = [("reports/keys_expire", root.email), ("reports/key_expires", cast.triager.email)]

    told = []
    for days in (31, 30, 29, 7, 6, 1, 0.5, 0, -1):
        for _ in range(2):  # a tick that comes twice tells nobody twice
            warn(session, EXPIRES - timedelta(days=days))
        told.append(len(posted(session)))

    assert told == [0, 2, 2, 4, 4, 6, 6, 6, 6]
    assert posted(session) == both * 3
    contexts = session.scalars(sa.select(OutgoingMail.context).where(OutgoingMail.template == "reports/key_expires"))
    assert {each["day"] for each in contexts} == {"2020-07-25"}


def test_after_it_nothing_is_sealed_past_its_owner(
    client: FlaskClient, session: Session, cast: Cast, clock: Clock
) -> None:
    made = published(session, cast)
    sign_in(client, cast.researcher)
    page = f"/challenges/{cast.slug}/reports/new"
    assert 'id="seal-send"' in client.get(page).text

    clock.at = EXPIRES
    stopped = client.get(page).text

    assert "A key of key set 1 has expired" in stopped
    assert made.members[0].fingerprint in stopped
    assert made.members[1].fingerprint not in stopped
    assert 'id="seal-send"' not in stopped
    assert "seal.js" not in stopped
    assert "expired" in client.get("/keys/").text


def test_the_new_set_lets_sealing_go_on(client: FlaskClient, session: Session, cast: Cast, clock: Clock) -> None:
    published(session, cast)
    clock.at = EXPIRES
    publish_key_set(session, [(None, TIA)], RECOVERY, by=None, at=EXPIRES, restarted="A test.")
    session.commit()
    sign_in(client, cast.researcher)

    page = client.get(f"/challenges/{cast.slug}/reports/new").text

    assert 'data-key-set="2"' in page
    assert "has expired" not in page


def test_the_doctor_says_how_long_there_is_left(app: Flask, session: Session, cast: Cast, clock: Clock) -> None:
    published(session, cast)
    said = []
    for days in (31, 30, 0):
        clock.at = EXPIRES - timedelta(days=days)
        output = app.test_cli_runner().invoke(args=["doctor"]).output
        said.append(next(line for line in output.splitlines() if line.startswith("keys:")))

    assert said == [
        "keys: ok (set 1, until 2020-07-25)",
        "keys: ok (set 1, until 2020-07-25: publish the next set within 30 days)",
        "keys: RuntimeError: a key of set 1 has expired: nothing can be sealed",
    ]


def test_the_page_that_seals_says_until_when_the_set_before_counts(
    client: FlaskClient, session: Session, cast: Cast, clock: Clock
) -> None:
    published(session, cast)
    publish_next(session, [(None, TIA)], at=NOON + timedelta(days=1))
    session.commit()
    sign_in(client, cast.researcher)
    page = f"/challenges/{cast.slug}/reports/new"

    clock.tick(days=2)
    assert "sealed to key set 1 is taken until" in client.get(page).text
    assert "accepted until" in client.get("/keys/").text
    clock.tick(days=14)
    assert "is taken until" not in client.get(page).text
    assert "accepted until" not in client.get("/keys/").text


SECOND = timedelta(seconds=1)
WORDS = (
    "A key of key set 1 has expired (Tom <tom@example.org>, on 25 July 2020 at 12:00 UTC), so nothing new is sealed to "
    "the set. The team has been told; send it as soon as the next set stands on /keys/."
)


@pytest.fixture
def made(session: Session, cast: Cast) -> KeySet:
    return published(session, cast)


@pytest.fixture
def tus(client: FlaskClient, session: Session, cast: Cast, made: KeySet, clock: Clock) -> Tus:
    """A program of the researcher's, a second before the key expires."""
    clock.at = EXPIRES - SECOND
    by = {"challenge_id": cast.challenge.id, "by": cast.researcher.id}
    token = make_token(session, name="t", at=clock.at, **by)
    session.commit()
    return Tus(client, Authorization=f"Bearer {token}")


def sealed(key_set: KeySet, size: int = 500) -> bytes:
    return message(size, [each.key_ids[0] for each in key_set.members])


def begin(tus: Tus) -> tuple[int, str]:
    """Begin a report as JSON: the status, and its reference or why not."""
    headers = {"Accept": "application/json", **tus.headers}
    answer = tus.client.post(NEW, json=PARTICULARS, headers=headers)
    assert answer.json
    return answer.status_code, answer.json.get("ref") or answer.json["reason"]


def test_a_program_begins_nothing_from_the_second_on_in_which_a_key_expires(
    tus: Tus, session: Session, made: KeySet, clock: Clock
) -> None:
    assert begin(tus) == (201, "TCR-0001")
    begun = tus.begin("TCR-0001", len(sealed(made)))

    clock.at = EXPIRES
    status, reason = begin(tus)
    assert (status, reason.startswith(WORDS)) == (422, True)
    refused = tus.create("TCR-0001", 500, "attachment")
    assert (refused.status_code, refused.headers["Upload-Refused"]) == (422, "key-expired")
    assert refused.text.startswith(WORDS)
    assert [each.id for each in session.scalars(sa.select(Upload))] == [begun.rpartition("/")[2]]
    assert len(session.scalars(sa.select(Report)).all()) == 1


def test_a_file_that_was_begun_before_is_taken_to_its_end_and_the_report_handed_in(
    tus: Tus, session: Session, made: KeySet, clock: Clock
) -> None:
    data = sealed(made)
    begin(tus)
    halved, untouched = tus.begin("TCR-0001", len(data)), tus.begin("TCR-0001", len(data), "attachment")
    assert tus.patch(halved, 0, data[:50]).status_code == 204

    clock.at = EXPIRES + timedelta(hours=1)
    assert tus.patch(halved, 50, data[50:]).status_code == 204
    assert tus.patch(untouched, 0, data).status_code == 204
    done = tus.client.post("/challenges/test-challenge/reports/TCR-0001/submit", headers=tus.headers)

    assert (done.status_code, done.json and done.json["ref"]) == (200, "TCR-0001")
    assert session.scalars(sa.select(Report.state)).all() == [ReportState.RECEIVED]
    assert set(session.scalars(sa.select(Upload.key_set_id))) == {made.id}


def test_what_was_begun_before_is_still_sealed_to_everybody(
    tus: Tus, session: Session, made: KeySet, clock: Clock
) -> None:
    """gpg seals to no expired key, so what comes afterwards lacks it; the refusal says that this is why."""
    begin(tus)
    place = tus.begin("TCR-0001")
    clock.at = EXPIRES

    answer = tus.patch(place, 0, message(500, [each.key_ids[0] for each in made.members[1:]]))

    assert (answer.status_code, answer.headers["Upload-Refused"]) == (422, "missing-recipient")
    assert "Missing: Tom <tom@example.org> (whose key has expired since)" in answer.text
    assert session.scalars(sa.select(Upload.state)).all() == [UploadState.REFUSED]


def test_the_draft_waits_for_the_next_set_and_is_sealed_to_it(
    tus: Tus, session: Session, made: KeySet, clock: Clock
) -> None:
    begin(tus)
    data = sealed(made)
    tus.patch(tus.begin("TCR-0001", len(data), "attachment"), 0, data)

    for days in (1, 3, 30):
        expire(session, EXPIRES + timedelta(days=days))
    clock.at = EXPIRES + timedelta(days=31)
    second = publish_key_set(session, [(None, TIA)], RECOVERY, by=None, at=clock.at, restarted="A test.")
    session.commit()
    expire(session, clock.tick(hours=47))
    assert session.scalars(sa.select(Report.state)).all() == [ReportState.UPLOADING]

    body = sealed(second)
    tus.patch(tus.begin("TCR-0001", len(body)), 0, body)
    assert tus.client.post("/challenges/test-challenge/reports/TCR-0001/submit", headers=tus.headers).status_code == 200
    assert set(session.scalars(sa.select(Upload.key_set_id))) == {made.id, second.id}


def test_a_draft_that_nobody_goes_on_with_then_is_let_go(
    tus: Tus, session: Session, made: KeySet, clock: Clock
) -> None:
    begin(tus)
    clock.at = EXPIRES + timedelta(days=31)
    publish_key_set(session, [(None, TIA)], RECOVERY, by=None, at=clock.at, restarted="A test.")
    session.commit()

    assert [expire(session, clock.tick(hours=hours)) for hours in (47, 2)] == [0, 1]
    assert session.scalars(sa.select(Report.state)).all() == [ReportState.WITHDRAWN]


def test_a_file_sealed_by_gpg_is_refused_at_its_field_and_the_words_stay(
    client: FlaskClient, session: Session, cast: Cast, made: KeySet, clock: Clock
) -> None:
    sign_in(client, cast.researcher)
    clock.at = EXPIRES - SECOND
    assert client.post(NEW, data={**PARTICULARS, "sealed": (io.BytesIO(sealed(made)), "a.pgp")}).status_code == 302

    clock.at = EXPIRES
    answer = client.post(NEW, data={**PARTICULARS, "sealed": (io.BytesIO(sealed(made)), "a.pgp")})

    assert answer.status_code == 422
    assert "A key of key set 1 has expired (Tom &lt;tom@example.org&gt;, on 25 July 2020 at 12:00 UTC)" in answer.text
    assert PARTICULARS["title"] in answer.text
    assert "seal.js" not in answer.text
    assert len(session.scalars(sa.select(Report)).all()) == 1


@pytest.fixture
def arrived(session: Session, cast: Cast, made: KeySet, store: Blobs, signer: receipts.Signer) -> tuple[Desk, Report]:
    """A report that arrived in time, whose researcher has a certificate."""
    desk = Desk(session, cast, store, signer, lambda size: sealed(made, size))
    live(session, cast.researcher.id)
    return desk, desk.receive()


@pytest.mark.parametrize("side", Side)
def test_messages_both_ways_keep_the_same_rule(
    arrived: tuple[Desk, Report], session: Session, cast: Cast, made: KeySet, side: Side
) -> None:
    desk, report = arrived
    by = cast.triager.id if side is Side.TEAM else cast.researcher.id
    to = [each.key_ids[0] for each in made.members] + list(live_ids(session))
    written(desk, report, side, to, by=by, at=EXPIRES - SECOND)
    begun = threads.begin_message(session, report, side, rules.Limits(), by=by, at=EXPIRES - SECOND)
    data = message(200, to)
    upload = threads.begin_message_upload(session, report, begun, rules.Limits(), length=len(data), at=EXPIRES - SECOND)
    session.commit()

    for at in (EXPIRES, EXPIRES + timedelta(days=1)):
        with pytest.raises(KeyExpired, match="key set 1 has expired"):
            threads.begin_message(session, desk.again(report), side, rules.Limits(), by=by, at=at)
        with pytest.raises(KeyExpired, match="key set 1 has expired"):
            threads.begin_message_upload(session, desk.again(report), begun, rules.Limits(), length=None, at=at)
    session.rollback()

    desk.send(session.get_one(Upload, upload.id), data, at=EXPIRES)
    threads.send_message(session, desk.again(report), session.merge(begun), by=by, at=EXPIRES)


def live_ids(session: Session) -> list[str]:
    return list(session.scalars(sa.select(ResearcherCertificate.key_ids)).one())


def test_the_pages_of_a_report_say_why_nothing_can_be_written(
    client: FlaskClient, arrived: tuple[Desk, Report], cast: Cast, clock: Clock
) -> None:
    _, report = arrived
    clock.at = EXPIRES
    pages = {
        cast.researcher: f"/challenges/{cast.slug}/reports/{report.ref}",
        cast.triager: f"/staff/{cast.slug}/reports/{report.ref}",
    }
    for person, page in pages.items():
        sign_in(client, person)
        text = client.get(page).text
        assert "A key of key set 1 has expired" in text
        assert "message-form" not in text
        assert "portal-triage reply" not in text


def test_the_set_before_counts_only_as_long_as_its_keys(session: Session, cast: Cast, made: KeySet) -> None:
    early = EXPIRES - timedelta(days=2)
    second = publish_next(session, [(None, TIA)], at=early)
    newest, grace = [second, made], early + rules.GRACE

    def counted(at: datetime, begun: datetime | None = None) -> list[int]:
        return [each.number for each in rules.accepted(newest, at, begun)]

    assert counted(EXPIRES - SECOND) == [2, 1]
    assert counted(EXPIRES) == [2]
    assert counted(grace - SECOND, begun=EXPIRES - SECOND) == [2, 1]
    assert counted(grace, begun=EXPIRES - SECOND) == [2]
    assert rules.grace_until(second, made) == EXPIRES
