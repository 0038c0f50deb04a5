"""Who may ask for another kit, when one goes back, and when it may go out again."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.core.errors import Invalid, Refused
from portal.core.moves import Move
from portal.kits import states
from portal.kits.rules.late import REMIND_EVERY, REMINDERS
from portal.kits.states import ShipmentState, UnitState, Word
from portal.kits.states.returns import Condition, ReturnState

# So long after its hand-over a parcel that has not come may be replaced.
NOTHING_CAME_AFTER = timedelta(days=14)
# So long before a return is expected the participant is reminded of it.
REMIND_BEFORE = timedelta(days=3)
LARGEST_LABEL = 512 * 1024

# What becomes of a unit once it was looked at.
OUTCOMES: dict[str, Move[UnitState]] = {
    states.RESTOCK.name: states.RESTOCK, states.FAULT.name: states.FAULT, states.RETIRE.name: states.RETIRE,
}  # fmt: skip


def why_no_replacement(
    state: ShipmentState, word: Word | None, handed_over_at: datetime | None, at: datetime
) -> str | None:
    """Why a participant cannot ask for another kit instead of this one; None where they can."""
    if state in (ShipmentState.LOST, ShipmentState.RETURNED):
        return None
    if state is ShipmentState.RECEIVED:
        return None if word is Word.DAMAGED else "Your kit is here. If it is damaged, tell us so first."
    if state not in states.ARRIVING or handed_over_at is None:
        return "This parcel is not on its way."
    if word is not Word.NOTHING:
        return "If it does not come, tell us first that nothing came."
    if at - handed_over_at < NOTHING_CAME_AFTER:
        return f"A parcel may take {NOTHING_CAME_AFTER.days} days. After that you can ask for another."
    return None


def check_replacement(state: ShipmentState, word: Word | None, handed_over_at: datetime | None, at: datetime) -> None:
    """Raises Refused where no other kit can be asked for."""
    reason = why_no_replacement(state, word, handed_over_at, at)
    if reason:
        raise Refused(reason)


def check_return(state: ShipmentState, units: int) -> None:
    """Raises Refused where there is nothing that could come back."""
    if state not in (ShipmentState.RECEIVED, ShipmentState.RETURNING):
        raise Refused("Only a kit that was received can go back.")
    if not units:
        raise Refused("There is nothing of this parcel with the participant any more.")


def check_label(label: bytes | None) -> None:
    """Raises Invalid for a file that is no PDF, or too large."""
    if label is not None and len(label) > LARGEST_LABEL:
        raise Invalid({"label": f"At most {LARGEST_LABEL // 1024} KiB."})
    if label is not None and not label.startswith(b"%PDF-"):
        raise Invalid({"label": "This is not a PDF."})


def check_restock(condition: Condition | None, wiped: bool | None) -> None:
    """Raises Refused where a unit that came back may not go out again."""
    if condition is None:
        raise Refused("It has not been inspected since it came back. Inspect it first.")
    if not wiped:
        raise Refused("Its data have not been wiped. Wipe it, and note it in another inspection.")
    if condition in (Condition.DAMAGED, Condition.INCOMPLETE):
        raise Refused(f"It is {condition}. Mark it as faulty or retire it.")


def day_of(at: datetime, zone: str) -> date:
    """The day on which an instant falls in a zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def is_late(state: ReturnState, expected_on: date | None, today: date) -> bool:
    """Whether a return should be here already."""
    return state is ReturnState.ANNOUNCED and expected_on is not None and expected_on < today


def remind_of_return(expected_on: date, today: date, told: list[date], announced: date) -> bool:
    """Whether to remind somebody of a return now; `told` are the days of earlier reminders, the latest last.

    Once before the day, and after it again and again, but not for ever.
    """
    told = [day for day in told if day >= announced]
    if today <= expected_on:
        return not told and expected_on - today <= REMIND_BEFORE and announced < today
    after = [day for day in told if day > expected_on]
    return len(after) < REMINDERS and (not told or today - told[-1] >= REMIND_EVERY or told[-1] <= expected_on)


def end_of(day: date, zone: str) -> datetime:
    """The instant at which a day is over in a zone."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
