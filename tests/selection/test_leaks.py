"""No decision is visible before its release: what applicants, strangers and reviewers get is the same, byte by byte,
whatever is meant to be answered.

One applicant stands for all of them: what is noted about the application is changed, and every address asked again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.routing import AnyConverter, IntegerConverter
from werkzeug.test import TestResponse

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision, Triage
from portal.selection.actions import waves
from portal.selection.models import Conflict, Review, Verdict, Wave, WaveEntry
from portal.selection.rules.pace import Pace
from portal.selection.states import RELEASE, EntryState, WaveState
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.selection.conftest import ANSWER_BY, STAFF, Bench

# Flask-Security 5.9 builds its choices as WTForms did before 3.3.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")

# What differs between any two answers: the time, the session, and signs against forgery.
PASSING = {"Date", "Set-Cookie", "X-Request-ID"}
# What is new in every answer: the token against forged requests, and the key that makes a form sent twice one.
TOKEN = re.compile(rb'((?:name="(?:csrf_token|key)"[^>]* value|data-csrf)="|"csrf_token":")[^"]*')
# This one ends the session that asks, and this one counts what the process has done.
LEFT_OUT = {"security.logout", "health.metrics"}
TEXTS = {"slug": SLUG, "filename": "css/tokens.css", "decision": "invite", "name": "invite", "version": "1"}
QUERIES = ("?q=Ada&state=invited&pending=invite&sort=-score", "?state=declined&after=WzFd")


@dataclass(frozen=True)
class Secret:
    """What the staff has noted about an application."""

    decision: Decision | None
    triage: Triage | None
    score: float | None
    flags: tuple[str, ...] = ()
    wave: WaveState | None = None


SECRETS = (
    Secret(None, None, None),
    Secret(Decision.INVITE, Triage.YES, 4.75, wave=WaveState.PAUSED),
    Secret(Decision.WAITLIST, Triage.MAYBE, 3.0, ("look again",), wave=WaveState.RELEASING),
    Secret(Decision.DECLINE, Triage.NO, 0.25, ("spam",), wave=WaveState.DRAFT),
    Secret(Decision.DECLINE, Triage.SPAM, 1.0),
)


class Room:
    """The applicant's application, and somebody else's, who is in the same waves."""

    def __init__(self, app: Flask, session: Session, cast: Cast) -> None:
        self.app, self.session, self.cast = app, session, cast
        self.bench = Bench(session, cast)
        self.mine = self.bench.submitted()
        (self.other,) = self.bench.crowd(["Otto Other"])
        self.mine.rnd, self.other.rnd = 2, 1
        session.commit()

    def note(self, secret: Secret) -> None:
        """Let the staff have noted this, and nothing else."""
        for kind in (WaveEntry, Wave, Review, Verdict, Conflict):
            self.session.execute(sa.delete(kind))
        scored = None if secret.score is None else secret.score + 0.1
        count = 0 if secret.score is None else 2
        values: dict[str, Any] = {
            "pending_decision": secret.decision, "pending_at": NOON if secret.decision else None, "wave_id": None,
            "triage": secret.triage, "looks": int(secret.triage is not None), "flags": list(secret.flags),
            "in_review": count > 0, "calibration": count > 0, "review_count": count, "score_mean": secret.score,
            "score_adjusted": scored, "score_error": scored, "score_spread": scored,
            "rank_best": count or None, "rank_worst": count or None, "screening": {"seen": secret.decision},
        }  # fmt: skip
        self.session.execute(sa.update(Application).where(Application.id == self.mine.id).values(**values))
        if secret.score is not None:
            self._review(secret.score)
        if secret.wave and secret.decision:
            self._wave(secret.wave, secret.decision)
        self.session.commit()

    def _review(self, score: float) -> None:
        for place, author in enumerate((self.cast.second_reviewer, self.cast.lead)):
            self.session.add(
                Review(
                    application_id=self.mine.id, reviewer_id=author.id, score=score, comment=f"Worth {score}",
                    note="private", created_at=NOON + timedelta(minutes=place), updated_at=NOON,
                )
            )  # fmt: skip

    def _wave(self, state: WaveState, decision: Decision) -> None:
        """A wave with both of them, of which the other one has been told unless it is a draft."""
        out = state is not WaveState.DRAFT
        released = {"released_by_id": self.cast.lead.id, "released_at": NOON} if out else {}
        wave = Wave(
            challenge_id=self.cast.challenge.id, number=1, state=state, state_since=NOON, answer_by=ANSWER_BY, rate=1,
            created_by_id=self.cast.lead.id, created_at=NOON, **released,
        )  # fmt: skip
        self.session.add(wave)
        self.session.flush()
        for application, done in ((self.other, out), (self.mine, False)):
            self.session.add(
                WaveEntry(
                    wave_id=wave.id, application_id=application.id, decision=decision,
                    state=EntryState.DONE if done else EntryState.PENDING, done_at=NOON if done else None,
                )
            )  # fmt: skip
        self.session.execute(sa.update(Application).where(Application.id == self.mine.id).values(wave_id=wave.id))

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Every endpoint that can be asked, with an address of it; numbers are those of the application."""
        adapter = self.app.url_map.bind("localhost")
        # Some of the pages for signing in end the session, so they come last.
        for rule in sorted(self.app.url_map.iter_rules(), key=lambda rule: rule.endpoint.startswith("security.")):
            if "GET" not in (rule.methods or ()) or rule.endpoint in LEFT_OUT:
                continue
            values = {name: self._value(rule, name) for name in rule.arguments}
            yield rule.endpoint, adapter.build(rule.endpoint, values, method="GET")

    def _value(self, rule: Any, name: str) -> Any:
        converter = rule._converters[name]
        if isinstance(converter, AnyConverter) and TEXTS.get(name) not in converter.items:
            return min(converter.items)
        if name in TEXTS:
            return TEXTS[name]
        if isinstance(converter, IntegerConverter):
            return 1 if name == "number" else self.mine.id
        return "unknown"


def told(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that an answer tells."""
    body = TOKEN.sub(rb"\1", answer.get_data())
    headers = sorted((name, value) for name, value in answer.headers if name not in PASSING)
    answer.close()
    return answer.status_code, headers, body


Walk = dict[tuple[str, ...], tuple[int, list[tuple[str, str]], bytes]]


def asking(room: Room, account: Account | None) -> FlaskClient:
    """A browser of somebody, who has looked around once: what one is told only once is told."""
    client = room.app.test_client()
    if account:
        room.session.refresh(account)
    sign_in(client, account)
    client.get("/home")
    return client


def walk(room: Room, account: Account | None, before: list[Walk], *, all_ways: bool) -> Walk:
    """What every address answers to somebody. `all_ways`: also to HEAD, for JSON, and with questions.

    What has been refused on both of two walks `before`, with and without a decision, is not asked again.
    """
    found: Walk = {}
    client = asking(room, account)
    shut = [{key for key, answer in earlier.items() if answer[0] in (403, 404)} for earlier in before[:2]]
    shut_twice = shut[0] & shut[1] if len(shut) == 2 else set()
    for endpoint, address in room.addresses():
        # Those of Flask-Security change the session in which the next one is asked.
        if (endpoint, address) in shut_twice and not endpoint.startswith("security."):
            continue
        got = told(client.get(address))
        found[endpoint, address] = got
        # Where the gate has refused, it refuses whatever the way.
        if not all_ways or got[0] in (403, 404) or endpoint.endswith("static"):
            continue
        found[endpoint, address, "HEAD"] = told(client.head(address))
        found[endpoint, address, "JSON"] = told(client.get(address, headers={"Accept": "application/json"}))
        for query in QUERIES:
            found[endpoint, address, query] = told(client.get(address + query))
    return found


def tried(client: FlaskClient) -> Walk:
    """What an applicant gets who tries what only the invited may do, or sends forms that are not filled in."""
    own = f"/challenges/{SLUG}"
    paths = (
        f"{own}/invitation",
        f"{own}/invitation/refuse",
        f"{own}/apply",
        f"{own}/apply/edit",
        f"{own}/apply/return",
    )
    return {(path, "POST"): told(client.post(path, data={"typed_name": ""})) for path in paths}


def same(walks: list[Walk]) -> None:
    """Every walk met the same answers."""
    first, second = walks[:2]
    assert first.keys() == second.keys()
    for other in walks[1:]:
        assert [key for key, answer in other.items() if first[key] != answer] == []


@pytest.fixture
def room(app: Flask, session: Session, cast: Cast) -> Room:
    """The room."""
    return Room(app, session, cast)


@pytest.mark.slow
def test_an_applicant_learns_nothing_before_the_release(room: Room, cast: Cast) -> None:
    walks = []
    for secret in SECRETS:
        room.note(secret)
        walks.append(walk(room, cast.applicant, walks, all_ways=True) | tried(asking(room, cast.applicant)))
    same(walks)
    opened = {key[0] for key, answer in walks[0].items() if answer[0] == 200}
    assert {"applications.apply", "home.dashboard", "accounts.export", "accounts.data", "challenges.show"} <= opened
    assert any(b"Ada Applicant" in body for _, _, body in walks[0].values())


@pytest.mark.slow
def test_strangers_and_other_applicants_learn_nothing_of_it(room: Room, cast: Cast) -> None:
    people = (None, cast.stranger, room.other.account, cast.researcher)
    walks: list[list[Walk]] = [[] for _ in people]
    for secret in SECRETS:
        room.note(secret)
        for place, account in enumerate(people):
            walks[place].append(walk(room, account, walks[place], all_ways=False))
    for each in walks:
        same(each)


@pytest.mark.slow
def test_a_reviewer_learns_nothing_of_what_is_meant(room: Room, cast: Cast) -> None:
    walks = []
    for decision in (None, *Decision):
        room.note(Secret(decision, Triage.YES, None, wave=WaveState.PAUSED if decision else None))
        walks.append(walk(room, cast.reviewer, walks, all_ways=True))
    same(walks)
    opened = {key[0] for key, answer in walks[0].items() if answer[0] == 200}
    assert {"selection.queue", "selection.table", "selection.application"} <= opened


def test_a_reviewer_learns_no_scores_before_the_own_review(room: Room, cast: Cast) -> None:
    """The same number of reviews, other scores: on every page of this application, and in the files."""
    client = asking(room, cast.reviewer)
    walks: list[Walk] = []
    for score in (0.25, 3.0, 4.75):
        room.note(Secret(None, Triage.YES, score))
        pages = [f"{STAFF}/applications/{room.mine.id}", f"{STAFF}/review", f"{STAFF}/review/{room.mine.id}"]
        walks.append({(page,): told(client.get(page)) for page in pages})
    same(walks)
    assert walks[0][(f"{STAFF}/applications/{room.mine.id}",)][0] == 200


def test_the_lead_does_see_it(room: Room, cast: Cast) -> None:
    """What is not seen by others is there to be seen."""
    client = asking(room, cast.lead)
    pages = set()
    for secret in SECRETS:
        room.note(secret)
        pages.add(told(client.get(f"{STAFF}/applications/{room.mine.id}"))[2])
        if secret.wave:
            assert "Ada Applicant" in client.get(f"{STAFF}/waves/1").text
    assert len(pages) == len(SECRETS)


def test_the_release_itself_is_seen(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    """The walk would notice: after the release the pages differ."""
    application = bench.submitted()
    wave = bench.wave((application, Decision.INVITE))
    sign_in(client, cast.applicant)
    before = told(client.get(f"/challenges/{SLUG}/apply"))
    waves.pace_wave(session, wave, Pace(open_from=23), by=cast.lead.id, at=NOON)
    waves.release_wave(session, wave, count=1, by=cast.lead.id, at=NOON)
    session.commit()
    assert wave.state is RELEASE.target
    assert told(client.get(f"/challenges/{SLUG}/apply")) == before
    waves.hand_over(session, wave, at=NOON + timedelta(hours=18, minutes=30))
    session.commit()
    assert application.state is ApplicationState.INVITED
    assert told(client.get(f"/challenges/{SLUG}/apply")) != before
