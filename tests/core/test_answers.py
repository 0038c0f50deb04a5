"""Downloads and headers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.core.logs import safe_path
from portal.core.web import csv_response
from portal.core.web.filters import ago, counted, day, markdown, money, size, when
from tests.cast import NOON


def test_a_csv_runs_no_formula_and_tells_instants_in_utc() -> None:
    rows = [["=1+1", "@cmd", "-2+3", 'Ünïcode, "quoted"', NOON, -5, None, Decimal("3.10")]]

    text = csv_response("x.csv", ["a", "b", "c", "d", "e", "f", "g", "h"], iter(rows)).get_data(as_text=True)

    assert text.splitlines() == [
        "a,b,c,d,e,f,g,h",
        '\'=1+1,\'@cmd,\'-2+3,"Ünïcode, ""quoted""",2020-06-15T12:00:00Z,-5,,3.10',
    ]


def test_every_answer_has_the_strict_headers(client: FlaskClient) -> None:
    for path in ("/healthz", "/nothing-here", "/static/css/base.css"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; base-uri 'none'")
        assert "unsafe" not in policy
        assert "data:" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(("accept", "kind"), [("text/html", "text/html"), ("application/json", "application/json")])
def test_what_is_not_there_is_told_in_the_form_that_was_asked_for(client: FlaskClient, accept: str, kind: str) -> None:
    answer = client.get("/nothing-here", headers={"Accept": accept})

    assert (answer.status_code, answer.mimetype) == (404, kind)


def test_health_tells_of_database_and_storage(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"database": "ok", "storage": "ok"}
    assert b"portal_outbox_waiting 0" in client.get("/metrics").data


def test_instants_are_told_in_the_zone_named_with_utc_beside(app: Flask) -> None:
    with app.test_request_context():
        assert when(NOON, "Asia/Tokyo") == (
            '<time datetime="2020-06-15T12:00:00Z" title="Mon 15 Jun 2020, 12:00 UTC">Mon 15 Jun 2020, 21:00 JST</time>'
        )
        assert "3 days ago" in ago(NOON - timedelta(days=3))
        assert "in 2 hours" in ago(NOON + timedelta(hours=2))
        assert day(NOON) == "15 Jun 2020"


def test_amounts_and_sizes() -> None:
    assert [money(Decimal(text)) for text in ("48000", "374300.00", "3.5")] == ["$48,000", "$374,300", "$3.50"]
    assert [size(n) for n in (0, 1023, 1024, 8 * 1024**2, 3 * 1024**3)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "8.0 MiB",
        "3.0 GiB",
    ]


def test_markdown_is_harmless() -> None:
    html = markdown("**b** <script>alert(1)</script> [x](javascript:alert(1)) [y](https://example.org)")

    assert "<script" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.org" rel="noopener noreferrer nofollow">y</a>' in html


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/calendars/s3cret.ics", "/calendars/…"),
        ("/account/confirm/tok.en", "/account/confirm/…"),
        ("/account/reset/tok", "/account/reset/…"),
        ("/join/tok", "/join/…"),
        ("/home", "/home"),
    ],
)
def test_logs_tell_no_tokens(path: str, told: str) -> None:
    assert safe_path(path) == told


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("127.0.0.1:8000", 200), ("evil.example", 400)])
def test_only_the_portals_own_name_is_answered(client: FlaskClient, host: str, status: int) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == status


def test_one_is_singular() -> None:
    assert [counted(n, "parcel") for n in (0, 1, 2, 1200)] == ["0 parcels", "1 parcel", "2 parcels", "1,200 parcels"]
