"""Whether key sets, receipts and lists of known issues are still what was signed."""

import base64
import hashlib
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core.audit import AuditEntry
from portal.reports import commitments, receipts, rules, signatures
from portal.reports.commitments import EMPTY, Listed
from portal.reports.models import KeySet, KnownIssue, Receipt
from portal.reports.queries.keys import key_sets
from portal.reports.queries.known import stands
from portal.reports.queries.signed import receipt_keys


def faults(session: Session) -> tuple[int, list[str]]:
    """How many key sets and receipts there are, and a sentence for each that does not fit."""
    sets = list(reversed(key_sets(session)))
    found = [said for before, each in pairwise(sets) if (said := _of_set(before, each))]
    known = {each.key_id: each.public_pem for each in receipt_keys(session)}
    noted = _noted(session)
    kept = session.scalars(sa.select(Receipt).order_by(Receipt.report_id)).all()
    found += [said for each in kept if (said := _of_receipt(session, each, known, noted))]
    return len(sets) + len(kept), found + _of_lists(session)


def _of_set(before: KeySet, each: KeySet) -> str | None:
    if each.signed_at is None:
        return None if each.restarted else f"Key set {each.number} has no signature."
    recovery = each.recovery_fingerprint == before.recovery_fingerprint
    signer = each.recovery_certificate if recovery else before.recovery_certificate
    try:
        signatures.detached(
            rules.statement_of(each), each.signature or "", [signer], after=before.published_at, at=each.published_at
        )
    except signatures.NotSigned as problem:
        return f"Key set {each.number}: {problem.reason}"
    return None


def _noted(session: Session) -> dict[str, str]:
    """The hash of each receipt in the audit, by the subject of its report."""
    rows = session.execute(
        sa.select(AuditEntry.subject, AuditEntry.detail).where(AuditEntry.tag == "reports:receipt")
    ).all()
    return {subject: detail["after"]["sha256"] for subject, detail in rows}


def _of_receipt(session: Session, each: Receipt, known: dict[str, str], noted: dict[str, str]) -> str | None:
    try:
        said = receipts.verify(each.body.encode(), base64.b64decode(each.signature), known)
    except receipts.NotGenuine as problem:
        return f"The receipt of report {each.report_id}: {problem.reason}"
    hashed = noted.get(f"report:{each.report_id}")
    if hashed is not None and hashed != hashlib.sha256(each.body.encode()).hexdigest():
        return f"The receipt of {said['reference']} is not the one that the audit notes."
    listed = said["known_issues"]
    if listed and not stands(session, said["challenge"], listed):
        return f"The receipt of {said['reference']} names another list of known issues, up to K-{listed.number}."
    return None


def _of_lists(session: Session) -> list[str]:
    """A sentence for each line of known issues that does not follow from those before it."""
    rows = session.execute(
        sa.select(Challenge.slug, KnownIssue)
        .join(KnownIssue.challenge)
        .order_by(KnownIssue.challenge_id, KnownIssue.number)
    )
    found, ends = [], dict[str, Listed]()
    for slug, issue in rows:
        number, before = ends.get(slug, EMPTY)
        line = commitments.line(slug, issue.number, before, issue.commitment, issue.committed_at)
        if issue.number != number + 1 or commitments.head(line) != issue.head:
            found.append(f"{issue.reference} of {slug} does not follow from the line before it.")
        ends[slug] = Listed(issue.number, issue.head)
    return found
