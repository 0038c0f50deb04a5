"""The demonstration, and on top of it what some pages need: a wave that is not out, links from mails, two factors."""

import json
import re
import shutil
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask
from flask_security import hash_password

from portal.accounts import actions
from portal.accounts.models import Account, WebAuthn
from portal.core.db import db
from portal.factory import create_app
from tests.cast import sign_in
from tests.databases import tables
from tests.journey.pages import ARRIVING, LIVE, SAMPLES
from tests.journey.stage import text_of
from tests.servers.site import ROOT, Site

SETTINGS = {"PORTAL_DEMONSTRATION": "1", "PORTAL_TESTING": "1"}
PASSWORD = "demo-only-password"


def load(folder: Path) -> None:
    """Leave the data of a demonstration in a folder, and with `words.json` what fills addresses in."""
    with tempfile.TemporaryDirectory(prefix="portal-demonstration-") as name:
        site = Site(Path(name), SETTINGS, app="app:app", workers=1, folder=ROOT, python=Path(sys.executable))
        tables(f"sqlite:///{site.data / 'portal.sqlite3'}")
        site.flask("demo", "load", "--applications", "120", "--at", "now")
        words = samples(site.data)
        app = create_app(site.environ)
        app.config["WTF_CSRF_ENABLED"] = False
        _go_on(app, words)
        site.flask("worker", "--once")
        (site.data / "words.json").write_text(json.dumps({**words, **_links(site.data)}))
        shutil.copytree(site.data, folder)


def samples(data: Path) -> dict[str, str]:
    """The first row of each sample; of an address the local part."""
    told = {"now": f"'{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}'", "arriving": ARRIVING}
    with sqlite3.connect(f"file:{data / 'portal.sqlite3'}?mode=ro", uri=True) as connection:
        found = {name: connection.execute(query.format(**told)).fetchone() for name, query in SAMPLES.items()}
    connection.close()
    assert all(found.values()), [name for name, row in found.items() if not row]
    return {name: str(row[0]).partition("@")[0] for name, row in found.items()}


def _go_on(app: Flask, words: dict[str, str]) -> None:
    """What happens after the demonstration was loaded."""
    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    invited = f"{words['declined']}@demo.example"
    _post(app, "lead", f"/staff/{LIVE}/waves", answer_on=day)
    # Under the limits of the second draft so few applications may have no solution.
    _post(app, "lead", f"/staff/{LIVE}/selection/drafts", name="Fewer places", places="4")
    _post(app, "lead", f"/staff/{LIVE}/selection/drafts/3/solve")
    _post(app, words["teammate"], f"/challenges/{LIVE}/team/invitations", email=invited)
    _post(app, None, "/account/reset", email=invited)
    with app.test_request_context():
        _two_factors()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def _post(app: Flask, who: str | None, path: str, **told: str) -> None:
    """What somebody sends with a form."""
    client = app.test_client()
    if who:
        with app.app_context():
            sign_in(client, db.session.scalars(sa.select(Account).where(Account.email == f"{who}@demo.example")).one())
            db.session.remove()
    answer = client.post(path, data=told)
    assert answer.status_code in (200, 302), (path, answer.status_code, answer.text)


def _two_factors() -> None:
    """Somebody with codes from an app, and somebody who can choose between them and a passkey."""
    now, made = datetime.now(UTC), {}
    for name in ("coded", "twofold"):
        made[name] = actions.create_account(
            db.session, f"{name}@demo.example", password_hash=hash_password(PASSWORD), at=now, name=name, confirmed=True
        )
        made[name].tf_primary_method, made[name].tf_totp_secret = "authenticator", "{}"
    db.session.flush()
    key = WebAuthn(
        credential_id=b"1", public_key=b"1", backup_state=False, device_type="single_device", create_datetime=now,
        lastuse_datetime=now, name="key", usage="secondary", account_id=made["twofold"].id,
    )  # fmt: skip
    db.session.add(key)


def _links(data: Path) -> dict[str, str]:
    """The paths of the links that have gone out by mail."""
    found = {}
    for path in (data / "mail").glob("*.eml"):
        text = text_of(message_from_bytes(path.read_bytes(), policy=default))
        for link in re.findall(r"https?://\S+", text):
            place = urlsplit(link).path
            for name, begin in (("reset_link", "/account/reset/"), ("join_link", "/join/")):
                if begin in place:
                    found[name] = place
    with sqlite3.connect(data / "portal.sqlite3") as connection:
        found["answer"] = str(connection.execute("SELECT max(id) FROM wave_entry").fetchone()[0])
        query = "SELECT id FROM outgoing_mail WHERE template = 'challenges/member_invitation' ORDER BY id DESC"
        found["mail"] = str(connection.execute(query).fetchone()[0])
    connection.close()
    return found
