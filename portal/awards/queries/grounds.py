"""Awards of which the ground is gone, as SQL: the same answer as `rules.lost`."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from portal.awards import rules, states
from portal.awards.models import Award, Payment
from portal.awards.queries.people import not_own
from portal.awards.states import AwardState, PaymentState
from portal.reports.models import Report, ReportLink
from portal.reports.states import GOOD_LINKS


def lost() -> sa.ColumnElement[bool]:
    """Awards whose report or link is not confirmed any more."""
    report = sa.exists().where(Report.id == Award.report_id, Report.state.not_in(rules.AWARDED))
    link = sa.exists().where(ReportLink.id == Award.link_id, ReportLink.state.not_in(GOOD_LINKS))
    return sa.and_(Award.amount > Decimal(0), sa.or_(report, link))


def shaken() -> sa.ColumnElement[bool]:
    """Such awards that stand, and that nobody has proposed to correct."""
    other = aliased(Award)
    proposed = sa.exists().where(
        other.report_id == Award.report_id, other.part == Award.part,
        other.state.in_((AwardState.PROPOSED, AwardState.RETURNED)),
    )  # fmt: skip
    return sa.and_(Award.state.in_(states.GRANTED), lost(), sa.not_(proposed))


def count_lost(session: Session, challenge_id: int) -> int:
    """How many such awards stand."""
    return session.scalars(
        sa.select(sa.func.count())
        .select_from(Award)
        .where(Award.challenge_id == challenge_id, Award.state.in_(states.GRANTED), lost())
    ).one()


def firm() -> sa.ColumnElement[bool]:
    """Payments for awards whose ground is not gone."""
    return Payment.award_id.not_in(sa.select(Award.id).where(lost()))


def held(session: Session, challenge_id: int, reader: int) -> tuple[int, Decimal]:
    """How many payments are due and not sent because the ground of their awards is gone, and how much they are.

    Without those to a participant to whom the reader belongs.
    """
    count, amount = session.execute(
        sa.select(sa.func.count(), sa.func.sum(Payment.amount)).where(
            Payment.challenge_id == challenge_id,
            Payment.state == PaymentState.DUE,
            sa.not_(firm()),
            Payment.award_id.in_(sa.select(Award.id).where(not_own(reader))),
        )
    ).one()
    return count, amount or Decimal(0)
