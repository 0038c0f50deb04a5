"""Pages that go on after their last row."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.errors import NotFound
from portal.core.jobs import JobRun
from portal.core.paging import keyset
from tests.cast import NOON

# Two pairs of equals, and empty values, which come last in both directions.
ROWS = [("a", "x"), ("b", None), ("c", "y"), ("d", "x"), ("e", None), ("f", "y"), ("g", "z")]


@pytest.fixture(autouse=True)
def rows(session: Session) -> None:
    for name, error in ROWS:
        session.add(JobRun(name=name, started_at=NOON, duration_ms=1, rows=0, next_at=NOON, error=error))
    session.commit()


def walk(session: Session, direction: str, limit: int) -> list[str]:
    names: list[str] = []
    after: str | None = None
    while True:
        order = [(JobRun.error, direction), (JobRun.name, "asc")]
        page = keyset(session, sa.select(JobRun), order=order, after=after, limit=limit)
        names += [run.name for run in page.rows]
        after = page.next
        if after is None:
            return names


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_every_row_once_in_order_whatever_the_page(session: Session, limit: int) -> None:
    assert walk(session, "asc", limit) == ["a", "d", "c", "f", "g", "b", "e"]
    assert walk(session, "desc", limit) == ["g", "c", "f", "a", "d", "b", "e"]


@pytest.mark.parametrize("token", ["nonsense", "W10", "eyJhIjoxfQ", "é", "W251bGxd"])
def test_a_token_that_is_none_is_not_found(session: Session, token: str) -> None:
    with pytest.raises(NotFound):
        keyset(session, sa.select(JobRun), order=[(JobRun.error, "asc"), (JobRun.name, "asc")], after=token)
