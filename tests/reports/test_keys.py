"""The public keys, and publishing them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.reports.actions.keys import publish_key_set
from portal.reports.models import KeySet
from portal.reports.queries import keys
from portal.reports.todo import expiring_keys
from tests.cast import NOON, Cast, make_account, sign_in
from tests.conftest import Clock
from tests.reports.conftest import RECOVERY, TIA, TOM
from tests.reports.openpgp import certificate, gpg_home, subpacket


@pytest.fixture
def admin(client: FlaskClient, session: Session, cast: Cast) -> FlaskClient:
    """The browser of an admin of the whole portal."""
    sign_in(client, make_account(session, "Root Admin", Role.ADMIN, scope="*"))
    return client


def test_everybody_sees_the_fingerprints(client: FlaskClient, key_set: KeySet) -> None:
    page = client.get("/keys/")

    assert page.status_code == 200
    for member in key_set.members:
        assert f'data-copy="{member.fingerprint}"' in page.text
    told = client.get("/keys/current.json").json
    assert told is not None
    assert told["number"] == 1
    assert [member["fingerprint"] for member in told["members"]] == [each.fingerprint for each in key_set.members]


def test_before_the_first_set_there_is_nothing_to_fetch(client: FlaskClient) -> None:
    assert "No key set yet" in client.get("/keys/").text
    assert client.get("/keys/current.asc").status_code == 404
    assert client.get("/keys/current.json").status_code == 404


def test_the_keys_are_one_block_that_gpg_imports(client: FlaskClient, session: Session, cast: Cast) -> None:
    with gpg_home() as gpg:
        names = ["Tom <tom@example.org>", "Recovery <recovery@example.org>"]
        fingerprints = [gpg.make(name) for name in names]
        publish_key_set(session, [(None, gpg.certificate(names[0]))], gpg.certificate(names[1]), by=None, at=NOON)

        answer = client.get("/keys/current.asc")

    assert answer.mimetype == "application/pgp-keys"
    assert answer.text.count("BEGIN PGP") == 1
    with gpg_home() as other:
        other.run("--import", data=answer.data)
        assert [other.fingerprint(name) for name in names] == fingerprints


def test_the_key_of_receipts_stays_the_same(client: FlaskClient) -> None:
    first, second = client.get("/keys/receipts.pem"), client.get("/keys/receipts.pem")

    assert first.text.startswith("-----BEGIN PUBLIC KEY-----")
    assert first.text == second.text


def test_security_txt_has_what_rfc_9116_asks_for(client: FlaskClient) -> None:
    answer = client.get("/.well-known/security.txt")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields == {
        "Contact": "mailto:portal@localhost",
        "Expires": "2020-12-12T00:00:00Z",
        "Encryption": "http://localhost/keys/",
        "Preferred-Languages": "en",
        "Canonical": "http://localhost/.well-known/security.txt",
    }


def test_an_admin_publishes_a_set(admin: FlaskClient, session: Session, cast: Cast) -> None:
    answer = admin.post("/staff/keys", data={"triagers": TOM + "\n" + TIA, "recovery": RECOVERY, "signature": ""})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/keys/")
    found = keys.current_set(session)
    assert found is not None
    assert [member.account_id for member in found.members] == [cast.triager.id, cast.second_triager.id, None]
    assert found.signature is None
    page = admin.get("/staff/keys").text
    assert "Publish key set 2" in page
    assert "BEGIN PGP PUBLIC KEY BLOCK" in page


def test_what_is_wrong_with_a_certificate_is_said(admin: FlaskClient, session: Session) -> None:
    wrong = certificate("Tom <tom@example.org>", features=subpacket(30, b"\x09"))

    refused = admin.post("/staff/keys", data={"triagers": wrong, "recovery": RECOVERY})
    empty = admin.post("/staff/keys", data={"triagers": "", "recovery": ""})
    nonsense = admin.post("/staff/keys", data={"triagers": "x", "recovery": RECOVERY})

    assert {each.status_code for each in (refused, empty, nonsense)} == {422}
    assert "Its Features are 0x09" in refused.text
    assert "Paste at least one certificate" in empty.text
    assert "Paste one armored certificate" in nonsense.text
    assert session.scalars(sa.select(KeySet)).all() == []


def test_publishing_asks_for_a_fresh_sign_in(admin: FlaskClient) -> None:
    with admin.session_transaction() as cookie:
        cookie["fs_paa"] = 1.0

    answer = admin.get("/staff/keys")

    assert answer.status_code == 302
    assert "/account/verify" in answer.headers["Location"]


@pytest.mark.parametrize("who", ["researcher", "triager", "lead", "admin"])
def test_others_publish_nothing(client: FlaskClient, cast: Cast, who: str) -> None:
    # The cast's admin is one of a single challenge; key sets are the whole portal's.
    sign_in(client, getattr(cast, who))

    assert client.get("/staff/keys").status_code == 403
    assert client.post("/staff/keys", data={"triagers": TOM, "recovery": RECOVERY}).status_code == 403


def test_admins_are_warned_before_a_key_expires(
    client: FlaskClient, session: Session, key_set: KeySet, clock: Clock
) -> None:
    key_set.members[0].expires_at = NOON + timedelta(days=40)
    session.commit()

    with client.application.test_request_context():
        assert expiring_keys(session, NOON) == []
        (task,) = expiring_keys(session, NOON + timedelta(days=11))
    assert (task.url, task.due) == ("/staff/keys", NOON + timedelta(days=40))
