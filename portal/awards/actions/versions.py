"""Publishing versions of the rules."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.awards import queries
from portal.awards.models import BountyBase, BountyFixed, BountyRules, BountyUplift
from portal.awards.rules import Table
from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid


def publish_rules(
    session: Session, challenge: Challenge, table: Table, *, by: int, at: datetime,
    in_force_from: datetime | None = None, note: str = "",
) -> BountyRules:  # fmt: skip
    """Publish a new version of the rules, which holds at once or from a later time on.

    What was proposed under an older one stays as it was, and what has arrived already is awarded under the version
    that held then. Raises Invalid for a time that is over: nobody could have known of the rules.
    """
    if in_force_from is not None and in_force_from < at:
        raise Invalid({"in_force_from": "This is over. Rules hold from their publication at the earliest."})
    versions = queries.all_rules(session, challenge.id)
    made = BountyRules(
        challenge_id=challenge.id, version=versions[0].version + 1 if versions else 1, currency=challenge.currency,
        cap=table.cap, published_at=at, published_by_id=by, in_force_from=in_force_from, note=note,
        bases=[BountyBase(severity=key[0], quality=key[1], amount=amount) for key, amount in table.base.items()],
        uplifts=[BountyUplift(kind=key[0], severity=key[1], percent=part) for key, part in table.uplift.items()],
        fixed=[BountyFixed(scenario_id=key, amount=amount) for key, amount in table.fixed.items()],
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    audit.record(
        session, "awards:publish-rules", f"bounty-rules:{made.id}", by=by, at=at, scope=challenge.slug,
        after={"version": made.version, "cap": made.cap, "from": made.holds_from}, reason=note or None,
    )  # fmt: skip
    return made
