"""Applications by the hundred thousand: one row that is real, and the database multiplies it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications import search
from portal.applications.models import Application, application_scenario
from portal.applications.states import ApplicationState
from portal.challenges.models import Scenario
from portal.core import clock
from portal.core.db import Model
from tests.cast import make_account

COUNTRIES = ("DE", "FR", "IN", "JP", "US")
TEXT = "Ten years of embedded systems, mostly taking them apart."


def fill(session: Session, challenge_id: int, count: int) -> None:
    """So many submitted applications, scored, from five countries, each with one scenario or more."""
    at = clock.now()
    person = make_account(session, "Applicant")
    pattern = Application(
        challenge_id=challenge_id, account_id=person.id, canonical_email=person.email, name="Applicant",
        state=ApplicationState.SUBMITTED, state_since=at, created_at=at, saved_at=at,
        submitted_at=at - timedelta(days=1), handle="handle", affiliation="A laboratory", country="DE",
        experience=TEXT, plan=TEXT, kit_use=TEXT, team=[], links=[], answers={}, flags=[], screening={}, rnd=0,
        review_count=3, score_mean=1.0, score_adjusted=1.0, score_spread=0.5, rank_best=1, rank_worst=9,
    )  # fmt: skip
    session.add(pattern)
    session.flush()
    with _unindexed(session):
        _multiply(session, person, pattern, count)
    session.commit()
    # Whoever serves this many rows has looked at them once, by hand or by the engine's own housekeeping.
    engine = session.get_bind().engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if engine.dialect.name == "sqlite" else "VACUUM ANALYZE")


# What has to be made again after the rows: the indexes, and SQLite's triggers. PostgreSQL can leave triggers alone.
_MADE = {
    "sqlite": """
        SELECT type || ' ' || name, sql FROM sqlite_master
        WHERE tbl_name IN ('account', 'application', 'application_scenario') AND type <> 'table' AND sql IS NOT NULL
    """,
    "postgresql": """
        SELECT 'index ' || indexname, indexdef FROM pg_indexes
        WHERE tablename IN ('account', 'application', 'application_scenario', 'application_search')
        AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname)
    """,
}
_HASTE = ("session_replication_role = replica", "synchronous_commit = off", "maintenance_work_mem = '256MB'")


@contextmanager
def _unindexed(session: Session) -> Iterator[None]:
    """Write rows first and index all of them at once, as whoever restores a database does."""
    engine = session.get_bind().dialect.name
    made = session.execute(sa.text(_MADE[engine])).all()
    if engine == "postgresql":
        for setting in _HASTE:
            session.execute(sa.text(f"SET LOCAL {setting}"))
        session.execute(sa.text(f"TRUNCATE {search.TABLE}"))
    for name, _ in made:
        session.execute(sa.text(f"DROP {name}"))
    yield
    session.connection().exec_driver_sql(search.FILL[engine])
    for _, statement in made:
        session.connection().exec_driver_sql(statement)


def _multiply(session: Session, person: Account, pattern: Application, count: int) -> None:
    sqlite = session.get_bind().dialect.name == "sqlite"
    number = _numbers(count - 1)
    n, text = number.c.n, sa.cast(number.c.n, sa.String(12))
    _copy(session, Account, person.id, number, {
        "id": person.id + n, "email": "applicant-" + text + "@example.org", "name": "Applicant " + text,
        "canonical_email": "applicant-" + text + "@example.org", "fs_uniquifier": "applicant-" + text,
    })  # fmt: skip
    score = 1 + sa.cast((n % 40_000 * 7919) % 40_000, sa.Double) / 10_000
    country = sa.case(*((n % 5 == place, code) for place, code in enumerate(COUNTRIES)), else_="DE")
    early = clock.now() - timedelta(days=2)
    ago = (
        sa.func.strftime("%Y-%m-%dT%H:%M:%S.000000Z", sa.literal(f"{early:%Y-%m-%d %H:%M:%S}"), "-" + text + " seconds")
        if sqlite
        else sa.literal(early, Application.submitted_at.type) - sa.func.make_interval(0, 0, 0, 0, 0, 0, n)
    )
    _copy(session, Application, pattern.id, number, {
        "id": pattern.id + n, "account_id": person.id + n, "canonical_email": "applicant-" + text + "@example.org",
        "name": "Applicant " + text, "handle": "handle-" + text, "country": country, "submitted_at": ago, "rnd": n,
        "score_mean": score, "score_adjusted": score,
    })  # fmt: skip
    scenarios = sa.select(Scenario.id, sa.func.row_number().over(order_by=Scenario.id).label("place")).subquery()
    chosen = sa.select(pattern.id + n, scenarios.c.id).where(scenarios.c.place <= 1 + n % 5)
    session.execute(sa.insert(application_scenario).from_select(["application_id", "scenario_id"], chosen))
    if not sqlite:
        for kind in (Account, Application):
            sequence = sa.func.pg_get_serial_sequence(kind.__tablename__, "id")
            session.execute(sa.select(sa.func.setval(sequence, sa.select(sa.func.max(kind.id)).scalar_subquery())))


def _numbers(count: int) -> sa.CTE:
    """1 to count."""
    begin = sa.select(sa.literal(1).label("n")).cte("numbers", recursive=True)
    return begin.union_all(sa.select(begin.c.n + 1).where(begin.c.n < count))


def _copy(
    session: Session, kind: type[Model], row_id: int, number: sa.FromClause, values: dict[str, sa.ColumnElement[Any]]
) -> None:
    """The row again and again, with other values in some columns."""
    table = kind.__table__
    kept: dict[str, Any] = {
        column.name: sa.literal_column(f"{kind.__tablename__}.{column.name}") for column in table.columns
    }
    columns = [values.get(name, column) for name, column in kept.items()]
    rows = sa.select(*columns).select_from(sa.join(table, number, sa.true())).where(table.c.id == row_id)
    session.execute(sa.insert(kind).from_select(list(kept), rows))
