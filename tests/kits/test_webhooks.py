"""What comes in over HTTP: only what is signed, only what is needed, each scan once."""

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.core.db import Model
from portal.core.mail import config_of
from portal.factory import create_app
from portal.kits import follow
from portal.kits.models import TrackingNews
from portal.kits.states import ShipmentState
from portal.kits.states.tracking import NewsState
from portal.kits.views import webhooks
from tests.cast import NOON, Cast
from tests.conftest import Clock
from tests.kits import services
from tests.kits.conftest import Bench
from tests.kits.services import PRIVATE, SECRET, body_of, hours

S = ShipmentState
Post = Callable[..., TestResponse]
SCANS = {
    "easypost": [("in_transit", "arrived_at_facility", hours(-3))],
    "shippo": [("TRANSIT", "package_arrived", hours(-3))],
    "shipstation": [("IT", "IN_TRANSIT", hours(-3))],
}  # fmt: skip
MAKE = {"easypost": services.easypost, "shippo": services.shippo, "shipstation": services.shipstation}


def body(provider: str, number: str = "JD000001") -> bytes:
    return body_of(MAKE[provider](number, SCANS[provider]))


@pytest.fixture
def sign(tmp_path: Path) -> Callable[[str, bytes], dict[str, str]]:
    """The headers with which a service sends something."""

    def made(provider: str, sent: bytes) -> dict[str, str]:
        if provider == "shipstation":
            return services.shipstation_headers(tmp_path, sent)
        return (services.easypost_headers if provider == "easypost" else services.shippo_headers)(sent)

    return made


@pytest.fixture
def post(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Post:
    """Send something where every service is set up."""
    config = dataclasses.replace(
        config_of(app), easypost_webhook_secret=SECRET, shippo_webhook_secret=SECRET,
        shipstation_webhook_keys=services.jwks("kid-1"),
    )  # fmt: skip
    monkeypatch.setitem(app.extensions, "portal.webhooks", webhooks.checks_of(config))

    def sent(provider: str, data: bytes, headers: Mapping[str, str], query: str = "", **more: Any) -> TestResponse:
        options = {"content_type": "application/json", **more}
        return client.post(f"/webhooks/{provider}{query}", data=data, headers=dict(headers), **options)

    return sent


def kept(session: Session) -> list[tuple[str, str, str, str, ShipmentState | None, NewsState]]:
    session.rollback()
    rows = session.scalars(sa.select(TrackingNews).order_by(TrackingNews.id)).all()
    return [(row.provider, row.carrier, row.number, row.description, row.status, row.state) for row in rows]


@pytest.mark.parametrize("provider", MAKE)
def test_what_is_signed_is_noted_and_a_replay_is_nothing_new(
    session: Session, post: Post, sign: Any, provider: str
) -> None:
    sent = body(provider)

    first, again = post(provider, sent, sign(provider, sent)), post(provider, sent, sign(provider, sent))

    assert (first.status_code, first.text, again.status_code, again.text) == (
        200,
        "Noted: 1 new.\n",
        200,
        "Noted: 0 new.\n",
    )
    assert first.headers["Cache-Control"] == "no-store"
    words = {"easypost": "Arrived at facility", "shippo": "Package arrived", "shipstation": "In transit"}[provider]
    assert kept(session) == [(provider, "DHL", "JD000001", words, S.IN_TRANSIT, NewsState.WAITING)]


@pytest.mark.parametrize("provider", MAKE)
def test_the_same_scan_in_another_message_is_nothing_new(
    session: Session, post: Post, sign: Any, provider: str
) -> None:
    first, second = body(provider), json.dumps(json.loads(body(provider)) | {"more": 1}).encode()

    assert post(provider, first, sign(provider, first)).text == "Noted: 1 new.\n"
    assert post(provider, second, sign(provider, second)).text == "Noted: 0 new.\n"
    assert len(kept(session)) == 1


@pytest.mark.parametrize("provider", MAKE)
def test_what_is_not_signed_or_signed_otherwise_is_refused_and_nothing_is_told_apart(
    session: Session, post: Post, sign: Any, statements: list[str], provider: str
) -> None:
    sent = body(provider)
    right = sign(provider, sent)
    statements.clear()
    tries = [
        post(provider, sent, {}), post(provider, sent + b" ", right), post(provider, b"", right),
        post(provider, b"", {}),
        post(provider, sent, {name: value[::-1] for name, value in right.items()}),
        post(provider, b"\xff\xfe not a text", {}), post(provider, b"[" * 200_000, {}),
    ]  # fmt: skip

    assert {(answer.status_code, answer.text) for answer in tries} == {(401, "This is not signed as it should be.\n")}
    assert kept(session) == []


def test_one_services_signature_is_nothing_to_another(session: Session, post: Post, sign: Any) -> None:
    for provider in MAKE:
        sent = body(provider)
        for other in MAKE.keys() - {provider}:
            assert post(other, sent, sign(provider, sent)).status_code == 401
    assert kept(session) == []


@pytest.mark.parametrize("provider", ["shippo", "shipstation"])
@pytest.mark.parametrize(("minutes", "status"), [(5, 200), (6, 401), (-5, 200), (-6, 401), (600, 401)])
def test_what_was_signed_too_long_ago_is_refused(
    post: Post, sign: Any, clock: Clock, provider: str, minutes: int, status: int
) -> None:
    sent = body(provider)
    headers = sign(provider, sent)
    clock.at = NOON + timedelta(minutes=minutes)

    assert post(provider, sent, headers).status_code == status


def test_easyposts_newer_signature(post: Post) -> None:
    sent = body("easypost")

    assert post("easypost", sent, services.easypost_v2_headers(sent)).status_code == 200
    assert post("easypost", sent, services.easypost_v2_headers(sent, path="/webhooks/other")).status_code == 401
    assert post("easypost", sent, services.easypost_v2_headers(sent, NOON - timedelta(hours=1))).status_code == 401


def test_shippos_token_in_the_address(session: Session, post: Post, caplog: pytest.LogCaptureFixture) -> None:
    sent = body("shippo")

    assert post("shippo", sent, {}, query="?token=only-for-tests-s%C3%A9cret").status_code == 200
    assert post("shippo", sent, {}, query="?token=only-for-tests-s%C3%A9cres").status_code == 401
    assert post("shippo", sent, {}, query="?token=").status_code == 401
    assert post("easypost", body("easypost"), {}, query="?token=only-for-tests-s%C3%A9cret").status_code == 401
    assert "/webhooks/shippo" in caplog.text
    assert "only-for-tests-s" not in caplog.text


def test_what_is_too_large_is_refused_before_it_is_looked_at(session: Session, post: Post, sign: Any) -> None:
    sent = body("easypost")
    padded = sent + b" " * (webhooks.MOST_BYTES - len(sent))

    assert post("easypost", padded, sign("easypost", padded)).status_code == 200
    assert post("easypost", padded + b" ", {}).status_code == 413
    assert post("easypost", padded + b" ", sign("easypost", padded + b" ")).status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
def test_what_is_no_json_is_refused(post: Post, sign: Any, kind: str) -> None:
    sent = body("easypost")

    assert post("easypost", sent, sign("easypost", sent), content_type=kind or None).status_code == 415


def test_json_may_name_its_character_set(post: Post, sign: Any) -> None:
    sent = body("easypost")

    assert (
        post("easypost", sent, sign("easypost", sent), content_type="application/json; charset=utf-8").status_code
        == 200
    )


MALFORMED = [b"{", b"[]", b"\xff\xfe{}", b"[" * 100_000, b'{"description":"tracker.updated","result":{}}']


@pytest.mark.parametrize("sent", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_signed_and_cannot_be_read_is_counted_once(
    session: Session, post: Post, sign: Any, sent: bytes
) -> None:
    tries = [post("easypost", sent, sign("easypost", sent)) for _ in range(2)]

    assert [answer.status_code for answer in tries] == [400, 400]
    session.rollback()
    [row] = session.scalars(sa.select(TrackingNews)).all()
    assert (row.state, row.number, row.said, row.event_key) == (
        NewsState.FAILED, "", "", hashlib.sha256(sent).hexdigest(),
    )  # fmt: skip
    assert row.error == tries[0].text.strip()


def test_what_is_about_something_else_is_taken_with_thanks(session: Session, post: Post, sign: Any) -> None:
    sent = services.OFFICIAL_BODY

    assert post("easypost", sent, sign("easypost", sent)).text == "Noted: 0 new.\n"
    assert kept(session) == []


@pytest.mark.parametrize("provider", ["easypost", "shippo", "shipstation", "nobody", "EASYPOST"])
def test_a_service_that_is_not_set_up_is_not_there(client: FlaskClient, sign: Any, provider: str) -> None:
    sent = body("easypost")

    answer = client.post(
        f"/webhooks/{provider}", data=sent, headers=sign("easypost", sent), content_type="application/json"
    )

    assert answer.status_code == 404


def test_only_posts_are_posts(client: FlaskClient, post: Post) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert client.open("/webhooks/easypost", method=method).status_code == 405


def test_no_token_against_forgery_is_asked_for_and_only_there(
    app: Flask, client: FlaskClient, post: Post, sign: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    sent = body("easypost")

    assert post("easypost", sent, sign("easypost", sent)).status_code == 200
    assert post("easypost", sent, {}).status_code == 401
    assert client.post("/staff/test-challenge/shipments/tracking/dismiss").status_code == 400


def test_whoever_knocks_too_often_waits(tmp_path: Path) -> None:
    environ = {
        "PORTAL_DATA": str(tmp_path), "PORTAL_SECRET_KEY": "only-for-tests-" * 4,
        "PORTAL_PUBLIC_URL": "http://localhost", "PORTAL_EASYPOST_WEBHOOK_SECRET": SECRET,
    }  # fmt: skip
    strict = create_app(environ).test_client()

    answers = [strict.post("/webhooks/easypost", json={}).status_code for _ in range(301)]

    assert answers == [401] * 300 + [429]


def test_what_comes_in_pieces_has_the_same_limits(client: FlaskClient, post: Post, sign: Any) -> None:
    sent = body("easypost")
    for size, status in ((len(sent), 200), (webhooks.MOST_BYTES + 1, 413), (2 * 1024 * 1024, 413)):
        padded = sent + b" " * (size - len(sent))
        answer = client.post(
            "/webhooks/easypost", input_stream=io.BytesIO(padded), headers=sign("easypost", padded),
            content_type="application/json", environ_overrides={"wsgi.input_terminated": True},
        )  # fmt: skip
        assert answer.status_code == status, size


@pytest.mark.parametrize("provider", MAKE)
def test_no_place_and_no_name_is_kept_or_logged(
    session: Session, cast: Cast, bench: Bench, post: Post, sign: Any, caplog: pytest.LogCaptureFixture, provider: str
) -> None:
    parcel = bench.at(S.HANDED_OVER)
    sent = body(provider, parcel.tracking_number or "")
    assert all(secret in sent.decode() for secret in PRIVATE[1:2])
    broken = sent[:-1]

    post(provider, sent, sign(provider, sent))
    post(provider, broken, sign(provider, broken))
    post(provider, sent, {})
    follow.take_news(session, NOON)

    assert bench.again(parcel).state is S.IN_TRANSIT
    session.commit()
    everything = caplog.text
    for name in ("tracking_news", "shipment_event", "audit_entry", "outgoing_mail", "tracking_poll"):
        everything += repr(session.execute(sa.select(Model.metadata.tables[name])).all())
    assert [secret for secret in PRIVATE if secret in everything] == []
    assert "webhook refused" in everything
    assert "webhook malformed" in everything
