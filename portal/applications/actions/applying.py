"""What applicants do, and the one way in which an application changes its state."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications import queries, rules, states
from portal.applications.models import Application, DuplicatePair, Question, Revision, Step, application_scenario
from portal.applications.rules import Content
from portal.applications.rules.questions import kept_answers
from portal.applications.states import ApplicationState
from portal.challenges.actions import remove_participant
from portal.challenges.models import Challenge, Scenario
from portal.challenges.queries import membership
from portal.challenges.states import MemberRole
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import Move, take

# Rows are written by statements made once: taking objects apart costs more than all that the database does.
_BEGUN = sa.insert(Application.__table__).returning(Application.id)  # type: ignore[arg-type]
_HANDED_IN = _BEGUN.values(agreement_id=queries.agreement_now(sa.bindparam("challenge", type_=sa.Integer)))
_CHOSEN = sa.insert(application_scenario)
_STEPPED = sa.insert(Step.__table__)  # type: ignore[arg-type]
_KEPT = sa.insert(Revision.__table__)  # type: ignore[arg-type]


class Stepped(NamedTuple):
    """A step that an application has just taken, for whoever follows it."""

    application_id: int
    challenge: Challenge
    needs_kit: bool
    step: Move[ApplicationState]
    by: int | None
    at: datetime


# What rooms above do in the transaction of a step, whoever takes it; a wave, which moves many at once, does it itself.
followers: list[Callable[[Session, Stepped], None]] = []


def move(
    session: Session, application: Application, step: Move[ApplicationState], *still: sa.ColumnElement[bool],
    by: int | None, at: datetime, reason: str | None = None, room: str = "applications", **values: object,
) -> None:  # fmt: skip
    """Take one step: the state, the timeline and the audit together. Raises Refused or Conflict.

    Whatever leaves its state leaves what was meant to be decided about it behind.
    """
    number, slug, before = application.id, application.challenge.slug, application.state
    stepped = Stepped(number, application.challenge, application.needs_kit, step, by, at)
    cleared = {"pending_decision": None, "pending_at": None, "wave_id": None}
    with conflicts():
        take(session, application, step, *still, at=at, **{**cleared, **values})
    _note(session, number, slug, step, before, by=by, at=at, reason=reason, room=room)
    for follow in followers:
        follow(session, stepped)


def _note(
    session: Session, number: int, slug: str, step: Move[ApplicationState], before: ApplicationState, *,
    by: int | None, at: datetime, reason: str | None = None, room: str = "applications",
) -> None:  # fmt: skip
    row = {"application_id": number, "at": at, "state": step.target, "by_id": by, "reason": reason}
    session.execute(_STEPPED, row)
    audit.record(
        session, f"{room}:{step.name}", f"application:{number}", by=by, at=at, scope=slug, before={"state": before},
        after={"state": step.target}, reason=reason,
    )  # fmt: skip


def start_draft(
    session: Session, challenge: Challenge, account: Account, content: Content | None = None, *, at: datetime,
    asked: Sequence[Question] | None = None,
) -> Application:  # fmt: skip
    """Begin an application, with what was typed so far.

    Here and below, `asked` are the challenge's questions where they were read before. Raises Refused while no
    applications are taken, Invalid by field for what does not fit, Conflict where there is one already.
    """
    _refuse_closed(challenge, at)
    told, version = Content(name=account.name), 0
    if content is not None:
        asked = _asked(session, challenge, asked)
        _refuse(rules.misfits(content, _scenario_ids(challenge), asked))
        told, version = _whole({}, content, asked), 1
    number = _begin(session, challenge, account, told, version=version, at=at, state=ApplicationState.DRAFT)
    return session.get_one(Application, number)


def save_draft(
    session: Session, application: Application, content: Content, *, version: int, at: datetime,
    asked: Sequence[Question] | None = None,
) -> None:  # fmt: skip
    """Keep what was typed so far, unless it was saved elsewhere since `version`. Raises Refused, Invalid, Conflict."""
    challenge = application.challenge
    _refuse_closed(challenge, at)
    if application.state is not ApplicationState.DRAFT:
        raise Refused("This is no draft any more: it has been submitted.")
    asked = _asked(session, challenge, asked)
    _refuse(rules.misfits(content, _scenario_ids(challenge), asked))
    _write(session, application, _whole(application.answers, content, asked), version=version, at=at)


def apply_at_once(
    session: Session, challenge: Challenge, account: Account, content: Content, *, at: datetime,
    asked: Sequence[Question] | None = None,
) -> int:  # fmt: skip
    """Begin an application and hand it in at once, as starting, saving and submitting would. Returns its number."""
    _refuse_unready(challenge, account, at)
    asked = _asked(session, challenge, asked)
    _refuse(rules.faults(content, _scenario_ids(challenge), asked))
    content = _whole({}, content, asked)
    application_id = _begin(
        session, challenge, account, content, _HANDED_IN, version=1, at=at, state=states.SUBMIT.target, submitted_at=at
    )
    _note(session, application_id, challenge.slug, states.SUBMIT, ApplicationState.DRAFT, by=account.id, at=at)
    _receive(session, application_id, challenge, account, content, number=1, at=at)
    return application_id


def submit_application(
    session: Session, application: Application, account: Account, content: Content | None = None, *, at: datetime,
    version: int | None = None, asked: Sequence[Question] | None = None,
) -> None:  # fmt: skip
    """Hand in a draft: with this content, unless it was saved elsewhere since `version`, or as it was saved.

    Raises Refused, Conflict, and Invalid by field for what is missing.
    """
    _refuse_unready(application.challenge, account, at)
    told = rules.content_of(application) if content is None else content
    if application.state in states.SUBMIT.sources:
        asked = _asked(session, application.challenge, asked)
        _refuse(rules.faults(told, _scenario_ids(application.challenge), asked))
        told = _whole(application.answers, told, asked)
    _submit(session, application, states.SUBMIT, account, told, at=at, version=version)


def return_application(session: Session, application: Application, account: Account, *, at: datetime) -> None:
    """Hand in again what was withdrawn. Raises Refused once applications have closed and after giving a place back."""
    if application.state is ApplicationState.WITHDRAWN and queries.had_place(session, application):
        raise Refused("You have given your place back. Write to the people who run the challenge.")
    _refuse_unready(application.challenge, account, at)
    told = rules.content_of(application)
    if application.state in states.RETURN.sources:
        # A question that was not asked at the time keeps nobody from coming back.
        _refuse(rules.faults(told, _scenario_ids(application.challenge)))
    _submit(session, application, states.RETURN, account, told, at=at)


def revise_application(
    session: Session, application: Application, content: Content, *, version: int, at: datetime,
    asked: Sequence[Question] | None = None,
) -> None:  # fmt: skip
    """Change what was submitted; it stays submitted, and what it was before stays known."""
    challenge, number, account_id = application.challenge, application.id, application.account_id
    _refuse_closed(challenge, at)
    if application.state is not ApplicationState.SUBMITTED:
        raise Refused("Only an application that waits for an answer can be changed.")
    asked = _asked(session, challenge, asked)
    _refuse(rules.faults(content, _scenario_ids(challenge), asked))
    content = _whole(application.answers, content, asked)
    if content == rules.content_of(application) and version == application.version:
        return
    _write(session, application, content, version=version, at=at)
    revision = queries.next_revision(session, number)
    _keep_revision(session, number, content, revision, at)
    audit.record(
        session, "applications:revise", f"application:{number}", by=account_id, at=at, scope=challenge.slug,
        after={"revision": revision},
    )  # fmt: skip


def withdraw_application(session: Session, application: Application, *, at: datetime) -> None:
    """Take an application back, and with it the place that was accepted."""
    had_place = application.state is ApplicationState.ACCEPTED
    move(session, application, states.WITHDRAW, by=application.account_id, at=at)
    place = membership(session, application.challenge_id, application.account_id) if had_place else None
    if place and place.role is MemberRole.LEAD:
        remove_participant(
            session, application.challenge, place.participant, reason="The applicant gave the place back.",
            by=application.account_id, at=at,
        )  # fmt: skip


def _begin(
    session: Session, challenge: Challenge, account: Account, content: Content, insert: sa.Insert = _BEGUN, *,
    at: datetime, **columns: Any,
) -> int:  # fmt: skip
    row = {
        "challenge_id": challenge.id, "account_id": account.id, "canonical_email": account.canonical_email,
        "state_since": at, "created_at": at, "saved_at": at, "rnd": secrets.randbelow(2**31), **content.columns(),
        **columns,
        "challenge": challenge.id,  # no column: it is what the current agreement is looked for by
    }  # fmt: skip
    with conflicts():
        number = session.execute(insert, row).scalar_one()
    chosen = [{"application_id": number, "scenario_id": scenario.id} for scenario in _chosen(challenge, content)]
    if chosen:
        session.execute(_CHOSEN, chosen)
    audit.record(session, "applications:start", f"application:{number}", by=account.id, at=at, scope=challenge.slug)
    return int(number)


def _submit(
    session: Session, application: Application, step: Move[ApplicationState], account: Account, told: Content, *,
    at: datetime, version: int | None = None,
) -> None:  # fmt: skip
    """Take the step, and save what is told if there is a `version` to compare with."""
    challenge, number = application.challenge, application.id
    saved, still = ({}, ()) if version is None else (_saved(told, version, at), (Application.version == version,))
    revision = 1 if step is states.SUBMIT else queries.next_revision(session, number)
    application.scenarios = _chosen(challenge, told)
    move(
        session, application, step, *still, by=account.id, at=at, submitted_at=application.submitted_at or at,
        canonical_email=account.canonical_email, agreement_id=queries.agreement_now(challenge.id),
        decided_by_id=None, decided_at=None, answer_by=None, **saved,
    )  # fmt: skip
    _receive(session, number, challenge, account, told, number=revision, at=at)


def _receive(
    session: Session, application_id: int, challenge: Challenge, account: Account, content: Content, *, number: int,
    at: datetime,
) -> None:  # fmt: skip
    """Keep what was submitted, and say so to the applicant."""
    _keep_revision(session, application_id, content, number, at)
    outbox.post(
        session, "applications/received", to=account.email, at=at, scope=challenge.slug,
        key=f"application:{application_id}:received:{number}", subject=f"application:{application_id}",
        context={"challenge": challenge.title, "slug": challenge.slug, "name": content.name,
                 "open_until": rules.spoken(challenge.apply_until, account.zone)},
    )  # fmt: skip


def _refuse_unready(challenge: Challenge, account: Account, at: datetime) -> None:
    _refuse_closed(challenge, at)
    if account.confirmed_at is None:
        raise Refused("Confirm your e-mail address first: the link is in the mail that you got when you signed up.")


def _refuse_closed(challenge: Challenge, at: datetime) -> None:
    reason = rules.why_closed(challenge, at)
    if reason:
        raise Refused(reason)


def _refuse(messages: dict[str, str]) -> None:
    if messages:
        raise Invalid(messages)


def _asked(session: Session, challenge: Challenge, asked: Sequence[Question] | None) -> Sequence[Question]:
    return queries.questions(session, challenge.id) if asked is None else asked


def _scenario_ids(challenge: Challenge) -> set[int]:
    return {scenario.id for scenario in challenge.scenarios}


def _chosen(challenge: Challenge, content: Content) -> list[Scenario]:
    return [scenario for scenario in challenge.scenarios if scenario.id in content.scenario_ids]


def _whole(answers: Mapping[str, Any], content: Content, asked: Sequence[Question]) -> Content:
    """What is told now, with the answers that the form no longer shows."""
    return replace(content, answers=kept_answers(answers or {}, content.answers, asked))


def _saved(content: Content, version: int, at: datetime) -> dict[str, Any]:
    return {"version": version + 1, "saved_at": at, **content.columns()}


def _write(session: Session, application: Application, content: Content, *, version: int, at: datetime) -> None:
    """Compare and set by the number of the last saving."""
    application.scenarios = _chosen(application.challenge, content)
    session.flush()
    changed = session.execute(
        sa.update(Application)
        .where(Application.id == application.id, Application.version == version, Application.state == application.state)
        .values(_saved(content, version, at))
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("This application was changed elsewhere in the meantime, perhaps in another tab. Reload it.")
    session.expire(application)


def _keep_revision(session: Session, application_id: int, content: Content, number: int, at: datetime) -> None:
    """Keep what is submitted now under its number."""
    row = {"application_id": application_id, "number": number, "at": at, "content": content.snapshot()}
    session.execute(_KEPT, row)


def erase_application(session: Session, application: Application, *, at: datetime) -> None:
    """Forget who applied and what they told. State, country and times stay for the statistics."""
    empty = Content(country=application.country, kind=application.kind)
    application.scenarios = []
    session.execute(sa.delete(Revision).where(Revision.application_id == application.id))
    session.execute(sa.update(Step).where(Step.application_id == application.id).values(reason=None))
    its = sa.or_(DuplicatePair.low_id == application.id, DuplicatePair.high_id == application.id)
    session.execute(sa.delete(DuplicatePair).where(its))
    move(
        session, application, states.ERASE, by=None, at=at, reason=None, room="applications", **empty.columns(),
        canonical_email=f"erased:{application.id}", no_kit_because=None if application.needs_kit else "",
        disqualified=None, disqualified_reason=None, duplicate_of_id=None,
        flags=[], screening={}, cluster_id=None,
    )  # fmt: skip
