"""Holding addresses against policies and lists. What is found never holds a word of the address."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Participant
from portal.core.errors import Refused
from portal.kits import queries
from portal.kits.actions.holds import follow_findings
from portal.kits.models import AddressFinding, DeliveryAddress, ScreeningEntry, ScreeningList
from portal.kits.postal import Address
from portal.kits.queries import policy as known
from portal.kits.queries.holds import lock_address
from portal.kits.rules.policy import judge
from portal.kits.rules.screening import Likeness, hits
from portal.kits.states.holds import HoldKind, Verdict
from portal.kits.vault import Vault

WORDS = {
    "recipient": "the recipient", "latin_recipient": "the recipient in Latin letters", "company": "the company",
    "latin_company": "the company in Latin letters",
}  # fmt: skip


def subject(participant_id: int) -> str:
    """For whom an address is sealed."""
    return f"participant:{participant_id}"


def judge_address(session: Session, kept: DeliveryAddress, address: Address, *, by: int | None, at: datetime) -> None:
    """Hold an address, in clear, against all that counts at this moment, and let its parcels follow."""
    challenge_id = session.scalars(
        sa.select(Participant.challenge_id).where(Participant.id == kept.participant_id)
    ).one()
    mark = known.mark(session, challenge_id, at.date())
    session.execute(
        sa.delete(AddressFinding)
        .where(AddressFinding.participant_id == kept.participant_id)
        .execution_options(synchronize_session="fetch")
    )
    findings = _by_policy(session, challenge_id, kept, address, at)
    for found in known.live_lists(session, challenge_id):
        findings += _by_list(session, found, kept, address, at)
    # Two lists may say the same of the same people, word for word.
    session.add_all({finding.ref: finding for finding in reversed(findings)}.values())
    kept.judged_by = mark
    session.flush()
    follow_findings(session, kept.participant_id, by=by, at=at)


def _by_policy(
    session: Session, challenge_id: int, kept: DeliveryAddress, address: Address, at: datetime
) -> list[AddressFinding]:
    says = judge(known.in_force(session, challenge_id, at.date()), address)
    if says is None or says.verdict is Verdict.ALLOW:
        return []
    blocked = says.verdict is Verdict.BLOCKED
    kind = HoldKind.POLICY_BLOCKED if blocked else HoldKind.POLICY_REVIEW
    reason = f"Policy: {says.why}: {'nothing may be sent there' if blocked else 'to be reviewed'}"[:300]
    return [_finding(kept, kind, str(says.policy), reason, at)]


def _by_list(
    session: Session, found: ScreeningList, kept: DeliveryAddress, address: Address, at: datetime
) -> list[AddressFinding]:
    likest = hits(address, known.index_of(session, found), found.threshold)
    entries = known.entries(session, found.id, [hit.digest for hit in likest])
    return [
        _finding(
            kept, HoldKind.SCREENING, hit.digest,
            f"{WORDS[hit.field].capitalize()} is like an entry of “{found.name}” (score {hit.score})",
            at, hit, _evidence(found, entries[hit.digest]),
        )
        for hit in likest
    ]  # fmt: skip


def _finding(
    kept: DeliveryAddress, kind: HoldKind, ref: str, reason: str, at: datetime, hit: Likeness | None = None,
    evidence: dict[str, Any] | None = None,
) -> AddressFinding:  # fmt: skip
    return AddressFinding(
        participant_id=kept.participant_id, kind=kind, ref=ref, reason=reason, found_at=at, evidence=evidence or {},
        field=hit.field if hit else "", score=hit.score if hit else None,
    )  # fmt: skip


def _evidence(found: ScreeningList, entry: ScreeningEntry) -> dict[str, Any]:
    return {"list": found.name, "as_of": found.as_of.isoformat(), "name": entry.name, **entry.words}


def judge_again(session: Session, participant_id: int, vault: Vault, *, at: datetime) -> bool:
    """Open a sealed address inside this process and hold it against what counts now. False if it is gone by now.

    Raises Refused where its key is none of ours.
    """
    kept = lock_address(session, participant_id)
    if kept is None or kept.sealed is None:
        return False
    address = Address.of(vault.open(kept.sealed, subject(participant_id)))
    judge_address(session, kept, address, by=None, at=at)
    return True


def check_judged(session: Session, participant_id: int, challenge_id: int, *, at: datetime) -> None:
    """Raises Refused where policies or lists have changed since the address was last held against them."""
    kept = queries.address_of(session, participant_id)
    if kept and kept.purged_at is None and kept.judged_by != known.mark(session, challenge_id, at.date()):
        raise Refused(
            "Policies or screening lists have changed, and this address has not been held against them yet. "
            "The worker does that within seconds; try again then."
        )
