"""Finding applications: one's own, and the staff's queue."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload, undefer_group

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.applications.models import Application, Revision, Step
from portal.applications.queries.duplicates import queue_of_duplicates
from portal.applications.rules import is_open
from portal.applications.states import KEPT, VISIBLE, ApplicationState
from portal.challenges.models import Agreement, Challenge, Member
from portal.core.errors import NotFound
from portal.core.todo import Queue, Task

# Made once, as putting a statement together takes longer than running it. The state is no parameter: only so do the
# engines see that the unique index on whose application it is, which leaves the erased ones out, will do.
_MINE = (
    sa.select(Application)
    .options(undefer_group("text"), selectinload(Application.scenarios))
    .where(
        Application.challenge_id == sa.bindparam("challenge"),
        Application.account_id == sa.bindparam("account"),
        Application.state != sa.literal_column("'erased'"),
    )
)


def mine(session: Session, challenge_id: int, account_id: int) -> Application | None:
    """The person's application with all that it tells, if there is one."""
    return session.scalars(_MINE, {"challenge": challenge_id, "account": account_id}).one_or_none()


def application(session: Session, challenge_id: int, application_id: int) -> Application:
    """One submitted application of the challenge with all that it tells. Raises NotFound."""
    found = session.scalars(
        sa.select(Application)
        .options(
            undefer_group("text"),
            selectinload(Application.scenarios),
            joinedload(Application.account),
            joinedload(Application.challenge),
        )
        .where(
            Application.id == application_id,
            Application.challenge_id == challenge_id,
            Application.state.in_(VISIBLE),
        )
    ).one_or_none()
    if found is None:
        raise NotFound("application")
    return found


def steps(session: Session, application_id: int) -> Sequence[Step]:
    """How an application came to its state, the newest first."""
    return session.scalars(
        sa.select(Step)
        .options(joinedload(Step.by).load_only(Account.name, Account.email))
        .where(Step.application_id == application_id)
        .order_by(Step.id.desc())
    ).all()


def revisions(session: Session, application_id: int) -> Sequence[Revision]:
    """When what was submitted was submitted, the first time first."""
    return session.scalars(
        sa.select(Revision).where(Revision.application_id == application_id).order_by(Revision.number)
    ).all()


def next_revision(session: Session, application_id: int) -> int:
    """The number under which the next revision of an application is kept."""
    last = sa.select(sa.func.max(Revision.number)).where(Revision.application_id == application_id)
    return (session.scalars(last).one() or 0) + 1


def agreement_now(challenge_id: int | sa.BindParameter[int]) -> sa.ScalarSelect[int]:
    """The number of the agreement that is current, if there is one: a part of the statement that keeps it."""
    return (
        sa.select(Agreement.id)
        .where(Agreement.challenge_id == challenge_id)
        .order_by(Agreement.version.desc())
        .limit(1)
        .scalar_subquery()
    )


def of_account(session: Session, account_id: int) -> Sequence[Application]:
    """Everything that a person has applied for, the first first."""
    return session.scalars(
        sa.select(Application)
        .options(undefer_group("text"), selectinload(Application.scenarios), joinedload(Application.challenge))
        .where(Application.account_id == account_id, Application.state != ApplicationState.ERASED)
        .order_by(Application.id)
    ).all()


def outdated(session: Session, ended_before: date, limit: int = 500) -> Sequence[Application]:
    """What nobody needs any more: applications without a place in challenges that ended before a day."""
    return session.scalars(
        sa.select(Application)
        .join(Application.challenge)
        .options(contains_eager(Application.challenge), selectinload(Application.scenarios))
        .where(Challenge.ends_on < ended_before, Application.state.not_in(KEPT))
        .order_by(Application.id)
        .limit(limit)
    ).all()


def had_place(session: Session, application: Application) -> bool:
    """Whether the applicant takes part in the challenge, or did."""
    place = sa.select(Member.id).where(
        Member.challenge_id == application.challenge_id, Member.account_id == application.account_id
    )
    return session.scalars(place).one_or_none() is not None


def tasks(session: Session, challenge: Challenge, account: Account, at: datetime) -> list[Task]:
    """What an applicant has to do: finish what was begun, while applications are open."""
    if not is_open(challenge, at):
        return []
    begun = sa.select(Application.id).where(
        Application.challenge_id == challenge.id,
        Application.account_id == account.id,
        Application.state == ApplicationState.DRAFT,
    )
    if session.scalars(begun).one_or_none() is None:
        return []
    where = f"/challenges/{challenge.slug}/apply"
    return [Task("Submit your application", where, challenge.apply_until, "So far it is a draft that nobody reads.")]


def queues(session: Session, challenge: Challenge, roles: frozenset[Role], at: datetime) -> list[Queue]:
    """What has come in and waits for a decision."""
    if not roles & {Role.LEAD, Role.REVIEWER}:
        return []
    undecided = (Application.challenge_id == challenge.id, Application.state == ApplicationState.SUBMITTED)
    number, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(Application.submitted_at)).where(*undecided)
    ).one()
    where = f"/staff/{challenge.slug}/applications?state=submitted"
    found = [Queue("Applications without an answer", where, number, oldest)]
    return [*found, queue_of_duplicates(session, challenge)] if Role.LEAD in roles else found
