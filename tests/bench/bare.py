"""The emptiest Flask application, and what it must do to show or keep the same as the portal: one statement by the
driver, the same template, nothing around it.
"""

import os
import sqlite3
import threading
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Flask, redirect, render_template, request
from flask.typing import ResponseReturnValue

from portal.applications.rules import COUNTRIES
from portal.applications.states import ApplicationState
from portal.core.web.filters import init_filters
from portal.selection.forms.bulk import BulkForm
from portal.selection.forms.queue import FilterForm, ViewForm
from portal.selection.queries.asked import parsed
from portal.selection.supply import Shipping

ROOT = Path(__file__).resolve().parents[2]
URL = sa.make_url(os.environ.get("BARE_DATABASE_URL", "sqlite://"))
SQLITE = URL.drivername == "sqlite"
JOINED = "group_concat" if SQLITE else "string_agg"
QUEUE = f"""
SELECT a.id, a.name, a.kind, a.handle, a.affiliation, a.state, a.country, a.submitted_at, a.review_count,
    a.score_adjusted, a.score_mean, a.score_spread, a.rank_best, a.rank_worst, a.triage, a.in_review, a.calibration,
    a.cluster_id, a.wave_id, a.pending_decision, a.needs_kit, (SELECT {JOINED}(s.code, ' ') FROM application_scenario t
        JOIN scenario s ON s.id = t.scenario_id WHERE t.application_id = a.id) AS scenario_ids
FROM application a WHERE a.challenge_id = 1 AND a.state = 'submitted' AND a.country = 'DE'
ORDER BY a.score_adjusted DESC, a.id DESC LIMIT 50
"""
TABLES = (
    f"CREATE TABLE IF NOT EXISTS bare_form (id {'INTEGER' if SQLITE else 'SERIAL'} PRIMARY KEY, content TEXT)",
    "CREATE TABLE IF NOT EXISTS bare_seat (slot INTEGER, seat INTEGER, person INTEGER, UNIQUE (slot, seat))",
)
_held = threading.local()

app = Flask("bare", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
app.jinja_env.globals["csrf_token"] = lambda: "t" * 91
init_filters(app)
app.config["WTF_CSRF_ENABLED"] = False
app.secret_key = "nothing is signed"
for rule, endpoint in (
    ("/bootstrap/<path:filename>", "bootstrap.static"),
    ("/staff/<slug>/applications.csv", "selection.table"),
    ("/staff/<slug>/applications/<int:application_id>", "selection.application"),
):
    app.add_url_rule(rule, endpoint, lambda **_values: "")
# Pages to which there are only links.
app.url_build_error_handlers.append(lambda _error, endpoint, values: f"/staff/{values.get('slug')}/{endpoint}")


@app.context_processor
def around() -> dict[str, Any]:
    """What every page shows, as constants."""
    links = [
        SimpleNamespace(label=f"Place {number}", url=f"/place/{number}", current=not number) for number in range(9)
    ]
    shown = {"person": True, "roles": (), "demonstration": True, "navigation": links}
    return shown


def connection() -> Any:
    """This thread's connection."""
    if not hasattr(_held, "connection"):
        if SQLITE:
            assert URL.database is not None
            _held.connection = sqlite3.connect(URL.database, timeout=30, isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
                _held.connection.execute(f"PRAGMA {pragma}")
        else:
            host = URL.query["host"]
            _held.connection = psycopg.connect(dbname=URL.database, user="postgres", host=str(host), autocommit=True)
    return _held.connection


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@app.get("/staff/<slug>/applications", endpoint="selection.queue")
def queue(slug: str) -> str:
    """The same list by one SELECT."""
    found = connection().execute(QUEUE)
    names = [column[0] for column in found.description]
    rows = [SimpleNamespace(**dict(zip(names, row, strict=True)), flags=()) for row in found]
    for row in rows if SQLITE else ():
        row.submitted_at = datetime.fromisoformat(row.submitted_at)
    form = FilterForm(request.args)
    form.offer([(code, COUNTRIES[code]) for code in ("DE", "FR", "IN", "JP", "US")], [])
    return render_template(
        "selection/queue.html", challenge=SimpleNamespace(slug=slug, title="Test Challenge"), form=form,
        chosen=SimpleNamespace(full=True, blind=False), countries=COUNTRIES, codes=str, cap=5000, total=700,
        counts={ApplicationState.SUBMITTED: 700}, page=SimpleNamespace(rows=rows, next="t" * 40), alias=None,
        bulk=BulkForm(formdata=None), views=(), shown=None, query="country=DE&sort=-score", parsed=parsed,
        view_form=ViewForm(formdata=None), shipping=Shipping(),
    )  # fmt: skip


@app.post("/tables")
def tables() -> ResponseReturnValue:
    """Make our own tables."""
    for statement in TABLES:
        connection().execute(statement)
    return "", 204


@app.post("/form")
def form() -> ResponseReturnValue:
    """Keep a form's content by one durable INSERT."""
    mark = "?" if SQLITE else "%s"
    connection().execute(f"INSERT INTO bare_form (content) VALUES ({mark})", (request.form["plan"],))
    return redirect("/healthz")


@app.post("/book/<int:slot>/<int:person>")
def book(slot: int, person: int) -> ResponseReturnValue:
    """Take the next seat of sixteen and write a line about it: two statements, durable together."""
    held = connection()
    held.execute("BEGIN IMMEDIATE" if SQLITE else "BEGIN")
    if not SQLITE:
        held.execute("SELECT pg_advisory_xact_lock(%s)", (slot,))
    seat = f"SELECT {slot}, count(*) + 1, {person} FROM bare_seat WHERE slot = {slot} HAVING count(*) < 16"
    taken = held.execute(f"INSERT INTO bare_seat {seat} RETURNING seat").fetchall()
    if taken:
        held.execute(f"INSERT INTO bare_form (content) VALUES ('{person} in {slot}')")
    held.execute("COMMIT")
    return redirect("/healthz") if taken else ("taken", 409)
