"""Finding questions and answers: what is published, for those who take part; everything, for those who write them."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, undefer

from portal.accounts.models import Account
from portal.challenges.models import Member, Participant
from portal.core.paging import Page, keyset
from portal.office_hours.models import Answer, Series, SeriesHost
from portal.office_hours.models.answers import INDEX
from portal.office_hours.queries.base import one
from portal.office_hours.states import AnswerState, Consent


def published(
    session: Session, challenge_id: int, text: str = "", component: str = "", after: str | None = None, limit: int = 20
) -> Page[Answer]:
    """A page of what is published and holds all words of `text`, the latest first, without the answers."""
    rows = sa.select(Answer).where(Answer.challenge_id == challenge_id, Answer.state == AnswerState.PUBLISHED)
    if component:
        rows = rows.where(Answer.component == component)
    if text:
        found = INDEX.matching(text)
        rows = rows.where(sa.false() if found is None else Answer.id.in_(found))
    return keyset(session, rows, order=[(Answer.published_at, "desc"), (Answer.key, "asc")], after=after, limit=limit)


def published_components(session: Session, challenge_id: int) -> list[tuple[str, int]]:
    """What the published answers are about, and how many of each."""
    rows = session.execute(
        sa.select(Answer.component, sa.func.count())
        .where(Answer.challenge_id == challenge_id, Answer.state == AnswerState.PUBLISHED, Answer.component != "")
        .group_by(Answer.component)
        .order_by(Answer.component)
    )
    return [(component, count) for component, count in rows]


def published_answer(session: Session, challenge_id: int, key: str) -> Answer:
    """One published answer. Raises NotFound."""
    rows = sa.select(Answer).options(undefer(Answer.answer)).where(
        Answer.key == key, Answer.challenge_id == challenge_id, Answer.state == AnswerState.PUBLISHED
    )  # fmt: skip
    return one(session, rows, "answer")


def answers(
    session: Session, challenge_id: int, state: AnswerState | None = None, after: str | None = None, limit: int = 50
) -> Page[Answer]:
    """A page of answers for those who write them, without the texts; the latest change first."""
    rows = (
        sa.select(Answer)
        .options(joinedload(Answer.edited_by), joinedload(Answer.reviewed_by))
        .where(Answer.challenge_id == challenge_id)
    )
    if state is not None:
        rows = rows.where(Answer.state == state)
    return keyset(session, rows, order=[(Answer.state_since, "desc"), (Answer.id, "desc")], after=after, limit=limit)


def counts(session: Session, challenge_id: int) -> dict[str, int]:
    """How many answers are in each state."""
    rows = session.execute(
        sa.select(Answer.state, sa.func.count()).where(Answer.challenge_id == challenge_id).group_by(Answer.state)
    )
    return {str(state): count for state, count in rows}


def answer_of(session: Session, challenge_id: int, key: str) -> Answer:
    """One answer in whichever state, for those who write them. Raises NotFound."""
    rows = (
        sa.select(Answer)
        .options(undefer(Answer.answer), joinedload(Answer.edited_by), joinedload(Answer.reviewed_by))
        .where(Answer.key == key, Answer.challenge_id == challenge_id)
    )
    return one(session, rows, "answer")


def answers_from(session: Session, booking_id: int, *, asked: bool) -> Sequence[Answer]:
    """The answers that came of a booking; `asked`: only those of which its people were asked whether they agree."""
    rows = sa.select(Answer).options(undefer(Answer.answer)).where(Answer.booking_id == booking_id).order_by(Answer.id)
    if asked:
        rows = rows.where(
            Answer.consent.in_((Consent.ASKED, Consent.GIVEN, Consent.REFUSED)),
            Answer.state.in_((AnswerState.REVIEWED, AnswerState.PUBLISHED)),
        )
    return session.scalars(rows).all()


def names_in(session: Session, challenge_id: int) -> list[str]:
    """The names of participants, their people and the hosts: none of them may stand in an answer."""
    return list(
        session.scalars(
            sa.union(
                sa.select(Participant.name).where(Participant.challenge_id == challenge_id),
                sa.select(Account.name)
                .join(Member, Member.account_id == Account.id)
                .where(Member.challenge_id == challenge_id),
                sa.select(Account.name)
                .join(SeriesHost, SeriesHost.account_id == Account.id)
                .join(Series, Series.id == SeriesHost.series_id)
                .where(Series.challenge_id == challenge_id),
            )
        )
    )


def known_components(session: Session, challenge_id: int) -> list[str]:
    """The parts of the product that hosts say they know: what an answer may be filed under."""
    lists = session.scalars(
        sa.select(SeriesHost.components)
        .join(Series, Series.id == SeriesHost.series_id)
        .where(Series.challenge_id == challenge_id)
    )
    return sorted({word.lower() for words in lists for word in words})
