"""Thousands of applications, inserted in bulk as submitting each of them by the action would have left them.

tests/demo holds the rows against those of `applications.actions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.applications import queries as applications
from portal.applications.actions.imports import keep_import
from portal.applications.actions.questions import add_question
from portal.applications.models import Application, Question, Revision, Step, application_scenario
from portal.applications.queries import exchange
from portal.applications.rules import Content, spoken
from portal.applications.rules.exchange import check, read
from portal.applications.states import ApplicantKind, ApplicationState
from portal.challenges.models import Challenge
from portal.challenges.queries import current_agreement
from portal.core import audit
from portal.core.outbox import MailState, OutgoingMail
from portal.demo import essays
from portal.demo.people import DOMAIN, Person
from portal.demo.world import Stage, World


@dataclass(frozen=True, slots=True)
class Entry:
    """One application to be: who sends it, what it tells, when it was begun and handed in.

    `merit` (0 to 1) is what a just reviewer would see in it.
    """

    person: Person
    account_id: int
    content: Content
    begun: datetime
    submitted: datetime
    merit: float


def compose(
    world: World, person: Person, scenarios: Sequence[int], team: Sequence[Person] = (),
    questions: Sequence[Question] = (),
) -> Content:  # fmt: skip
    """An application's text."""
    random = world.random
    handle = person.handle if random.random() < 0.5 else person.name.split()[0].lower() + str(random.randint(2, 9999))
    lab = random.choice(essays.LABS) if team or random.random() < 0.4 else ""
    return Content(
        name=person.name,
        handle=handle,
        affiliation=lab,
        country=person.country,
        kind=ApplicantKind.TEAM if team else ApplicantKind.SINGLE,
        team=tuple(colleague.email for colleague in team),
        links=tuple(link.format(handle=handle) for link in random.sample(essays.LINKS, random.randint(0, 3))),
        scenario_ids=frozenset(random.sample(list(scenarios), random.randint(1, 4))),
        experience=essays.experience(random),
        plan=essays.plan(random),
        kit_use=essays.kit_use(random),
        answers={str(question.id): answer for question in questions if (answer := essays.answer(random, question))},
        adult=True,
        permitted=True,
        independent=True,
        agrees=True,
    )


def entries(
    world: World, stage: Stage, groups: Sequence[Sequence[Person]], ids: dict[str, int], merit: tuple[float, float],
    until: datetime,
) -> list[Entry]:  # fmt: skip
    """Applications of groups of people (the first of each applies), handed in before `until`, more towards the end."""
    scenarios = [scenario.id for scenario in stage.scenarios.values()]
    questions = applications.questions(world.session, stage.challenge.id)
    opened, made = stage.challenge.apply_from, []
    span = (until - opened) / timedelta(minutes=1)
    for group in groups:
        # Most come on the first days and on the last ones.
        share = world.random.betavariate(0.7, 0.7)
        submitted = opened + timedelta(minutes=span * share)
        begun = max(opened, submitted - world.minutes(10, 3000))
        content = compose(world, group[0], scenarios, group[1:], questions)
        worth = world.random.uniform(*merit)
        made.append(Entry(group[0], ids[group[0].handle], content, begun, max(submitted, begun), worth))
    return sorted(made, key=lambda entry: entry.submitted)


def ask(world: World, challenge: Challenge) -> None:
    """What the lead wants to know besides."""
    for asked in essays.QUESTIONS:
        add_question(world.session, challenge, asked, by=world.staff["lead"], at=challenge.apply_from)


def echoed(made: Sequence[Entry]) -> list[Entry]:
    """The same applications, a few of which are somebody's second one, as people who badly want a kit send them."""
    # Not of the best: these are invited before anybody looks for duplicates.
    found = list(made)
    places = [place for place, entry in enumerate(found) if 0.2 < entry.merit < 0.7][:8]
    if len(places) < 8:
        return found
    one, two, three, four, copy, near, called, namesake = places
    first, second, third, fourth = (found[place].content for place in (one, two, three, four))
    same = {name: getattr(first, name) for name in ("experience", "plan", "kit_use", "links")}
    plan = second.plan.replace("I would", "I’d like to", 1)
    changes: dict[int, dict[str, Any]] = {
        copy: {**same, "handle": f"@{first.handle.upper()}"},
        near: {"experience": second.experience, "kit_use": second.kit_use, "plan": plan},
        called: {"answers": found[called].content.answers | third.answers, "handle": third.handle},
        # Two of one name who are not one person: for somebody to dismiss.
        namesake: {"handle": fourth.handle, "affiliation": essays.LABS[0]},
    }
    for place, change in changes.items():
        found[place] = replace(found[place], content=replace(found[place].content, **change))
    return found


def bring_file(world: World, challenge: Challenge) -> None:
    """A file of applications from a conference, of which not every row is good, waits for the lead's word."""
    asked = [question.field for question in applications.questions(world.session, challenge.id) if question.required]
    told = "FR,G1,Ten years of firmware.,Read the update path.,One for the lab.,yes,yes,yes"
    row = "{email},{name}," + told + ",{agrees}" + ",10" * len(asked)
    rows = [row.format(email=f"visitor{n}@{DOMAIN}", name=f"Visitor {n}", agrees="no" if n == 3 else "yes")
            for n in range(1, 7)]  # fmt: skip
    head = "email,name,country,scenarios,experience,plan,kit_use,adult,permitted,independent,agrees"
    head = ",".join([head, *asked])
    data = "\r\n".join([head, *rows, row.format(email="not an address", name="Nobody", agrees="yes"), ""]).encode()
    known, at = exchange.known(world.session, challenge.id), world.now - timedelta(hours=2)
    sheet = read(data, "conference.csv")
    checked = check(sheet, known, at)
    keep_import(world.session, challenge, "conference.csv", data, sheet, checked, by=world.staff["lead"], at=at)


def shifted(entry: Entry, submitted: datetime) -> Entry:
    """The same application, handed in at another time."""
    return replace(entry, submitted=submitted, begun=submitted - (entry.submitted - entry.begun))


def submit_all(world: World, challenge: Challenge, made: Sequence[Entry]) -> list[int]:
    """Insert submitted applications with everything that belongs to them; their ids, in the order of `made`."""
    session = world.session
    agreement = current_agreement(session, challenge.id)
    rows = [_application(world, challenge, agreement.id if agreement else None, entry) for entry in made]
    insert = sa.insert(Application).returning(Application.id, sort_by_parameter_order=True)
    ids = list(session.scalars(insert, rows)) if rows else []
    pairs = list(zip(ids, made, strict=True))
    if not pairs:
        return []
    session.execute(
        sa.insert(application_scenario),
        [
            {"application_id": number, "scenario_id": scenario}
            for number, entry in pairs
            for scenario in sorted(entry.content.scenario_ids)
        ],
    )
    session.execute(sa.insert(Revision), [_revision(number, entry) for number, entry in pairs])
    session.execute(sa.insert(Step), [_step(number, entry) for number, entry in pairs])
    session.execute(sa.insert(OutgoingMail), [_receipt(challenge, number, entry) for number, entry in pairs])
    for number, entry in pairs:
        _note(world, challenge, number, entry)
    return ids


def _application(world: World, challenge: Challenge, agreement_id: int | None, entry: Entry) -> dict[str, Any]:
    return entry.content.columns() | {
        "challenge_id": challenge.id,
        "account_id": entry.account_id,
        "canonical_email": entry.person.email,
        "state": ApplicationState.SUBMITTED,
        "state_since": entry.submitted,
        "created_at": entry.begun,
        "saved_at": entry.submitted,
        "submitted_at": entry.submitted,
        "version": 1,
        "agreement_id": agreement_id,
        "flags": [],
        "screening": {},
        "rnd": world.random.randrange(2**31),
        "review_count": 0,
    }


def _revision(number: int, entry: Entry) -> dict[str, Any]:
    return {"application_id": number, "number": 1, "at": entry.submitted, "content": entry.content.snapshot()}


def _step(number: int, entry: Entry) -> dict[str, Any]:
    state = ApplicationState.SUBMITTED
    return {"application_id": number, "at": entry.submitted, "state": state, "by_id": entry.account_id}


def _receipt(challenge: Challenge, number: int, entry: Entry) -> dict[str, Any]:
    until = spoken(challenge.apply_until, entry.person.zone)
    return sent(
        "applications/received",
        entry.person.email,
        f"application:{number}:received:1",
        entry.submitted,
        {"challenge": challenge.title, "slug": challenge.slug, "name": entry.content.name, "open_until": until},
    ) | {"subject": f"application:{number}", "scope": challenge.slug}


def sent(template: str, to: str, key: str, at: datetime, context: dict[str, Any]) -> dict[str, Any]:
    """A row of the outbox for a mail that went out long ago."""
    return {
        "template": template, "to": to, "dedupe_key": key, "context": context, "secret": False,
        "state": MailState.SENT, "created_at": at, "not_before": at, "sent_at": at, "tries": 1,
    }  # fmt: skip


def _note(world: World, challenge: Challenge, number: int, entry: Entry) -> None:
    subject = f"application:{number}"
    audit.record(
        world.session, "applications:start", subject, by=entry.account_id, at=entry.begun, scope=challenge.slug
    )
    audit.record(
        world.session, "applications:submit", subject, by=entry.account_id, at=entry.submitted, scope=challenge.slug,
        before={"state": ApplicationState.DRAFT}, after={"state": ApplicationState.SUBMITTED},
    )  # fmt: skip


def begin_drafts(world: World, challenge: Challenge, made: Sequence[Entry]) -> None:
    """Insert applications that are not finished yet: some fields are still empty."""
    rows = []
    for entry in made:
        half = replace(entry, content=replace(entry.content, plan="", kit_use="", agrees=False))
        row = _application(world, challenge, None, half)
        drafted = {"state": ApplicationState.DRAFT, "state_since": entry.begun, "submitted_at": None}
        rows.append(row | drafted)
    if rows:
        ids = world.session.scalars(sa.insert(Application).returning(Application.id), rows).all()
        for number, entry in zip(ids, made, strict=True):
            subject = f"application:{number}"
            audit.record(
                world.session, "applications:start", subject, by=entry.account_id, at=entry.begun, scope=challenge.slug
            )
