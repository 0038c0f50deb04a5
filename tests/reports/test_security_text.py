"""security.txt: written by the portal, signed by a key of the current set, served, and watched over."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.reports.actions.keys import publish_key_set
from portal.reports.models import KeySet
from portal.reports.queries import keys, signed
from portal.reports.rules import fault_of_text
from portal.reports.todo import security_text
from tests.cast import NOON, Cast, make_account, sign_in
from tests.conftest import Clock
from tests.reports.openpgp import Gpg, certificate, gpg_home

TOM, RECOVERY, OTHER = "Tom <tom@example.org>", "Recovery <recovery@example.org>", "Other <other@example.org>"
THEN, SIGNED = "20200601T000000!", "20200615T115900!"
PAGE, SERVED = "/staff/keys/security-txt", "/.well-known/security.txt"


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """Keys of 2020, the year of the tests."""
    with gpg_home() as home:
        for name in (TOM, RECOVERY, OTHER):
            home.make(name, "--faked-system-time", THEN, expire="20y")
        yield home


@pytest.fixture
def made(session: Session, cast: Cast, gpg: Gpg) -> KeySet:
    """Key set 1."""
    found = publish_key_set(
        session, [(cast.triager.id, gpg.certificate(TOM))], gpg.certificate(RECOVERY), by=None,
        at=NOON - timedelta(days=1),
    )  # fmt: skip
    session.commit()
    return found


@pytest.fixture
def admin(client: FlaskClient, session: Session, cast: Cast) -> FlaskClient:
    """The browser of an admin of the whole portal."""
    sign_in(client, make_account(session, "Root Admin", Role.ADMIN, scope="*"))
    return client


def clearsigned(gpg: Gpg, text: str, who: str = TOM) -> str:
    """A signed copy, made a minute before noon."""
    words = ("--faked-system-time", SIGNED, "--clearsign", "--local-user", f"={who}")
    return gpg.run(*words, data=text.encode()).decode()


def test_it_is_taken_away_signed_and_served(admin: FlaskClient, session: Session, made: KeySet, gpg: Gpg) -> None:
    text = admin.get(f"{PAGE}?download").text
    assert text == admin.get(SERVED).text
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Key set 1",
        f"# {gpg.fingerprint(TOM)} triager",
        f"# {gpg.fingerprint(RECOVERY)} recovery",
    ]

    answer = admin.post(PAGE, data={"copy": clearsigned(gpg, text)})

    assert answer.status_code == 302
    served = admin.get(SERVED)
    assert served.headers["Content-Type"] == "text/plain; charset=utf-8"
    with gpg_home() as other:
        other.run("--import", data=admin.get("/keys/current.asc").data)
        other.run("--verify", data=served.data)
        assert other.run("--decrypt", data=served.data, expect=None).decode().rstrip() == text.rstrip()
    kept = signed.newest_text(session)
    assert kept is not None
    assert (kept.fingerprint, kept.signed_at) == (gpg.fingerprint(TOM), NOON - timedelta(minutes=1))
    assert "and served until" in admin.get(PAGE).text


def test_what_is_not_its_own_text_or_not_of_its_keys_is_refused(
    admin: FlaskClient, session: Session, made: KeySet, gpg: Gpg
) -> None:
    text = admin.get(f"{PAGE}?download").text
    refused = {
        clearsigned(gpg, text, OTHER): "It was made by the key",
        clearsigned(gpg, text.replace("portal@localhost", "evil@example.org")): "It is not the text for key set 1",
        clearsigned(gpg, text + "# more\n"): "“# more”",
        clearsigned(gpg, text.rpartition("#")[0]): "“its end is missing”",
        clearsigned(gpg, text.replace("2020-12-12", "2022-12-12")): "further off than a year",
        clearsigned(gpg, text.replace("2020-12-12", "2020-06-01")): "that is past",
        clearsigned(gpg, text.replace("Expires", "Expired")): "The text has no line “Expires”",
        clearsigned(gpg, text).replace("Contact", "Contract"): "they were changed after signing",
        text: "This is not a signed copy of the text",
    }
    for copy, said in refused.items():
        answer = admin.post(PAGE, data={"copy": copy})
        assert answer.status_code == 422
        assert said in answer.text, said
    assert signed.newest_text(session) is None
    assert admin.get(SERVED).text == text


def test_without_a_key_set_there_is_nothing_to_sign(admin: FlaskClient, cast: Cast) -> None:
    assert "There is no key set yet" in admin.get(PAGE).text
    assert "There is no key set yet" in admin.post(PAGE, data={"copy": "x"}).text


def test_admins_are_told_while_it_is_unsigned_outdated_or_about_to_expire(
    admin: FlaskClient, app: Flask, session: Session, made: KeySet, gpg: Gpg, clock: Clock
) -> None:
    def fault(at: datetime = NOON) -> str | None:
        return fault_of_text(signed.newest_text(session), keys.current_set(session), at)

    assert fault() == "security.txt is not signed"
    with app.test_request_context():
        (task,) = security_text(session, NOON)
    assert task.url == PAGE
    admin.post(PAGE, data={"copy": clearsigned(gpg, admin.get(f"{PAGE}?download").text)})
    assert fault() is None
    assert fault(datetime(2020, 11, 20, tzinfo=NOON.tzinfo)) == "the signed security.txt expires on 12 December 2020"
    assert fault(datetime(2020, 12, 12, tzinfo=NOON.tzinfo)) == "the signed security.txt has expired"

    second = certificate("New <new@example.org>", seed=7), gpg.certificate(RECOVERY)
    publish_key_set(session, [(None, second[0])], second[1], by=None, at=NOON, restarted="A test.")
    session.commit()

    assert fault() == "security.txt is signed for key set 1, and set 2 is current"
    assert "BEGIN PGP" not in admin.get(SERVED).text
    assert "# Key set 2" in admin.get(SERVED).text


def test_an_expired_one_is_not_served(
    admin: FlaskClient, session: Session, made: KeySet, gpg: Gpg, clock: Clock
) -> None:
    admin.post(PAGE, data={"copy": clearsigned(gpg, admin.get(f"{PAGE}?download").text)})
    assert "BEGIN PGP SIGNED" in admin.get(SERVED).text

    clock.tick(days=181)

    assert "BEGIN PGP" not in admin.get(SERVED).text
