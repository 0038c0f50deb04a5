"""Committing to known issues, and revealing them: to whoever sent a report, or to all."""

import base64
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Invalid, Refused
from portal.core.moves import take
from portal.reports import commitments, receipts, rules, states
from portal.reports.actions.timeline import note, tell_researcher
from portal.reports.models import KnownIssue, KnownIssueReveal, Report
from portal.reports.queries import clocks, known
from portal.reports.queries import links as chains


def commit(
    session: Session, challenge: Challenge, hashes: Sequence[str], signer: receipts.Signer, *, by: int, at: datetime
) -> list[KnownIssue]:
    """Put commitments on the list, in this order; one that is there already stays where it is.

    Raises Invalid for what is no commitment.
    """
    if not hashes or not all(commitments.is_hash(each) for each in hashes):
        raise Invalid({"commitments": "Each commitment is sixty-four hexadecimal digits."})
    # One at a time within a challenge: each line seals the one before.
    session.execute(sa.select(Challenge.id).where(Challenge.id == challenge.id).with_for_update())
    there = {issue.commitment: issue for issue in known.all_of(session, challenge.id)}
    last = known.last(session, challenge.id)
    number, before = (last.number, last.head) if last else (0, commitments.NO_HEAD)
    for made in hashes:
        if made in there:
            continue
        number += 1
        line = commitments.line(challenge.slug, number, before, made, at)
        before = commitments.head(line)
        there[made] = KnownIssue(
            challenge_id=challenge.id, number=number, commitment=made, committed_at=at, committed_by_id=by,
            head=before, signature=base64.b64encode(signer.sign(line)).decode(),
        )  # fmt: skip
        session.add(there[made])
        audit.record(
            session, "reports:known-commit", f"known-issue:{number}", by=by, at=at, scope=challenge.slug,
            after={"commitment": made},
        )  # fmt: skip
    with conflicts():
        session.flush()
    return [there[made] for made in hashes]


def reveal(session: Session, issue: KnownIssue, salt: str, text: str, *, by: int, at: datetime) -> None:
    """Bring the text of a known issue here. Raises Invalid unless it is what was committed to."""
    if not commitments.is_hash(salt) or len(text.encode()) > commitments.MOST_BYTES or "\0" in text:
        raise Invalid({"text": f"A salt of sixty-four hexadecimal digits, and at most {commitments.MOST_BYTES} bytes."})
    if commitments.commitment(issue.challenge.slug, salt, text) != issue.commitment:
        raise Invalid({"text": f"This is not what {issue.reference} commits to: the SHA-256 differs."})
    if issue.text is None:
        issue.text, issue.salt, issue.revealed_at = text, salt, at
        session.flush()
        _record(session, issue, "known-reveal", by=by, at=at)


def reveal_to(session: Session, issue: KnownIssue, report: Report, *, by: int, at: datetime) -> None:
    """Let whoever sent a report read a known issue, on the page of that report. Doing it again changes nothing.

    Raises Refused where it was committed too late to prove anything.
    """
    rules.check_known(report, issue, known.listed_for(session, report))
    if session.get(KnownIssueReveal, (issue.id, report.id)):
        return
    session.add(KnownIssueReveal(issue_id=issue.id, report_id=report.id, at=at, by_id=by))
    session.flush()
    event = note(session, report, "known-reveal", by=by, at=at, message=issue.reference)
    tell_researcher(session, report, "moved", f"event:{event.id}", at=at)


def publish(session: Session, issue: KnownIssue, *, by: int, at: datetime) -> None:
    """Let everybody read it. Raises Refused before it is revealed."""
    if issue.text is None:
        raise Refused(f"{issue.reference} is not revealed: its text is on the machine that committed it.")
    if issue.public_at is None:
        issue.public_at = at
        session.flush()
        _record(session, issue, "known-publish", by=by, at=at)


def settle(session: Session, report: Report, issue: KnownIssue, *, by: int, at: datetime) -> None:
    """End a whole report as one that the team knew, and show it the proof. Raises Refused, Conflict."""
    step = states.KNOWN
    rules.check_known(report, issue, known.listed_for(session, report))
    rules.check_whole(step, chains.of_report(session, report.id))
    rules.check_eyes(report, step, by)
    calendar, pauses = clocks.calendar(session, report.challenge), clocks.pauses(session, report.id, at)
    values = rules.changes(report, step, rules.Outcome(), at, calendar, pauses, by) | {"known_issue_id": issue.id}
    take(session, report, step, at=at, **values)
    reveal_to(session, issue, report, by=by, at=at)
    event = note(session, report, step.name, by=by, at=at, message=issue.reference)
    tell_researcher(session, report, "moved", f"event:{event.id}", at=at)


def _record(session: Session, issue: KnownIssue, verb: str, *, by: int, at: datetime) -> None:
    subject, scope = f"known-issue:{issue.number}", issue.challenge.slug
    audit.record(session, f"reports:{verb}", subject, by=by, at=at, scope=scope)
