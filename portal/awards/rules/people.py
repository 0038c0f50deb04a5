"""Who may decide on an award."""

from collections.abc import Iterable

from portal.awards import states
from portal.awards.states import AwardState
from portal.core.errors import Refused
from portal.core.moves import Move

CONFLICT = "You have a conflict of interest here: {why}. Somebody else decides on this participant's awards."


def offered(moves: Iterable[Move[AwardState]], proposed_by: int, by: int, conflict: str = "") -> list[Move[AwardState]]:
    """Those of `moves` that this person may take: the proposer only withdraws, the others decide."""
    barred = states.JUDGED if proposed_by == by or conflict else ()
    return [move for move in moves if move not in barred and (move is not states.WITHDRAW or proposed_by == by)]


def check_conflict(conflict: str) -> None:
    """Raises Refused where `conflict` says why a person must not have a say."""
    if conflict:
        raise Refused(CONFLICT.format(why=conflict))


def check_payer(*, own: bool) -> None:
    """Raises Refused where the money is for the participant to whom the person belongs."""
    if own:
        raise Refused("You take part as one of them. Somebody else handles what they are paid.")


def check_person(move: Move[AwardState], proposed_by: int, by: int, conflict: str = "") -> None:
    """Raises Refused where the step is for somebody else than the proposer, or for nobody else."""
    if not move.by:
        raise Refused(f"“{move.label}” happens when a correction is approved, or what came back is proposed again.")
    if move in states.JUDGED:
        if by == proposed_by:
            raise Refused("You proposed this award. Somebody else decides on it: another triager, or the lead.")
        check_conflict(conflict)
    if move is states.WITHDRAW and by != proposed_by:
        raise Refused("Only the person who proposed an award withdraws the proposal.")
