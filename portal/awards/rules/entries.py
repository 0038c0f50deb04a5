"""What an entry does to what stands, and which parts a report may have."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from portal.awards.states import Entry
from portal.core.errors import Refused
from portal.reports.states import GOOD_LINKS, LinkState


def kind_of(
    amount: Decimal, before: Decimal | None, shares: Mapping[int, int], shares_before: Mapping[int, int]
) -> Entry:
    """What an entry is, seen from what stands (`before`, None where nothing does). Raises Refused where it is none."""
    if before is None:
        return Entry.AWARD
    if amount == 0:
        if before == 0:
            raise Refused("It is void already.")
        return Entry.VOID
    if amount != before:
        return Entry.RAISE if amount > before else Entry.LOWER
    if dict(shares) == dict(shares_before):
        raise Refused("This changes nothing: the amount and the shares are those that stand.")
    return Entry.SPLIT


def check_part(part: str, others: Collection[str], *, fixed: bool) -> None:
    """Raises Refused where a report cannot be awarded in this part beside `others`, its parts that have an award.

    "" is the whole report: either that or parts.
    """
    if fixed and part:
        raise Refused("The scenario has a fixed amount for the whole report: it is not awarded in parts.")
    if part and "" in others:
        raise Refused("The whole report has an award. Have that one voided before you award parts of it.")
    if not part and any(others):
        told = ", ".join(sorted(other for other in others if other))
        raise Refused(f"Parts of this report have awards ({told}). Name the part, or have those voided first.")


def check_link(part: str, states: Mapping[str, LinkState], stands: Collection[str]) -> None:
    """Raises Refused where a part is none of the report's links, or a link that is not awarded.

    `states` are those of the links by their names, empty for a report without a chain; `stands` are the parts that
    have an entry already: those that are no links are older than chains, and can only be corrected.
    """
    state = states.get(part)
    if state is None:
        if part and part not in stands:
            told = f": {', '.join(states)}." if states else ". It has none yet: draw up its chain first."
            raise Refused(f"The parts of this report are its links{told}")
        return
    if state not in GOOD_LINKS:
        raise Refused(f"Only a confirmed link is awarded. {part.capitalize()} is {state.replace('_', ' ')}.")
