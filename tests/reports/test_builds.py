"""Which build a report names: one of the challenge's, or one by hand."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.challenges.models import Build
from portal.challenges.states import BuildState
from portal.reports.models import KeySet, Report
from tests.cast import NOON, Cast, sign_in

Seal = Callable[[int], bytes]
NEW = "/challenges/test-challenge/reports/new"
FIELDS = {"title": "Report about the network daemon", "kind": "full", "severity": "low", "scenario": ""}
BUILDS = {"20.07": BuildState.AVAILABLE, "20.06": BuildState.PINNED, "20.05": BuildState.WITHDRAWN}


@pytest.fixture
def researcher(client: FlaskClient, cast: Cast, key_set: KeySet) -> FlaskClient:
    """The researcher's browser, where reports can be sealed."""
    sign_in(client, cast.researcher)
    return client


@pytest.fixture
def builds(session: Session, cast: Cast) -> dict[str, int]:
    """Builds of which one is pinned and one withdrawn: their numbers by name."""
    rows = [
        Build(
            challenge_id=cast.challenge.id, name=name, released_on=NOON.date() - timedelta(days=30 * age), notes="",
            state=state, state_since=NOON,
        )
        for age, (name, state) in enumerate(BUILDS.items())
    ]  # fmt: skip
    session.add_all(rows)
    session.commit()
    return {row.name: row.id for row in rows}


def options(page: str) -> list[tuple[str, str]]:
    """The choices among builds: values and words."""
    select = re.search(r'<select[^>]*name="known_build".*?</select>', page, re.DOTALL)
    assert select
    return re.findall(r'<option[^>]*value="([^"]*)"[^>]*>([^<]*)</option>', select[0])


def named(session: Session) -> list[tuple[str, int | None]]:
    return [tuple(row) for row in session.execute(sa.select(Report.build, Report.build_id).order_by(Report.id))]


@pytest.mark.usefixtures("builds")
def test_the_page_offers_what_is_given_out_and_a_name_by_hand_at_the_end(researcher: FlaskClient) -> None:
    page = researcher.get(NEW).text

    assert options(page) == [
        ("", "Choose one"),
        ("20.06", "20.06 (pinned: it stays usable)"),
        ("20.07", "20.07"),
        ("*", "Another, named by hand"),
    ]


def test_where_no_build_is_known_its_name_is_typed(researcher: FlaskClient) -> None:
    page = researcher.get(NEW).text

    assert 'name="known_build"' not in page
    assert re.search(r'<input[^>]*name="build"[^>]* required', page)


@pytest.mark.parametrize(
    ("told", "name", "known"),
    [
        ({"known_build": "20.06", "build": ""}, "20.06", "20.06"),
        ({"known_build": "20.07", "build": "typed, then chosen after all"}, "20.07", "20.07"),
        ({"known_build": "*", "build": " 20.06-rc1 "}, "20.06-rc1", None),
        ({"known_build": "*", "build": "20.05"}, "20.05", "20.05"),
        ({"build": "20.06"}, "20.06", "20.06"),
    ],
)
def test_a_form_names_a_build(
    researcher: FlaskClient, session: Session, builds: dict[str, int], seal: Seal,
    told: dict[str, str], name: str, known: str | None,
) -> None:  # fmt: skip
    sent = {**FIELDS, **told, "sealed": (io.BytesIO(seal(500)), "report.pgp")}

    assert researcher.post(NEW, data=sent).status_code == 302

    assert named(session) == [(name, builds[known] if known else None)]


@pytest.mark.usefixtures("builds")
@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"known_build": "*", "build": " "}, "Name the build."),
        ({"known_build": "", "build": ""}, "Name the build."),
        ({}, "Name the build."),
        ({"known_build": "*", "build": "x" * 61}, "Field cannot be longer than 60 characters."),
        ({"known_build": "20.05"}, "Not a valid choice."),
    ],
)
def test_a_form_without_a_build_is_refused_and_keeps_what_was_given(
    researcher: FlaskClient, session: Session, seal: Seal, told: dict[str, str], message: str
) -> None:
    answer = researcher.post(NEW, data={**FIELDS, **told, "sealed": (io.BytesIO(seal(500)), "report.pgp")})

    assert answer.status_code == 422
    assert f"<li>{message}</li>" in answer.text
    assert named(session) == []


@pytest.mark.parametrize(("name", "known"), [("20.06", "20.06"), ("19.99", None)])
def test_programs_send_the_name_alone(
    researcher: FlaskClient, session: Session, builds: dict[str, int], name: str, known: str | None
) -> None:
    assert researcher.post(NEW, json={**FIELDS, "build": name}).status_code == 201
    refused = researcher.post(NEW, json=FIELDS, headers={"Accept": "application/json"})

    assert named(session) == [(name, builds[known] if known else None)]
    assert (refused.status_code, refused.json and refused.json["messages"]) == (422, {"build": "Name the build."})
