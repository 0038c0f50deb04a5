"""Finding what to review, and what was said."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.selection.models import Review


def _to_review(challenge_id: int, reviewer_id: int) -> list[sa.ColumnElement[bool]]:
    own = sa.select(Review.id).where(Review.application_id == Application.id, Review.reviewer_id == reviewer_id)
    return [
        Application.challenge_id == challenge_id,
        Application.state == ApplicationState.SUBMITTED,
        Application.account_id != reviewer_id,
        ~own.exists(),
    ]


def next_to_review(session: Session, challenge_id: int, reviewer_id: int, skip: int | None = None) -> int | None:
    """The application that this reviewer should read next: the least reviewed, in an order of chance."""
    rows = sa.select(Application.id).where(*_to_review(challenge_id, reviewer_id))
    if skip is not None:
        rows = rows.where(Application.id != skip)
    return session.scalars(rows.order_by(Application.review_count, Application.rnd).limit(1)).one_or_none()


def progress(session: Session, challenge_id: int, reviewer_id: int) -> tuple[int, int]:
    """How many this reviewer has reviewed, and how many wait for them."""
    done = sa.select(sa.func.count()).where(
        Review.reviewer_id == reviewer_id, Review.application_id == Application.id,
        Application.challenge_id == challenge_id,
    )  # fmt: skip
    left = sa.select(sa.func.count()).select_from(Application).where(*_to_review(challenge_id, reviewer_id))
    return session.scalars(done).one(), session.scalars(left).one()


def own_review(session: Session, application_id: int, reviewer_id: int) -> Review | None:
    """What this reviewer made of it."""
    return session.scalars(
        sa.select(Review).where(Review.application_id == application_id, Review.reviewer_id == reviewer_id)
    ).one_or_none()


def reviews(session: Session, application_id: int) -> Sequence[Review]:
    """What everybody made of it, the first first."""
    return session.scalars(
        sa.select(Review)
        .options(joinedload(Review.reviewer).load_only(Account.name, Account.email))
        .where(Review.application_id == application_id)
        .order_by(Review.created_at, Review.id)
    ).all()
