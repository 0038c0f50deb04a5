"""What nobody sends by accident: every form and address of applying and choosing, with nonsense in it."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.actions import questions
from portal.applications.models import Application, DuplicatePair, DuplicateScan
from portal.applications.rules.questions import Asked
from portal.applications.states import Decision, Evidence, QuestionKind
from portal.core.outbox import MailState, OutgoingMail
from portal.selection.actions import bulk, drafts, saved
from portal.selection.rules.bulk import Values
from portal.selection.rules.drafts import Wish
from portal.selection.states import BulkVerb, LimitKind
from tests.access.objects import World, file_of_applications
from tests.cast import NOON, SLUG, Cast, make_challenge, sign_in
from tests.selection.conftest import Bench

ELSEWHERE = "elsewhere"
ROOMS = ("applications", "selection")
NONSENSE = (
    "", " ", "0", "-1", "1", "2", "3", "99999", str(2**31), str(2**63), str(-(2**63) - 1), "9" * 400, "1e999", "nan",
    "٣", "\0", "a\0b", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "x" * 5000, "y\n" * 3000, "None",
    "[]", "{}", '{"t":1}', "W251bGwsbnVsbF0", "WzEsMl0", "W3sidCI6IjAwMDEtMDEtMDFUMDA6MDA6MDArMDA6MDAifSwxXQ",
    "0001-01-01", "9999-12-31", "2020-13-40", "=1+1", "<script>", "'; --", "%s%n{0}", "-score", "true", "all", "invite",
    "each country:", "country:FR", "in", "‮txt.exe", "*", '"', "NEAR(", "a OR", "😀" * 300,
)  # fmt: skip
NUMBERS = ("0", "99999", str(2**31), str(2**63), "9" * 5000)
ROUNDS = 2
ARGUMENTS = (
    "after", "q", "sort", "state", "triage", "country", "scenario", "reviewer", "score", "least", "most", "flag",
    "view", "pending", "cluster", "taken", "because", "left", "right", "one", "other", "skip", "application", "lines",
    "form", "number", "a", "b", "kind", "reviews", "assigned", "organisation", "shown",
)  # fmt: skip


@dataclass
class Found:
    """A form of a page: where it goes, and what its fields hold."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


class Forms(HTMLParser):
    """All forms of a page, and the addresses to which it leads."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__()
        self.forms: dict[str, Found] = {}
        self.links: set[str] = set()
        self.here, self.open, self.select = address, Found(address, "get"), ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links, forms and fields; those that name their form belong to it wherever they stand."""
        told = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.add(told.get("href", "").partition("#")[0])
        if tag == "form":
            self.open = Found(told.get("action") or self.here, told.get("method", "get").lower())
            self.forms[told.get("id") or f"form-{len(self.forms)}"] = self.open
        target = self.forms.get(told.get("form", ""), self.open)
        if "formaction" in told:
            self.forms[f"form-{len(self.forms)}"] = Found(told["formaction"], "post", target.fields)
        if tag == "option":
            self.open.fields.setdefault(self.select, []).append(told.get("value", ""))
        if tag == "select":
            self.select = told.get("name", "")
        if tag in ("input", "textarea", "button", "select") and told.get("name"):
            if told.get("type") == "file":
                target.files.append(told["name"])
            target.fields.setdefault(told["name"], []).append(told.get("value", ""))


@dataclass
class Stage:
    """Everything of a challenge that can be named, and of another one."""

    session: Session
    bench: Bench
    cast: Cast
    other: list[int] = field(default_factory=list)

    def prepare(self) -> None:
        """Applications of every kind, and whatever the staff makes of them."""
        session, cast, bench = self.session, self.cast, self.bench
        me, challenge = cast.lead.id, cast.challenge
        for kind, choices in ((QuestionKind.TEXT, ()), (QuestionKind.CHOICE, ("yes", "no")), (QuestionKind.NUMBER, ())):
            questions.add_question(
                session, challenge, Asked(kind, f"Why {kind}?", choices=choices), by=me, at=NOON
            )  # fmt: skip
        bench.settings(looks=2, reviews_each=2)
        rows = bench.crowd([f"Person {number}" for number in range(8)])
        criteria = bench.rubric(Skill=2, Plan=1)
        for row in rows[:3]:
            bench.review(row, cast.reviewer, dict.fromkeys(criteria.values(), 4), "Good.")
            bench.review(row, cast.second_reviewer, dict.fromkeys(criteria.values(), 2), "Bad.")
        session.add(
            DuplicatePair(
                challenge_id=challenge.id, low_id=rows[3].id, high_id=rows[4].id, kind=Evidence.HANDLE, detail="x",
                found_at=NOON,
            )
        )  # fmt: skip
        session.add(
            DuplicatePair(
                challenge_id=challenge.id, low_id=rows[5].id, high_id=rows[6].id, kind=Evidence.HANDLE, detail="y",
                found_at=NOON, dismissed_at=NOON, dismissed_by_id=me, reason="Twins.",
            )
        )  # fmt: skip
        session.add(DuplicateScan(challenge_id=challenge.id, scanned_at=NOON))
        file_of_applications(World(session, cast))
        bulk.ask(session, challenge, [rows[7].id], BulkVerb.CALIBRATE, Values(), count=1, by=me, at=NOON)
        saved.keep_view(session, challenge, "Best", "sort=-score", by=me, at=NOON)
        made = bench.what_if(limits=[Wish(LimitKind.COUNTRY, "DE", None, 1)])
        drafts.pin(session, made, rows[0].id, "Known.", inside=True, by=me, at=NOON)
        drafts.solve_draft(session, made, by=me, at=NOON)
        session.commit()
        bench.what_if()
        bench.invited(bench.submitted())
        dead = OutgoingMail.template == "selection/invited"
        session.execute(sa.update(OutgoingMail).where(dead).values(state=MailState.FAILED, error="550"))
        bench.wave((rows[7], Decision.WAITLIST))
        self.elsewhere()
        session.commit()

    def elsewhere(self) -> None:
        """An application of another challenge, by somebody who applied here too."""
        challenge = make_challenge(self.session, ELSEWHERE, "Another Challenge")
        self.session.add(
            Application(
                challenge_id=challenge.id, account_id=self.cast.stranger.id, name="Sam", rnd=1, team=[], links=[],
                flags=[], screening={}, canonical_email=self.cast.stranger.canonical_email, state="submitted",
                state_since=NOON, created_at=NOON, saved_at=NOON, submitted_at=NOON,
            )
        )  # fmt: skip


@dataclass
class Attack:
    """Somebody who reads the pages, and sends back what they hold, with something in it changed."""

    app: Flask
    client: FlaskClient
    session: Session
    dice: random.Random
    faults: list[str] = field(default_factory=list)
    pages: list[tuple[Account, str]] = field(default_factory=list)

    def knock(self, who: Account, method: str, address: str, **more: Any) -> str:
        """Send one request; a fault of ours is noted. What a page answers."""
        sign_in(self.client, who)
        try:
            answer = self.client.open(address, method=method, **more)
        except Exception as error:
            self.faults.append(
                f"{method} {address[:200]} {str(more)[:300]}: {type(error).__name__}: {str(error)[:300]}"
            )
            self.session.rollback()
            return ""
        if answer.status_code >= 500:
            self.faults.append(f"{method} {address[:200]} {str(more)[:300]}: {answer.status_code}")
        page = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
        answer.close()
        return page

    def crawl(self, who: Account, begin: str) -> Iterator[Found]:
        """Every form of every kind of page that links lead to."""
        seen: set[str] = set()
        todo, known = [begin], set()
        while todo:
            address = todo.pop(0)
            kind = re.sub(r"\d+", "N", address.partition("?")[0])
            if kind in seen or not self._ours(address):
                continue
            seen.add(kind)
            self.pages.append((who, address.partition("?")[0]))
            page = Forms(self.knock(who, "GET", address), address)
            todo += sorted(page.links)
            for form in page.forms.values():
                shape = re.sub(r"\d+", "N", form.action.partition("?")[0]), tuple(sorted(form.fields))
                if shape not in known and self._ours(form.action, form.method.upper()):
                    known.add(shape)
                    yield form

    def _ours(self, address: str, method: str = "GET") -> bool:
        try:
            endpoint, _ = self.app.url_map.bind("localhost").match(address.partition("?")[0], method)
        except Exception:
            return False
        return endpoint.partition(".")[0] in ROOMS or endpoint == "home.staff"

    def distort(self, form: Found, other: list[str]) -> tuple[str, dict[str, Any]]:
        """The form with one or several things changed."""
        address, dice = form.action, self.dice
        data = {name: [dice.choice(values)] for name, values in form.fields.items()}
        for name in dice.sample(sorted(data), min(len(data), dice.choice((1, 1, 1, 2, 5, 50)))):
            count = dice.choice((0, 1, 1, 1, 2, 3))
            data[name] = [dice.choice((*NONSENSE, *other, *form.fields[name])) for _ in range(count)]
        if dice.random() < 0.25:
            address = re.sub(r"(?<=/)\d+", lambda _: dice.choice((*NUMBERS, *other)), address)
        if dice.random() < 0.3:
            address = f"{address.partition('?')[0]}?{urlencode(self.words())}"
        more: dict[str, Any] = dict(data)
        for name in form.files:
            more[name] = (BytesIO(dice.choice(FILES)), dice.choice(("x.csv", "x.json", "", "\0.csv", "a" * 300)))
        return address, more

    def words(self) -> dict[str, str]:
        """Some of what addresses may say, with nonsense in it."""
        return {name: self.dice.choice(NONSENSE) for name in self.dice.sample(ARGUMENTS, 3)}

    def send(self, who: Account, form: Found, other: list[str]) -> None:
        """One distorted form."""
        address, data = self.distort(form, other)
        if form.method == "get":
            query = urlencode({name: value for name, value in data.items() if not isinstance(value, tuple)}, doseq=True)
            self.knock(who, "GET", f"{address.partition('?')[0]}?{query}")
        else:
            kind = "multipart/form-data" if form.files else "application/x-www-form-urlencoded"
            self.knock(who, "POST", address, data=data, content_type=kind)


FILES = (
    b"", b"\0", b"\xff\xfe\0", b"name,email\n", b"name,email\n,\n", b"[]", b"{}", b"[[[[",
    b'[{"email": 3, "team": {}}]',
    b'[{"email": "a@b.example", "name": "A\\u0000", "links": "x", "country": 7, "answers": []}]', b"[" * 100_000,
    b'name,email\n"A,a@b.example\n', "name;email\né;é@é\n".encode("latin-1"), b'[{"email": 1e999}]', b"null", b"NaN",
)  # fmt: skip


@pytest.fixture
def stage(session: Session, bench: Bench, cast: Cast) -> Stage:
    """The stage, prepared."""
    made = Stage(session, bench, cast)
    made.prepare()
    return made


def test_nothing_that_is_sent_brings_the_portal_down(app: Flask, client: FlaskClient, stage: Stage) -> None:
    cast, session = stage.cast, stage.session
    attack = Attack(app, client, session, random.Random(2020))
    other = [str(number) for number in session.scalars(sa.select(Application.id))]
    begin, mine = f"/staff/{SLUG}", f"/challenges/{SLUG}"
    people = [(cast.lead, f"{begin}/")]
    people += [(cast.reviewer, f"{begin}/{page}") for page in ("applications", "triage", "review", "views")]
    people += [(cast.stranger, f"{mine}/apply"), (cast.applicant, f"{mine}/invitation")]
    for who in {who for who, _ in people}:
        session.refresh(who)
        session.expunge(who)
    found = [(who, form) for who, address in people for form in attack.crawl(who, address)]
    assert len(found) > 60
    for _ in range(ROUNDS):
        for who, form in found:
            attack.send(who, form, other)
        for who, page in attack.pages:
            attack.knock(who, "GET", f"{page}?{urlencode(attack.words())}")
    assert attack.faults == []


@pytest.mark.parametrize("number", NUMBERS[2:])
def test_a_number_that_no_row_can_have_leads_nowhere(client: FlaskClient, bench: Bench, number: str) -> None:
    sign_in(client, bench.cast.lead)
    assert client.get(f"/staff/{SLUG}/applications/{number}").status_code == 404
    assert client.post(f"/staff/{SLUG}/applications/{number}/decision").status_code == 404
