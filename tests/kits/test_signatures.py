"""Who may say anything about a parcel: every signature here was made by openssl, or by the service itself."""

import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from portal.config import public_keys
from portal.kits.rules import signatures
from portal.kits.rules.signatures import Message
from tests.cast import NOON
from tests.kits import services
from tests.kits.services import SECRET

BODY = '{"id":"evt_1","name":"Ελένη"}'.encode()
MINUTE = timedelta(minutes=1)


def message(headers: Mapping[str, str], body: bytes = BODY, path: str = "", token: str = "") -> Message:
    return Message(body, {name.lower(): [value] for name, value in headers.items()}, path, token)


def test_easyposts_own_example_verifies() -> None:
    check = signatures.easypost(services.OFFICIAL_SECRET)
    signed = message({"X-Hmac-Signature": services.OFFICIAL_SIGNATURE}, services.OFFICIAL_BODY)

    assert check(signed, NOON)
    assert not signatures.easypost("secret")(signed, NOON)
    assert not check(message({"X-Hmac-Signature": services.OFFICIAL_SIGNATURE}, services.OFFICIAL_BODY + b" "), NOON)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_an_easypost_secret_is_one_however_it_is_spelt(form: str) -> None:
    spelt = unicodedata.normalize(form, "ﬁne-sécret-Å-no-①")  # type: ignore[arg-type]
    digest = services.hmac_hex(unicodedata.normalize("NFKD", spelt), BODY)

    assert signatures.easypost(spelt)(message({"X-Hmac-Signature": f"hmac-sha256-hex={digest}"}), NOON)


def test_easyposts_newer_signature_counts_where_it_is_there() -> None:
    check = signatures.easypost(SECRET)
    path = "/webhooks/easypost"
    newer, older = services.easypost_v2_headers(BODY), services.easypost_headers(BODY)

    assert check(message(newer, path=path), NOON)
    assert check(message(newer, path=path), NOON + 5 * MINUTE)
    assert not check(message(newer, path=path), NOON + 6 * MINUTE)
    assert not check(message(newer, path=path), NOON - 6 * MINUTE)
    assert not check(message(newer, path="/webhooks/shippo"), NOON)
    forged = newer | {"X-Hmac-Signature-V2": "hmac-sha256-hex=" + "0" * 64}
    assert not check(message(forged | older, path=path), NOON)
    assert not check(message(newer | {"X-Timestamp": "soon"}, path=path), NOON)
    assert not check(message({"X-Hmac-Signature-V2": newer["X-Hmac-Signature-V2"]}, path=path), NOON)


@pytest.mark.parametrize("value", [
    "", "hmac-sha256-hex=", "0" * 64, "hmac-sha256-hex=" + "é" * 64, "hmac-sha512-hex=" + "0" * 128, "\udcff",
])  # fmt: skip
def test_what_is_no_signature_verifies_nothing(value: str) -> None:
    assert not signatures.easypost(SECRET)(message({"X-Hmac-Signature": value}), NOON)
    assert not signatures.shippo(SECRET)(message({"Shippo-Auth-Signature": value}), NOON)
    assert not signatures.shipstation(public_keys(services.rsa_public()))(
        message({"X-ShipEngine-RSA-SHA256-Signature": value, "X-ShipEngine-Timestamp": services.iso(NOON)}), NOON
    )


def test_nothing_at_all_verifies_nothing() -> None:
    for check in (
        signatures.easypost(SECRET), signatures.shippo(SECRET),
        signatures.shipstation(public_keys(services.rsa_public())),
    ):  # fmt: skip
        assert not check(Message(b"", {}), NOON)
        assert not check(Message(BODY, {}), NOON)


def test_a_header_that_is_sent_twice_is_believed_neither_time() -> None:
    right = services.easypost_headers(BODY)["X-Hmac-Signature"]
    check = signatures.easypost(SECRET)

    assert not check(Message(BODY, {"x-hmac-signature": [right, right]}), NOON)
    assert not check(Message(BODY, {"x-hmac-signature": [f"{right},{right}"]}), NOON)
    assert not check(Message(BODY, {"x-hmac-signature": ["hmac-sha256-hex=00", right]}), NOON)


def test_shippo_signs_time_and_body() -> None:
    check, headers = signatures.shippo(SECRET), services.shippo_headers(BODY)

    assert check(message(headers), NOON)
    assert check(message(headers), NOON - 5 * MINUTE)
    assert not check(message(headers), NOON + 6 * MINUTE)
    assert not check(message(headers, BODY + b"\n"), NOON)
    moved = headers["Shippo-Auth-Signature"].replace("t=1", "t=2", 1)
    assert not check(message({"Shippo-Auth-Signature": moved}), NOON + timedelta(seconds=1_000_000_000))
    doubled = f"{headers['Shippo-Auth-Signature']},{headers['Shippo-Auth-Signature']}"
    assert not check(message({"Shippo-Auth-Signature": doubled}), NOON)
    assert not check(message(services.shippo_headers(BODY, secret="another secret of theirs")), NOON)


def test_shippo_may_know_a_token_instead_but_a_wrong_signature_is_wrong() -> None:
    check = signatures.shippo(SECRET)

    assert check(message({}, token=SECRET), NOON)
    assert not check(message({}, token=SECRET[:-1]), NOON)
    assert not check(message({}, token=""), NOON)
    assert not check(message({"Shippo-Auth-Signature": "t=1,v1=" + "0" * 64}, token=SECRET), NOON)
    assert not signatures.easypost(SECRET)(message({}, token=SECRET), NOON)


@pytest.mark.parametrize("keys", [services.rsa_public(), services.jwks("kid-1")], ids=["PEM", "JWKS"])
def test_shipstation_signs_time_and_body_with_a_key_that_we_have(tmp_path: Path, keys: str) -> None:
    check, headers = signatures.shipstation(public_keys(keys)), services.shipstation_headers(tmp_path, BODY)

    assert check(message(headers), NOON)
    assert check(message(headers), NOON + 5 * MINUTE)
    assert not check(message(headers), NOON + 6 * MINUTE)
    assert not check(message(headers), NOON - 6 * MINUTE)
    assert not check(message(headers, BODY + b" "), NOON)
    later = headers | {"X-ShipEngine-Timestamp": services.iso(NOON + MINUTE)}
    assert not check(message(later), NOON)


def test_shipstations_key_is_the_one_it_names(tmp_path: Path) -> None:
    headers = services.shipstation_headers(tmp_path, BODY, kid="kid-2")
    named = signatures.shipstation(public_keys(services.jwks("kid-1")))

    assert not named(message(headers), NOON)
    assert signatures.shipstation(public_keys(services.jwks("kid-2")))(message(headers), NOON)
    strangers = services.shipstation_headers(tmp_path, BODY, bits=3072)
    assert not named(message(strangers), NOON)
    both = services.rsa_public() + services.rsa_public(3072)
    assert signatures.shipstation(public_keys(both))(message(strangers), NOON)


@pytest.mark.parametrize("text", [
    "", "no key", '{"keys": []}', '{"keys": {}}', "{",
    '{"keys": [{"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"}]}',
    '{"keys": [{"kty": "RSA", "kid": "1"}]}', '{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}', '{"keys": [7]}',
    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
])  # fmt: skip
def test_what_are_no_keys_is_said_at_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        public_keys(text)


def test_secrets_and_bodies_are_in_no_text_of_a_message() -> None:
    told = repr(message({"X-Hmac-Signature": "hmac-sha256-hex=abc"}, b"Rosa", token=SECRET))

    assert "Rosa" not in told
    assert "abc" not in told
    assert SECRET not in told
