"""The connections to the database."""

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.core.db import db

OURS = sa.text("SELECT pg_backend_pid()")


def _end(url: sa.URL, pid: int) -> None:
    """What an administrator or a server that is stopped does to a connection, until it is done."""
    host = url.query["host"]
    with psycopg.connect(dbname=url.database, user=url.username, host=str(host), autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid]).fetchone() == (True,)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_has_ended_is_noticed_before_it_is_used(session: Session) -> None:
    db.engine.dispose()  # the pool may have several, and hands out the one that has been idle longest
    before = session.scalars(OURS).one()
    session.rollback()
    assert session.scalars(OURS).one() == before  # as long as nothing happens, it is the same one
    session.rollback()

    _end(db.engine.url, before)

    assert session.scalars(OURS).one() != before


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_connection_that_ends_within_a_transaction_is_a_fault(session: Session) -> None:
    _end(db.engine.url, session.scalars(OURS).one())

    with pytest.raises(sa.exc.OperationalError):
        session.scalars(OURS).one()
    session.rollback()
    assert session.scalars(OURS).one()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_nothing_is_asked_before_a_transaction(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(db.engine.dialect, "do_ping", lambda *arguments: asked.append(arguments))

    session.scalars(OURS).one()
    session.rollback()
    session.scalars(OURS).one()

    assert asked == []
