"""What the portal's cursors say of their columns is what the driver's own say."""

import psycopg
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.core.postgresql import Cursor


@pytest.fixture
def database() -> str:
    """The one that has this driver."""
    return "postgresql"


@pytest.fixture
def connection(app: Flask, session: Session) -> psycopg.Connection:
    """The driver's connection beneath the session's."""
    made = session.connection().connection.driver_connection
    assert isinstance(made, psycopg.Connection)
    return made


def test_the_portals_statements_run_on_its_cursors(connection: psycopg.Connection) -> None:
    assert connection.cursor_factory is Cursor


def test_columns_are_those_that_the_driver_tells(connection: psycopg.Connection) -> None:
    statement = "SELECT 1 AS one, 'two'::varchar(7) AS two, 3.25::numeric(12, 2) AS three"
    own = connection.cursor().execute(statement).description
    theirs = psycopg.Cursor(connection).execute(statement).description
    assert own is not None
    assert theirs is not None

    assert [tuple(column) for column in own] == [tuple(column) for column in theirs]
    assert (len(own), own[1].name, [column.name for column in own[1:]]) == (3, "two", ["two", "three"])


def test_no_rows_have_columns_too_and_what_gives_none_has_none(connection: psycopg.Connection) -> None:
    cursor = connection.cursor()
    assert cursor.description is None

    assert len(cursor.execute("SELECT 1 WHERE false").description or ()) == 1
    assert cursor.execute("UPDATE account SET name = name").description is None
