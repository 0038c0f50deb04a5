"""Saved views: one's own, shared ones, the first one, and what they show."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Refused
from portal.selection import jobs
from portal.selection.actions import saved as actions
from portal.selection.models import SavedView
from tests.cast import NOON, Cast, sign_in
from tests.selection.conftest import STAFF, Bench

VIEWS, QUEUE = f"{STAFF}/views", f"{STAFF}/applications"


def kept(session: Session, cast: Cast, name: str = "Japan", query: str = "country=JP", **flags: bool) -> SavedView:
    view = actions.keep_view(session, cast.challenge, name, query, by=cast.lead.id, at=NOON, **flags)
    session.commit()
    return view


def test_keeping_what_the_list_shows(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    bench.crowd("ab", country="JP")
    bench.crowd("c", country="DE")
    sign_in(client, cast.lead)
    assert "Save this view" in client.get(f"{QUEUE}?country=JP").text
    assert "Save this view" not in client.get(QUEUE).text

    answer = client.post(VIEWS, data={"name": " Japan ", "query": "after=x&country=JP&nonsense=1&q=+"})

    view = session.scalars(sa.select(SavedView)).one()
    assert (view.name, view.query, view.counted, view.is_shared) == ("Japan", "country=JP", 2, False)
    assert answer.location == f"{QUEUE}?view={view.id}&country=JP"
    page = client.get(answer.location).text
    assert "Saved as “Japan”." in page
    assert 'aria-current="true">Japan <span class="count">2</span>' in page
    assert "Save this view" not in page


def test_the_first_view_opens_the_list(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    first = kept(session, cast, is_first=True)
    sign_in(client, cast.lead)
    assert client.get(QUEUE).location == f"{QUEUE}?view={first.id}&country=JP"
    assert client.get(f"{QUEUE}?view=none").status_code == 200
    second = kept(session, cast, "All", "", is_first=True)
    assert client.get(QUEUE).location == f"{QUEUE}?view={second.id}"
    session.refresh(first)
    assert not first.is_first


def test_renaming_sharing_deleting(client: FlaskClient, session: Session, cast: Cast) -> None:
    view = kept(session, cast)
    sign_in(client, cast.lead)
    assert 'value="Japan"' in client.get(VIEWS).text
    for name in ("", " ", "x" * 41):
        assert client.post(f"{VIEWS}/{view.id}", data={"name": name}).status_code == 422
    assert client.post(f"{VIEWS}/{view.id}", data={"name": "Nippon", "is_shared": "y"}).location == VIEWS
    session.refresh(view)
    assert (view.name, view.is_shared) == ("Nippon", True)
    address = f"{VIEWS}/{view.id}/delete"
    assert client.post(address).location == VIEWS
    assert client.post(address).status_code == 404
    assert "No view yet" in client.get(VIEWS).text


def test_names_are_ones_own(session: Session, cast: Cast) -> None:
    kept(session, cast)
    with pytest.raises(Conflict, match="of this name"):
        kept(session, cast)
    session.rollback()
    actions.keep_view(session, cast.challenge, "Japan", "", by=cast.reviewer.id, at=NOON)
    with pytest.raises(Refused, match="too long"):
        kept(session, cast, "Long", "q=" + "x" * 500)


def test_there_is_an_end_to_views(session: Session, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST", 1)
    kept(session, cast)
    with pytest.raises(Refused, match="1 views already"):
        kept(session, cast, "Another")


def test_others_see_what_is_shared_and_nothing_that_only_the_lead_may_ask(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    bench.crowd("ab", country="JP")
    for name, query, shared in (("Mine", "country=JP", False), ("Ours", "country=JP", True),
                                ("Meant", "pending=invite", True), ("Best", "sort=-score", True)):  # fmt: skip
        kept(session, cast, name, query, is_shared=shared)
    sign_in(client, cast.reviewer)
    page = client.get(QUEUE).text
    assert [name in page for name in (">Mine", ">Ours", ">Meant", ">Best")] == [False, True, False, False]
    assert '<span class="count">2</span></a>\n    <a class="chip chip-quiet"' not in page
    view = session.scalars(sa.select(SavedView).where(SavedView.name == "Ours")).one()
    assert client.post(f"{VIEWS}/{view.id}", data={"name": "x"}).status_code == 404
    assert client.post(f"{VIEWS}/{view.id}/delete").status_code == 404
    client.post(VIEWS, data={"name": "Try", "query": "", "is_shared": "y"})
    assert session.scalars(sa.select(SavedView.is_shared).where(SavedView.name == "Try")).one() is False


def test_views_are_counted_anew_by_the_job(session: Session, bench: Bench, cast: Cast) -> None:
    view = kept(session, cast)
    bench.crowd("ab", country="JP")
    assert jobs.count_views(session, NOON + timedelta(minutes=1)) == 0
    assert jobs.count_views(session, NOON + timedelta(minutes=3)) == 1
    session.refresh(view)
    assert (view.counted, view.counted_at) == (2, NOON + timedelta(minutes=3))
