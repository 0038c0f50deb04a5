"""Writing policies. A row is never changed: another one replaces it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict
from portal.kits.models import CountryPolicy
from portal.kits.queries import policy as known
from portal.kits.rules.policy import PolicySpec


class Written(NamedTuple):
    """How many policies a table has added and replaced, and how many were so already."""

    added: int
    replaced: int
    same: int


def write_policy(
    session: Session, challenge: Challenge, spec: PolicySpec, *, by: int, at: datetime,
    instead_of: CountryPolicy | None = None,
) -> CountryPolicy:  # fmt: skip
    """Say what may be sent to a country or a part of it, in place of what stands for the same, or of `instead_of`.

    Addresses are held against it within seconds. Raises Conflict if somebody has just written about the same.
    """
    standing = instead_of or known.policy_for(session, challenge.id, spec.country, spec.region)
    if standing is not None:
        _end(session, standing, by=by, at=at)
    made = CountryPolicy(
        challenge_id=challenge.id, author_id=by, created_at=at, replaces_id=standing.id if standing else None,
        **asdict(spec),
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    audit.record(
        session, "kits:write-policy", f"policy:{made.id}", by=by, at=at, scope=challenge.slug,
        before=_told(standing) if standing else None, after=_told(made),
    )  # fmt: skip
    return made


def end_policy(session: Session, challenge: Challenge, standing: CountryPolicy, *, by: int, at: datetime) -> None:
    """Let a policy count no longer. It stays in the history. Raises Conflict if it is ended or replaced already."""
    _end(session, standing, by=by, at=at)
    audit.record(
        session, "kits:end-policy", f"policy:{standing.id}", by=by, at=at, scope=challenge.slug, before=_told(standing)
    )


def _end(session: Session, standing: CountryPolicy, *, by: int, at: datetime) -> None:
    session.flush()
    changed = session.execute(
        sa.update(CountryPolicy)
        .where(CountryPolicy.id == standing.id, CountryPolicy.ended_at.is_(None))
        .values(ended_at=at, ended_by_id=by)
        .execution_options(synchronize_session="fetch")
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Somebody has just changed this policy. Look at it again.")


def spec_of(policy: CountryPolicy) -> PolicySpec:
    """What a policy says."""
    return PolicySpec(
        policy.country, policy.region, policy.verdict, policy.valid_from, policy.note, policy.basis
    )  # fmt: skip


def _told(policy: CountryPolicy) -> dict[str, object]:
    return asdict(spec_of(policy))


def import_policies(
    session: Session, challenge: Challenge, specs: Sequence[PolicySpec], *, by: int, at: datetime
) -> Written:
    """Write each of these policies, but for those that stand already."""
    added = replaced = same = 0
    for spec in specs:
        standing = known.policy_for(session, challenge.id, spec.country, spec.region)
        if standing is not None and spec_of(standing) == spec:
            same += 1
            continue
        write_policy(session, challenge, spec, by=by, at=at)
        replaced, added = replaced + (standing is not None), added + (standing is None)
    return Written(added, replaced, same)
