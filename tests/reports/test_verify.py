"""The page that says whether a receipt is genuine, and what vouches for receipts beside it."""

import base64
import html
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.mail import config_of
from portal.reports.models import Receipt
from portal.reports.receipts import Signer
from tests.cast import Cast, sign_in
from tests.reports.openpgp import fingerprint_of
from tests.reports.people import Desk

Pair = tuple[bytes, bytes]


@pytest.fixture
def signer(app: Flask) -> Signer:
    """The portal's own key for receipts."""
    return Signer.of(config_of(app))


@pytest.fixture
def pair(session: Session, desk: Desk) -> Pair:
    """A receipt and its signature, as they are downloaded."""
    receipt = session.get_one(Receipt, desk.receive().id)
    return receipt.body.encode(), receipt.raw_signature


def send(client: FlaskClient, body: bytes, signature: bytes) -> tuple[int, str]:
    """What the page says to two files."""
    files = {"receipt_file": (io.BytesIO(body), "r.json"), "signature_file": (io.BytesIO(signature), "r.sig")}
    answer = client.post("/verify", data=files)
    return answer.status_code, answer.text


def test_a_genuine_one_is_said_to_be_so_as_files_and_as_text(client: FlaskClient, pair: Pair) -> None:
    body, signature = pair
    said = json.loads(body)
    pasted = {"receipt": body.decode(), "signature": base64.b64encode(signature).decode()}

    as_files, as_text = send(client, *pair), client.post("/verify", data=pasted)

    assert (as_files[0], as_text.status_code) == (200, 200)
    for page in (as_files[1], as_text.text):
        for word in (
            said["reference"],
            said["received_at"],
            said["signing_key"],
            said["files"][0]["sha256"],
            "Genuine",
        ):
            assert word in page
        for fingerprint in said["fingerprints"]:
            assert f'data-copy="{fingerprint}"' in page
    assert "Report about" not in as_files[1]


def test_nothing_of_it_is_kept(client: FlaskClient, session: Session, pair: Pair) -> None:
    def rows() -> tuple[int, ...]:
        return tuple(
            session.scalars(sa.select(sa.func.count()).select_from(kind)).one() for kind in (AuditEntry, Receipt)
        )

    before = rows()
    send(client, *pair)
    assert rows() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda body, signature: (body.replace(b'"key_set": 1', b'"key_set": 2'), signature),
            "one of the two was changed",
        ),
        (lambda body, signature: (body, signature[:-1] + bytes([signature[-1] ^ 1])), "one of the two was changed"),
        (lambda body, signature: (body, b"x" * 63), "This is not a signature"),
        (lambda body, signature: (b"[" * 5000, signature), "This is not a report"),
        (lambda body, signature: (b'{"format": "other"}', signature), "This is not a report"),
        (lambda body, signature: (b"\xff\xfe", signature), "This is not a report"),
        (lambda body, signature: (body, b""), "Both are needed"),
    ],
    ids=["changed", "signature changed", "no signature", "nested", "other", "no text", "one missing"],
)
def test_what_does_not_fit_is_said(client: FlaskClient, pair: Pair, change: object, said: str) -> None:
    status, page = send(client, *change(*pair))  # type: ignore[operator]

    assert status == 422
    assert said in page
    assert "Not genuine" in page
    assert ">Genuine<" not in page


def test_one_that_somebody_else_signed_is_none(client: FlaskClient, pair: Pair) -> None:
    other = Signer(Ed25519PrivateKey.generate())
    said = json.loads(pair[0]) | {"signing_key": other.key_id}
    body = (json.dumps(said, indent=2) + "\n").encode()
    own = (json.dumps(json.loads(pair[0]), indent=2) + "\n").encode()

    assert "never this portal" in send(client, body, other.sign(body))[1]
    assert "one of the two was changed" in send(client, own, other.sign(own))[1]


def test_receipts_of_a_key_that_was_replaced_stay_valid(
    app: Flask, client: FlaskClient, desk: Desk, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = desk.signer.key_id
    new = Signer(Ed25519PrivateKey.generate())
    monkeypatch.setitem(app.extensions, "portal.reports.signer", new)

    page = client.get("/keys/").text

    assert new.key_id in page
    assert f"/keys/receipts-{old}.pem" in page
    assert client.get(f"/keys/receipts-{old}.pem").text == desk.signer.public_pem
    assert client.get("/keys/receipts-0.pem").status_code == 404
    assert send(client, *pair)[0] == 200


def test_the_recipe_of_the_page_says_the_same(client: FlaskClient, pair: Pair, tmp_path: Path) -> None:
    recipes = [html.unescape(each) for each in re.findall(r'data-copy="([^"]+)"', client.get("/verify").text)]
    fetch = next(each for each in recipes if each.startswith("curl"))
    command = next(each for each in recipes if each.startswith("openssl")).split()
    address = fetch.split()[-1].removeprefix("http://localhost")
    (tmp_path / Path(address).name).write_bytes(client.get(address).data)
    (tmp_path / "receipt.json").write_bytes(pair[0])
    (tmp_path / "receipt.sig").write_bytes(pair[1])

    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    (tmp_path / "receipt.json").write_bytes(pair[0] + b" ")
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (good.returncode, good.stdout) == (0, "Signature Verified Successfully\n")
    assert bad.returncode == 1


def test_a_receipt_that_was_exchanged_afterwards_is_found(app: Flask, session: Session, desk: Desk, pair: Pair) -> None:
    run = app.test_cli_runner()
    assert run.invoke(args=["keys", "verify"]).output == "2 key sets and receipts, all as they were signed.\n"

    receipt = session.scalars(sa.select(Receipt)).one()
    body = receipt.body.replace("2020-06-15", "2020-06-01")
    receipt.body, receipt.signature = body, base64.b64encode(desk.signer.sign(body.encode())).decode()
    session.commit()
    told = run.invoke(args=["keys", "verify"])

    assert told.exit_code == 1
    assert "is not the one that the audit notes" in told.output


def test_the_page_of_a_report_names_the_keys_it_was_sealed_to(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast
) -> None:
    report = desk.receive()
    sign_in(client, cast.researcher)

    page = client.get(f"/challenges/{cast.slug}/reports/{report.ref}").text

    for seed in (1, 2, 3):
        assert f'data-copy="{fingerprint_of(seed).hex().upper()}"' in page
    assert (page.count("Sealed to key set 1"), ">set 1<" in page) == (1, False)
    assert 'href="/verify"' in page
