"""Who of the team takes part as well: the staff side of their own reports is for others alone.

Every list, count and choice of the team goes through `not_own`. What has numbers of its own, or gathers reports of
several participants, would tell of the hidden ones by its gaps: that is for the impartial, as a whole.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.challenges.models import Challenge, Member
from portal.challenges.queries import participating
from portal.reports.models import Report


def takes_part(session: Session, report: Report, account_id: int) -> bool:
    """Whether an account belongs to the participant whose report it is."""
    rows = sa.select(Member.id).where(Member.participant_id == report.participant_id, Member.account_id == account_id)
    return session.scalars(rows.limit(1)).one_or_none() is not None


def is_own(session: Session, slug: str, ref: str, account_id: int) -> bool:
    """Whether a report is that of a participant to whom an account belongs."""
    rows = (
        sa.select(Report.id)
        .join(Challenge, Challenge.id == Report.challenge_id)
        .join(Member, Member.participant_id == Report.participant_id)
        .where(Challenge.slug == slug, Report.ref == ref, Member.account_id == account_id)
    )
    return session.scalars(rows.limit(1)).one_or_none() is not None


def is_impartial(session: Session, challenge_id: int, account_id: int) -> bool:
    """Whether an account belongs to no participant of a challenge.

    Only such a triager is told which reports were first, and what was decided for that: who has reports of their own
    would know from what is left out of it what the team holds of them.
    """
    rows = sa.select(Member.id).where(Member.challenge_id == challenge_id, Member.account_id == account_id)
    return session.scalars(rows.limit(1)).one_or_none() is None


def participations(session: Session, account_id: int) -> frozenset[int]:
    """The participants to whom an account belongs."""
    return frozenset(session.scalars(participating(account_id)))


def not_own(account_id: int) -> sa.ColumnElement[bool]:
    """Reports of participants to whom an account does not belong."""
    return Report.participant_id.not_in(participating(account_id))


def judges(session: Session, role: Role, report: Report) -> Sequence[Account]:
    """Who holds a role in the challenge of a report, without those whose own it is: whom mails about it reach."""
    theirs = set(session.scalars(sa.select(Member.account_id).where(Member.participant_id == report.participant_id)))
    return [each for each in holders(session, role, report.challenge.slug) if each.id not in theirs]


def impartial(session: Session, role: Role, challenge: Challenge) -> Sequence[Account]:
    """Who holds a role in a challenge and takes no part in it."""
    inside = set(session.scalars(sa.select(Member.account_id).where(Member.challenge_id == challenge.id)))
    return [each for each in holders(session, role, challenge.slug) if each.id not in inside]
