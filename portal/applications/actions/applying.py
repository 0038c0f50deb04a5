"""What applicants do, and the one way in which an application changes its state."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications import queries, rules, states
from portal.applications.models import Application, DuplicatePair, Question, Revision, Step
from portal.applications.rules import Content
from portal.applications.rules.questions import kept_answers
from portal.applications.states import ApplicationState
from portal.challenges.actions import remove_participant
from portal.challenges.models import Challenge, Scenario
from portal.challenges.queries import current_agreement, membership
from portal.challenges.states import MemberRole
from portal.core import audit, outbox
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import Move, take


def move(
    session: Session, application: Application, step: Move[ApplicationState], *, by: int | None, at: datetime,
    reason: str | None = None, room: str = "applications", **values: object,
) -> None:  # fmt: skip
    """Take one step: the state, the timeline and the audit together. Raises Refused or Conflict.

    Whatever leaves its state leaves what was meant to be decided about it behind.
    """
    before = {"state": application.state}
    cleared = {"pending_decision": None, "pending_at": None, "wave_id": None}
    with conflicts():
        take(session, application, step, at=at, **{**cleared, **values})
    session.add(Step(application_id=application.id, at=at, state=step.target, by_id=by, reason=reason))
    audit.record(
        session, f"{room}:{step.name}", f"application:{application.id}", by=by, at=at,
        scope=application.challenge.slug, before=before, after={"state": step.target}, reason=reason,
    )  # fmt: skip


def start_draft(session: Session, challenge: Challenge, account: Account, *, at: datetime) -> Application:
    """Begin an application. Raises Refused while none are taken, Conflict where there is one already."""
    _refuse_closed(challenge, at)
    application = Application(
        challenge_id=challenge.id, account_id=account.id, canonical_email=account.canonical_email,
        state=ApplicationState.DRAFT, state_since=at, created_at=at, saved_at=at, name=account.name, team=[], links=[],
        answers={}, flags=[], screening={}, rnd=secrets.randbelow(2**31),
    )  # fmt: skip
    session.add(application)
    with conflicts():
        session.flush()
    audit.record(
        session, "applications:start", f"application:{application.id}", by=account.id, at=at, scope=challenge.slug
    )
    return application


def save_draft(session: Session, application: Application, content: Content, *, version: int, at: datetime) -> None:
    """Keep what was typed so far, unless it was saved elsewhere since `version`. Raises Refused, Invalid, Conflict."""
    _refuse_closed(application.challenge, at)
    if application.state is not ApplicationState.DRAFT:
        raise Refused("This is no draft any more: it has been submitted.")
    asked = queries.questions(session, application.challenge_id)
    _refuse(rules.misfits(content, _scenario_ids(session, application.challenge_id), asked))
    _write(session, application, _whole(application, content, asked), version=version, at=at)


def submit_application(session: Session, application: Application, account: Account, *, at: datetime) -> None:
    """Hand in a draft as it was saved. Raises Refused, and Invalid by field for what is missing."""
    _submit(session, application, states.SUBMIT, account, at=at)


def return_application(session: Session, application: Application, account: Account, *, at: datetime) -> None:
    """Hand in again what was withdrawn. Raises Refused once applications have closed and after giving a place back."""
    if application.state is ApplicationState.WITHDRAWN and queries.had_place(session, application):
        raise Refused("You have given your place back. Write to the people who run the challenge.")
    _submit(session, application, states.RETURN, account, at=at)


def revise_application(
    session: Session, application: Application, content: Content, *, version: int, at: datetime
) -> None:
    """Change what was submitted; it stays submitted, and what it was before stays known."""
    _refuse_closed(application.challenge, at)
    if application.state is not ApplicationState.SUBMITTED:
        raise Refused("Only an application that waits for an answer can be changed.")
    asked = queries.questions(session, application.challenge_id)
    _refuse(rules.faults(content, _scenario_ids(session, application.challenge_id), asked))
    content = _whole(application, content, asked)
    if content == rules.content_of(application) and version == application.version:
        return
    _write(session, application, content, version=version, at=at)
    number = _keep_revision(session, application, at)
    audit.record(
        session, "applications:revise", f"application:{application.id}", by=application.account_id, at=at,
        scope=application.challenge.slug, after={"revision": number},
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


def _submit(
    session: Session, application: Application, step: Move[ApplicationState], account: Account, *, at: datetime
) -> None:
    challenge = application.challenge
    _refuse_closed(challenge, at)
    if account.confirmed_at is None:
        raise Refused("Confirm your e-mail address first: the link is in the mail that you got when you signed up.")
    if application.state in step.sources:
        # A question that was not asked at the time keeps nobody from coming back.
        asked = queries.questions(session, challenge.id) if step is states.SUBMIT else ()
        _refuse(rules.faults(rules.content_of(application), _scenario_ids(session, challenge.id), asked))
    agreement = current_agreement(session, challenge.id)
    move(
        session, application, step, by=account.id, at=at, submitted_at=application.submitted_at or at,
        canonical_email=account.canonical_email, agreement_id=agreement and agreement.id,
        decided_by_id=None, decided_at=None, answer_by=None,
    )  # fmt: skip
    number = _keep_revision(session, application, at)
    outbox.post(
        session, "applications/received", to=account.email, at=at, scope=challenge.slug,
        key=f"application:{application.id}:received:{number}", subject=f"application:{application.id}",
        context={"challenge": challenge.title, "slug": challenge.slug, "name": application.name,
                 "open_until": rules.spoken(challenge.apply_until, account.zone)},
    )  # fmt: skip


def _refuse_closed(challenge: Challenge, at: datetime) -> None:
    reason = rules.why_closed(challenge, at)
    if reason:
        raise Refused(reason)


def _refuse(messages: dict[str, str]) -> None:
    if messages:
        raise Invalid(messages)


def _scenario_ids(session: Session, challenge_id: int) -> set[int]:
    return set(session.scalars(sa.select(Scenario.id).where(Scenario.challenge_id == challenge_id)))


def _whole(application: Application, content: Content, asked: Sequence[Question]) -> Content:
    """What is told now, with the answers that the form no longer shows."""
    return replace(content, answers=kept_answers(application.answers or {}, content.answers, asked))


def _write(session: Session, application: Application, content: Content, *, version: int, at: datetime) -> None:
    """Compare and set by the number of the last saving."""
    session.flush()
    changed = session.execute(
        sa.update(Application)
        .where(Application.id == application.id, Application.version == version, Application.state == application.state)
        .values(version=version + 1, saved_at=at, **content.columns())
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("This application was changed elsewhere in the meantime, perhaps in another tab. Reload it.")
    session.expire(application)
    _choose(session, application, content.scenario_ids)


def _choose(session: Session, application: Application, scenario_ids: Iterable[int]) -> None:
    application.scenarios = list(session.scalars(sa.select(Scenario).where(Scenario.id.in_(list(scenario_ids)))))
    session.flush()


def _keep_revision(session: Session, application: Application, at: datetime) -> int:
    """Keep what is submitted now under the next number."""
    number = len(queries.revisions(session, application.id)) + 1
    content = rules.content_of(application).snapshot()
    session.add(Revision(application_id=application.id, number=number, at=at, content=content))
    with conflicts():
        session.flush()
    return number


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
        canonical_email=f"erased:{application.id}", disqualified=None, disqualified_reason=None, duplicate_of_id=None,
        flags=[], screening={}, cluster_id=None,
    )  # fmt: skip
