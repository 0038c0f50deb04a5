"""Noting what the bank says became of payments."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.awards import queries
from portal.awards.actions.payments import step
from portal.awards.rules.bank import Result
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.errors import Conflict


def apply_results(session: Session, challenge: Challenge, results: Sequence[Result], *, by: int, at: datetime) -> None:
    """Note each result, all of them or none. Raises Conflict where a payment has changed meanwhile."""
    found = queries.payments_by_id(session, challenge.id, [result.payment_id for result in results], reader=by)
    # In one order everywhere, so that two files read at once do not wait for each other in a ring.
    for result in sorted(results, key=lambda result: result.payment_id):
        payment = found.get(result.payment_id)
        if payment is None or payment.state not in result.move.sources:
            raise Conflict(f"P-{result.payment_id} has changed since the file was looked at. Look at it again.")
        step(session, payment, result.move, reason=result.reason, reference=result.reference, by=by, at=at)
    audit.record(
        session, "awards:import-results", f"challenge:{challenge.id}", by=by, at=at, scope=challenge.slug,
        after={"payments": len(results)},
    )  # fmt: skip
