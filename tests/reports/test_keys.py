"""The public keys, and publishing them."""

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.core.audit import AuditEntry
from portal.reports import rules
from portal.reports.actions.keys import propose, publish_key_set
from portal.reports.models import KeySet
from portal.reports.queries import keys
from portal.reports.signatures import NotSigned
from portal.reports.todo import expiring_keys
from tests.cast import NOON, Cast, make_account, sign_in
from tests.conftest import Clock
from tests.reports.conftest import RECOVERY, TIA, TOM, publish_next
from tests.reports.openpgp import certificate, fingerprint_of, gpg_home, sign, subpacket


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
        "Policy": "http://localhost/",
        "CSAF": "http://localhost/.well-known/csaf/provider-metadata.json",
    }


def pasted(
    step: str, signature: str = "", triagers: str = TOM + "\n" + TIA, recovery: str = RECOVERY
) -> dict[str, str]:
    """What the form of the page sends."""
    return {"triagers": triagers, "recovery": recovery, "signature": signature, "step": step}


def test_an_admin_looks_at_the_first_set_and_publishes_it(admin: FlaskClient, session: Session, cast: Cast) -> None:
    looked = admin.post("/staff/keys", data=pasted("look"))
    assert looked.status_code == 200
    assert keys.current_set(session) is None
    assert "Ed25519 + Curve25519" in looked.text
    assert "The first set is signed by nobody" in looked.text

    answer = admin.post("/staff/keys", data=pasted("publish"))

    assert (answer.status_code, answer.headers["Location"]) == (302, "/keys/")
    found = keys.current_set(session)
    assert found is not None
    assert [member.account_id for member in found.members] == [cast.triager.id, cast.second_triager.id, None]
    assert (found.signature, found.signed_at, found.restarted) == (None, None, None)
    page = admin.get("/staff/keys").text
    assert "Publish key set 2" in page
    assert "BEGIN PGP PUBLIC KEY BLOCK" in page


def test_the_next_set_is_published_only_under_the_signature_of_the_recovery_key(
    admin: FlaskClient, session: Session, key_set: KeySet
) -> None:
    looked = admin.post("/staff/keys", data=pasted("look", triagers=TOM))
    statement = admin.post("/staff/keys", data=pasted("statement", triagers=TOM))
    assert (looked.status_code, statement.status_code) == (200, 200)
    assert statement.headers["Content-Disposition"] == 'attachment; filename="key-set-2.txt"'
    command = f"gpg --armor --detach-sign --local-user {key_set.recovery_fingerprint} key-set-2.txt"
    assert command in looked.text
    assert "Tia Triager is a triager and will not be able" in looked.text
    none = admin.post("/staff/keys", data=pasted("publish", triagers=TOM))
    foreign = admin.post("/staff/keys", data=pasted("publish", sign(statement.text, seed=1, at=NOON), TOM))
    other = admin.post("/staff/keys", data=pasted("publish", sign("other", seed=3, at=NOON), TOM))
    assert [each.status_code for each in (none, foreign, other)] == [422, 422, 422]
    assert "There is no signature yet" in none.text
    assert "It was made by the key" in foreign.text
    assert "It is a signature over other words" in other.text
    assert "BEGIN PGP SIGNATURE" in other.text  # nothing that was typed is lost
    assert "BEGIN PGP PUBLIC KEY BLOCK" in other.text
    assert keys.current_set(session) is key_set

    signature = sign(statement.text, seed=3, at=NOON)
    done = admin.post("/staff/keys", data=pasted("publish", signature, TOM))

    assert done.status_code == 302
    found = keys.current_set(session)
    assert found is not None
    assert (found.number, found.signature, found.signed_at) == (2, signature.strip(), NOON)
    assert admin.get("/keys/2.txt").text == statement.text
    assert admin.get("/keys/2.sig").text == signature.strip()
    assert admin.get("/keys/1.sig").status_code == 404
    assert admin.get("/keys/3.txt").status_code == 404


def test_a_new_recovery_key_is_in_the_statement_and_signs_from_then_on(session: Session, key_set: KeySet) -> None:
    fresh = certificate("Second recovery <r2@example.org>", seed=8)
    second = publish_next(session, [(None, TOM)], fresh, at=NOON + timedelta(days=1))
    assert f"recovery {fingerprint_of(8).hex().upper()}\n" in rules.statement_of(second)

    with pytest.raises(NotSigned, match="It was made by the key"):
        publish_next(session, [(None, TIA)], fresh, at=NOON + timedelta(days=2), by=3)
    assert publish_next(session, [(None, TIA)], fresh, at=NOON + timedelta(days=2), by=8).number == 3


def test_a_signature_from_before_the_last_set_does_not_count_again(session: Session, key_set: KeySet) -> None:
    statement = propose(session, [(None, TOM)], RECOVERY, at=NOON).statement
    early = sign(statement, seed=3, at=NOON - timedelta(days=1))

    with pytest.raises(NotSigned, match="before the key set that it follows"):
        publish_key_set(session, [(None, TOM)], RECOVERY, by=None, at=NOON, signature=early)


def test_a_lost_recovery_key_is_told_loudly(app: Flask, client: FlaskClient, session: Session, key_set: KeySet,
                                            tmp_path: Path) -> None:  # fmt: skip
    (tmp_path / "triagers.asc").write_text(TOM + TIA)
    (tmp_path / "recovery.asc").write_text(certificate("Other <o@example.org>", seed=9))
    words = ["keys", "restart", str(tmp_path / "triagers.asc"), "--recovery", str(tmp_path / "recovery.asc"), "--yes"]

    without = app.test_cli_runner().invoke(args=words)
    done = app.test_cli_runner().invoke(args=[*words, "--reason", "The card with the recovery key burnt."])

    assert without.exit_code == 2
    assert done.exit_code == 0, done.output
    assert "signed by nobody" in done.output
    page = client.get("/keys/").text
    assert "Nobody vouches for this set" in page
    assert "The card with the recovery key burnt." in page
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "reports:restart-keys")).one()
    assert entry.detail["reason"] == "The card with the recovery key burnt."


def test_the_database_refuses_a_later_set_that_nobody_vouches_for(session: Session, key_set: KeySet) -> None:
    session.add(KeySet(number=2, published_at=NOON))

    with pytest.raises(sa.exc.IntegrityError, match="vouched_for"):
        session.flush()


def test_the_recipe_on_the_page_verifies_the_history(client: FlaskClient, session: Session, cast: Cast) -> None:
    at = datetime.now(UTC)
    with gpg_home() as gpg:
        names = ["Tom <tom@example.org>", "Recovery <recovery@example.org>", "New <new@example.org>"]
        for name in names:
            gpg.make(name)
        first, recovery, new = (gpg.certificate(name) for name in names)
        publish_key_set(session, [(None, first)], recovery, by=None, at=at)
        text = propose(session, [(None, new)], recovery, at=at).statement
        who = gpg.fingerprint(names[1])
        signed = gpg.run("--armor", "--detach-sign", "--local-user", who, data=text.encode()).decode()
        publish_key_set(session, [(None, new)], recovery, by=None, at=at, signature=signed)
        session.commit()

    recipe = re.search(r'data-copy="(curl -fsS [^"]+gpg --verify [^"]+)"', client.get("/keys/").text)
    assert recipe is not None
    steps = [step.strip() for step in html.unescape(recipe.group(1)).split("&&")]
    with gpg_home() as other:
        for step in steps[:3]:
            words = step.split()
            answer = client.get(words[2].removeprefix("http://localhost"))
            assert answer.status_code == 200
            if "|" in words:
                other.run("--import", data=answer.data)
            else:
                (other.home / words[-1]).write_bytes(answer.data)
        verify = steps[3].split()
        assert verify[:2] == ["gpg", "--verify"]
        other.run("--verify", *(str(other.home / name) for name in verify[2:]))
        (other.home / verify[3]).write_text(text.replace("triager", "recovery"))
        other.run("--verify", *(str(other.home / name) for name in verify[2:]), expect=1)


def test_what_is_wrong_with_a_certificate_is_said(admin: FlaskClient, session: Session) -> None:
    wrong = certificate("Tom <tom@example.org>", features=subpacket(30, b"\x09"))

    refused = admin.post("/staff/keys", data=pasted("publish", triagers=wrong + TIA))
    empty = admin.post("/staff/keys", data=pasted("publish", triagers="", recovery=""))
    nonsense = admin.post("/staff/keys", data=pasted("publish", triagers="x"))
    twice = admin.post("/staff/keys", data=pasted("publish", triagers=RECOVERY))

    assert {each.status_code for each in (refused, empty, nonsense, twice)} == {422}
    assert "Certificate 1: Its Features are 0x09" in refused.text
    assert fingerprint_of(2).hex().upper() in refused.text  # the good one is shown beside it
    assert "Paste at least one certificate" in empty.text
    assert "Paste one armored certificate" in nonsense.text
    assert "The same certificate is there twice" in twice.text
    assert session.scalars(sa.select(KeySet)).all() == []


def test_certificates_without_a_triager_are_told(admin: FlaskClient, session: Session, cast: Cast) -> None:
    strangers = certificate("Stranger <s@example.org>", seed=7)
    not_one = certificate(f"Ada <{cast.researcher.email}>", seed=8)

    page = admin.post("/staff/keys", data=pasted("look", triagers=strangers + not_one)).text

    assert "no account" in page
    assert "not a triager" in page
    assert page.count("without a certificate") == 2


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
