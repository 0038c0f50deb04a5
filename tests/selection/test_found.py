"""The look before a page: it bounds what a page costs, and changes nothing of what it shows."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.selection.queries import found
from portal.selection.queries import queue as lists
from portal.selection.queries.queue import Filter
from tests.cast import Cast
from tests.selection.conftest import Bench

ASKED: tuple[dict[str, Any], ...] = (
    {}, {"country": "JP"}, {"country": "JP", "state": "submitted"}, {"second": "yes"}, {"second": "no"},
    {"text": "xyzzy"}, {"text": "!"}, {"text": "cy"}, {"text": "crowd", "state": "withdrawn"}, {"text": "ada"},
    {"text": "example", "second": "yes"}, {"text": "example", "country": "JP", "state": "submitted"},
)  # fmt: skip


def _shown(session: Session, cast: Cast, chosen: Filter) -> tuple[list[int], dict[ApplicationState, int]]:
    """All pages and the counts."""
    told, after, numbers = found.find(session, cast.challenge.id, chosen), None, []
    while True:
        page = lists.queue(session, cast.challenge.id, told.chosen, after)
        numbers += [row.id for row in page.rows]
        after = page.next
        if after is None:
            return numbers, told.counts


@pytest.mark.parametrize("cap", [5000, 3, 0])
def test_what_is_found_beforehand_changes_no_page_whether_much_or_little_fits(
    session: Session, bench: Bench, cast: Cast, monkeypatch: pytest.MonkeyPatch, cap: int
) -> None:
    bench.submitted(content=bench.content(name="Ada"))
    bench.crowd(["Cy 1", "Cy 2", "Cy 3"], country="JP")
    bench.crowd(["Cy 4", "Cy 5"], country="JP", state=ApplicationState.WITHDRAWN)
    noted = sa.update(Application).where(Application.name.in_(["Cy 1", "Cy 2", "Cy 3", "Cy 4"]))
    session.execute(noted.values(in_review=True))
    session.commit()
    plain = {}
    for number, asked in enumerate(ASKED):
        chosen = Filter(full=True, sort="name", **asked)
        page = lists.queue(session, cast.challenge.id, chosen)
        plain[number] = [row.id for row in page.rows], lists.by_state(session, cast.challenge.id, chosen)
    monkeypatch.setattr(found, "CAP", cap)
    monkeypatch.setattr(lists, "CAP", cap)
    monkeypatch.setattr(lists, "PAGE", 2)

    for number, asked in enumerate(ASKED):
        numbers, counts = _shown(session, cast, Filter(full=True, sort="name", **asked))
        assert (asked, numbers) == (asked, plain[number][0])
        assert counts == {state: min(count, cap + 1) for state, count in plain[number][1].items()}


def test_a_word_that_few_have_is_looked_up_once(
    session: Session, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    bench.crowd(["Cy"])
    challenge_id = cast.challenge.id
    statements.clear()

    told = found.find(session, challenge_id, Filter(full=True, text="cy"))
    page = lists.queue(session, challenge_id, told.chosen)

    assert (len(page.rows), told.total) == (1, 1)
    assert len([text for text in statements if "application_search" in text]) == 1
    assert len(statements) == 3
