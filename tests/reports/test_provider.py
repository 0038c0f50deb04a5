"""Signatures beside advisories: made by gpg as the page prints it, given, served, and void where the bytes change."""

import hashlib
import html
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core.audit import AuditEntry
from portal.reports.actions import advisories as actions
from portal.reports.actions import publications
from portal.reports.actions.advisories import Words
from portal.reports.actions.keys import propose, publish_key_set
from portal.reports.actions.publications import Thanks
from portal.reports.models import Advisory, AdvisoryRevision, AdvisorySignature, KeySet, Report
from portal.reports.queries import reports
from portal.reports.states import Credit, ReportState
from portal.reports.todo import publishing
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.openpgp import Gpg, gpg_home
from tests.reports.people import Desk
from tests.reports.press import HOUR, Press
from tests.reports.provider import METADATA, Checker
from tests.reports.validating import Validated

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OUT = datetime(2020, 10, 6, 16, tzinfo=NOON.tzinfo)
TOM, TESSA = "Tom <tom@example.org>", "Tessa <tessa@example.org>"
RECOVERY, OTHER = "Recovery <recovery@example.org>", "Other <other@example.org>"
THEN, SIGNED = "20200601T000000!", "20200731T120000!"
STAFF, FOLDER = f"/staff/{SLUG}/advisories", "/.well-known/csaf/white"
ONE = f"{FOLDER}/2020/portal-2020-0001.json"


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """Keys of 2020, the year of the tests."""
    with gpg_home() as home:
        for name in (TOM, RECOVERY, OTHER, TESSA):
            home.make(name, "--faked-system-time", THEN, expire="20y")
        yield home


@pytest.fixture
def key_set(session: Session, cast: Cast, gpg: Gpg) -> KeySet:
    """Key set 1, with Tom."""
    made = publish_key_set(
        session, [(cast.triager.id, gpg.certificate(TOM))], gpg.certificate(RECOVERY), by=None, at=NOON - DAY
    )
    session.commit()
    return made


@pytest.fixture
def fixed(desk: Desk) -> list[Report]:
    """Three reports that are sealed to it, and fixed."""
    return [desk.in_state(ReportState.FIXED) for _ in range(3)]


@pytest.fixture
def made(press: Press, fixed: list[Report], clock: Clock) -> Advisory:
    """An advisory that is published and comes out at OUT; it is the day after its approval."""
    found = press.publish(fixed[:1])
    press.release(OUT)
    clock.at = HOUR + 2 * DAY
    return found


@pytest.fixture
def give(client: FlaskClient, cast: Cast, gpg: Gpg) -> Callable[..., int]:
    """Take the (last) file of an advisory away, sign it, give the signature; the status of the answer."""

    def done(advisory: Advisory, who: str = TOM, data: bytes | None = None) -> int:
        sign_in(client, cast.triager)
        page = f"{STAFF}/{advisory.id}/signature"
        if data is None:
            data = client.get(re.findall(r'href="([^"]+download=[^"]+)"', client.get(page).text)[-1]).data
        return client.post(page, data={"signature": signed(gpg, data, who)}).status_code

    return done


def signed(gpg: Gpg, data: bytes, who: str = TOM) -> str:
    words = ("--faked-system-time", SIGNED, "--armor", "--detach-sign", "--local-user", f"={who}")
    return gpg.run(*words, data=data).decode()


def test_the_printed_recipe_run_by_gpg_makes_a_trusted_provider(
    client: FlaskClient, session: Session, cast: Cast, made: Advisory, gpg: Gpg, clock: Clock, tmp_path: Path
) -> None:
    """Taken away before the hour, signed as the page says, given as a file; out at the very second of the file."""
    sign_in(client, cast.triager)
    page = client.get(f"{STAFF}/{made.id}/signature").text
    assert "Signed before, its signature comes out at the same second" in page
    file = client.get(re.findall(r'href="([^"]+download=[^"]+)"', page)[0])
    assert file.headers["Content-Disposition"] == 'attachment; filename="portal-2020-0001.json"'
    (tmp_path / "portal-2020-0001.json").write_bytes(file.data)
    (recipe,) = re.findall(r"<code>(gpg [^<]+)</code>", page)
    options = f"faked-system-time {SIGNED}\nbatch\nquiet\ndefault-key {gpg.fingerprint(TOM)}\n"
    (gpg.home / "gpg.conf").write_text(options)
    try:
        environment = {**os.environ, "GNUPGHOME": str(gpg.home), "LC_ALL": "C"}
        subprocess.run(["sh", "-ec", html.unescape(recipe)], cwd=tmp_path, check=True, env=environment)
    finally:
        (gpg.home / "gpg.conf").unlink()
    asc = (tmp_path / "portal-2020-0001.json.asc").read_bytes()

    answer = client.post(f"{STAFF}/{made.id}/signature", data={"asc": (BytesIO(asc), "portal-2020-0001.json.asc")})

    assert answer.status_code == 302
    sign_in(client, None)
    clock.at = OUT - SECOND
    for ending in ("", ".sha256", ".sha512", ".asc"):
        assert client.get(ONE + ending).status_code == 404
    clock.at = OUT
    assert client.get(ONE).data == file.data
    assert client.get(f"{ONE}.asc").data == asc
    checker = Checker(client)
    told = checker.check()
    assert checker.faults == []
    assert told["role"] == "csaf_trusted_provider"
    assert [each["fingerprint"] for each in told["public_openpgp_keys"]] == [gpg.fingerprint(TOM)]
    assert f"{ONE}.asc" in client.get(f"/challenges/{SLUG}/advisories/{made.ident}").text
    last = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (last.tag, last.subject, last.actor_id) == ("reports:sign-advisory", f"advisory:{made.id}", cast.triager.id)


def test_without_a_signature_the_provider_claims_no_more_than_it_is(
    client: FlaskClient, made: Advisory, press: Press, fixed: list[Report], give: Callable[..., int], clock: Clock
) -> None:
    press.publish(fixed[1:])
    clock.at = OUT
    for role, keys in (("csaf_provider", 0), ("csaf_provider", 1)):
        sign_in(client, None)
        checker = Checker(client)
        told = checker.check()
        assert (checker.faults, told["role"], len(told["public_openpgp_keys"])) == ([], role, keys)
        if not keys:
            assert client.get(f"{ONE}.asc").status_code == 404
            assert give(made) == 302
    assert len(checker.documents) == 2


def test_what_is_missing_is_on_the_to_do_list_until_it_is_given(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, made: Advisory, give: Callable[..., int],
    clock: Clock,
) -> None:  # fmt: skip
    def shown() -> tuple[int, bool]:
        with app.test_request_context():
            found = publishing(session, cast.challenge, frozenset({Role.TRIAGER}), clock.at, reader=0)
        session.rollback()
        (count,) = [each.count for each in found if each.label == "Advisories to sign"]
        return count, ">Missing<" in client.get(STAFF).text

    sign_in(client, cast.triager)
    assert shown() == (1, True)
    assert "Advisories to sign" in client.get(f"/staff/{SLUG}/").text
    assert give(made) == 302
    assert shown() == (0, False)
    assert give(made) == 409


def test_a_new_version_needs_a_new_signature(
    client: FlaskClient, session: Session, cast: Cast, made: Advisory, press: Press, give: Callable[..., int],
    clock: Clock,
) -> None:  # fmt: skip
    assert give(made) == 302
    clock.at = OUT + DAY
    assert client.get(f"{ONE}.asc").status_code == 200
    press.move(made, "revise", at=clock.at)
    words = Words("Better", "More.", "More.", "Demo Systems", "Device OS", "More to read.")
    actions.write(session, cast.challenge, press.whole(made), words, by=cast.triager.id, at=clock.at)
    press.move(made, "ready", at=clock.at)
    assert client.get(f"{ONE}.asc").status_code == 200
    press.move(made, "publish", at=clock.at)
    assert client.get(f"{ONE}.asc").status_code == 404
    assert client.get(METADATA).json["role"] == "csaf_provider"  # type: ignore[index]
    assert give(made) == 302
    assert client.get(METADATA).json["role"] == "csaf_trusted_provider"  # type: ignore[index]


def test_thanks_that_are_taken_back_take_the_signature_with_them(
    client: FlaskClient, session: Session, cast: Cast, made: Advisory, fixed: list[Report], give: Callable[..., int],
    clock: Clock,
) -> None:  # fmt: skip
    thanks = Thanks(Credit.NAMED, "Rosa R")
    publications.thank(session, reports.draft(session, fixed[0].id), cast.member, thanks, at=NOON)
    session.commit()
    clock.at = OUT
    assert give(made) == 302
    named = client.get(ONE).data
    publications.thank_no_more(session, reports.draft(session, fixed[0].id), cast.member, at=OUT)
    session.commit()
    assert b"Rosa R" in named
    assert b"Rosa R" not in client.get(ONE).data
    assert client.get(f"{ONE}.asc").status_code == 404


def test_a_key_that_leaves_the_set_takes_its_signatures_with_it(
    client: FlaskClient, session: Session, cast: Cast, made: Advisory, gpg: Gpg, give: Callable[..., int], clock: Clock
) -> None:
    clock.at = OUT
    assert give(made) == 302
    key = f"/.well-known/csaf/openpgp/{gpg.fingerprint(TOM)}.asc"
    assert client.get(key).text == gpg.certificate(TOM)
    triagers, recovery = [(cast.triager.id, gpg.certificate(TESSA))], gpg.certificate(RECOVERY)
    statement = propose(session, triagers, recovery, at=OUT).statement
    stamp = ("--faked-system-time", "20201006T160000!")
    vouched = gpg.run(*stamp, "--armor", "--detach-sign", "-u", f"={RECOVERY}", data=statement.encode()).decode()
    publish_key_set(session, triagers, recovery, by=None, at=OUT, signature=vouched)
    session.commit()
    assert client.get(f"{ONE}.asc").status_code == 404
    assert client.get(key).status_code == 404
    assert give(made, TESSA) == 302
    checker = Checker(client)
    assert (checker.check()["role"], checker.faults) == ("csaf_trusted_provider", [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data + b"\n", "It signs the file with one more line break at its end."),
        (lambda data: data.rstrip(), "It signs the file without its last line break."),
        (lambda data: data.replace(b"\n", b"\r\n"), "It signs the file with line ends of Windows."),
        (lambda data: data.replace(b"rights", b"wrongs"), "Download the file anew, and sign that."),
    ],
)
def test_only_the_very_bytes_count(
    client: FlaskClient, session: Session, cast: Cast, made: Advisory, gpg: Gpg, clock: Clock,
    change: Callable[[bytes], bytes], words: str,
) -> None:  # fmt: skip
    clock.at = OUT
    data, page = client.get(ONE).data, f"{STAFF}/{made.id}/signature"
    sign_in(client, cast.lead)
    answer = client.post(page, data={"signature": signed(gpg, change(data))})
    assert (answer.status_code, words in html.unescape(answer.text)) == (422, True)
    assert session.scalars(sa.select(sa.func.count(AdvisorySignature.id))).one() == 0


def test_what_is_no_signature_of_ours_is_told(
    client: FlaskClient, session: Session, cast: Cast, made: Advisory, gpg: Gpg, clock: Clock
) -> None:
    clock.at = OUT
    data, page = client.get(ONE).data, f"{STAFF}/{made.id}/signature"
    sign_in(client, cast.triager)
    old = ("--faked-system-time", SIGNED, "--digest-algo", "SHA1", "--armor", "--detach-sign")
    late = ("--faked-system-time", "20201231T000000!", "--armor", "--detach-sign")
    for given, words in (
        ("", "There is no signature yet. Sign the file"),
        ("nonsense", "This is not an armored signature"),
        (signed(gpg, data, OTHER), "It was made by the key"),
        (gpg.run(*old, "-u", f"={TOM}", data=data).decode(), "which can be forged"),
        (gpg.run(*late, "-u", f"={TOM}", data=data).decode(), "It was made in the future"),
    ):
        answer = client.post(page, data={"signature": given})
        assert (answer.status_code, words in html.unescape(answer.text)) == (422, True), words
    answer = client.post(page, data={"asc": (BytesIO(b"\xff" * 50_000), "x.asc")})
    assert (answer.status_code, "This is not an armored signature" in answer.text) == (422, True)
    assert client.get(f"{page}?download={'0' * 64}").status_code == 404


def test_before_anything_is_known_there_is_nothing_to_sign(
    client: FlaskClient, session: Session, cast: Cast, press: Press, fixed: list[Report], gpg: Gpg
) -> None:
    draft = press.publish(fixed[:1], at=NOON)
    sign_in(client, cast.triager)
    page = f"{STAFF}/{draft.id}/signature"
    assert "Its bytes are known once a version is published and the hour" in client.get(page).text
    answer = client.post(page, data={"signature": signed(gpg, b"x")})
    assert (answer.status_code, "There is no file to sign" in answer.text) == (422, True)


def test_the_database_keeps_whole_hashes_and_each_signature_once(session: Session, made: Advisory, cast: Cast) -> None:
    whole = {"advisory_id": made.id, "sha256": "0" * 64, "fingerprint": "A" * 40, "signature": "x", "signed_at": NOON,
             "given_at": NOON, "given_by_id": cast.triager.id}  # fmt: skip
    for wrong, name in (({"sha256": "0"}, "hashes_whole"), ({"signature": ""}, "signature_there")):
        session.add(AdvisorySignature(**whole | wrong))
        with pytest.raises(IntegrityError, match=name):
            session.flush()
        session.rollback()


def test_old_hashes_and_names_are_as_they_were(client: FlaskClient, made: Advisory, clock: Clock) -> None:
    clock.at = OUT
    data = client.get(ONE).data
    assert client.get(f"{ONE}.sha512").text == f"{hashlib.sha512(data).hexdigest()}  portal-2020-0001.json\n"
    for name in (".md5", ".sha256.asc", ".ASC", ".asc", ".json", "."):
        assert client.get(ONE + name).status_code == 404, name


def test_a_file_is_dated_by_the_second_at_which_it_came_out(
    client: FlaskClient, session: Session, made: Advisory, clock: Clock
) -> None:
    """Who asks for what is new since the last visit finds it, though it was approved weeks before the results."""
    assert session.scalars(sa.select(AdvisoryRevision.at)).one() < OUT
    clock.at = OUT
    assert client.get(f"{FOLDER}/changes.csv").text == '"2020/portal-2020-0001.json","2020-10-06T16:00:00Z"\n'
    tracking = client.get(ONE).json["document"]["tracking"]  # type: ignore[index]
    assert (tracking["initial_release_date"], tracking["current_release_date"]) == ("2020-10-06T16:00:00Z",) * 2
    assert client.get(METADATA).json["last_updated"] == "2020-10-06T16:00:00Z"  # type: ignore[index]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_version_that_never_came_out_leaves_no_gap(
    client: FlaskClient, session: Session, cast: Cast, press: Press, fixed: list[Report], clock: Clock,
    validated: Validated,
) -> None:  # fmt: skip
    """The first version covers a report whose date both sides move; the second one leaves it out, and is out."""
    for report in fixed:
        press.agree(report)
    found = press.move(press.move(press.draft(fixed), "ready"), "publish", at=NOON)
    press.move(found, "revise", at=NOON)
    actions.uncover(session, cast.challenge, press.whole(found), fixed[1].id, by=cast.triager.id, at=NOON)
    press.move(press.move(found, "ready"), "publish", at=NOON)
    press.accept(fixed[1], press.propose(fixed[1], HOUR + 30 * DAY))
    press.release(NOON)
    clock.at = HOUR + DAY
    document = client.get(ONE).json
    (told,) = validated([document])["found"]
    assert told["wrong"] == []
    history = document["document"]["tracking"]["revision_history"]  # type: ignore[index]
    assert [(each["number"], each["summary"]) for each in history] == [("1", "Not published."), ("2", "A new version.")]
    checker = Checker(client)
    checker.check()
    assert checker.faults == []
