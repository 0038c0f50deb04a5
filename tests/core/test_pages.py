"""What people are told when the database says no."""

import pytest
from flask import Flask
from sqlalchemy.exc import DataError, OperationalError

from portal.core.web.pages import database_error, unfit_error


class Lost(Exception):
    """What the driver raises when the server ends a transaction."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("ended")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(("sqlstate", "status"), [("40P01", 409), ("40001", 409), ("57P01", 503)])
def test_a_deadlock_is_a_lost_race_and_a_server_that_goes_is_not(app: Flask, sqlstate: str, status: int) -> None:
    with app.test_request_context(headers={"Accept": "application/json"}):
        answer = app.make_response(database_error(OperationalError("UPDATE", {}, Lost(sqlstate))))
    assert answer.status_code == status


@pytest.mark.parametrize("error", [DataError("INSERT", {}, Lost("22003")), OverflowError("too large")])
def test_what_cannot_be_kept_is_refused(app: Flask, error: Exception) -> None:
    with app.test_request_context(headers={"Accept": "application/json"}):
        answer = app.make_response(unfit_error(error))
    assert answer.status_code == 422
    assert answer.get_json()["reason"] == "This holds a number or a sign that cannot be kept. Nothing was changed."
