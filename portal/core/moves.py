"""State machines as data: what may become what, by whom, and under which name."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Mapped, Session

from portal.core.errors import Conflict, NotFound, Refused

State = TypeVar("State", bound=StrEnum)

MOVED = "Somebody has just moved it. Look at it again."


class Moving(Generic[State]):
    """A row with a state and the time since which it has been in it."""

    id: Mapped[int]
    state: Mapped[State]
    state_since: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Move(Generic[State]):
    """One arrow of a state machine.

    `name` is the verb in addresses and audit, `label` the words on its button, `by` the roles whose button it is
    (nobody's where empty: the portal or the owner takes it), `needs` the values that a form must bring.
    """

    name: str
    label: str
    sources: frozenset[State]
    target: State
    by: frozenset[str] = field(default=frozenset())
    needs: tuple[str, ...] = ()


def open_moves(moves: Iterable[Move[State]], state: State, roles: Collection[str] | None = None) -> list[Move[State]]:
    """The moves that leave `state`, in the order of the table; with `roles`, only those that they may take."""
    return [move for move in moves if state in move.sources and (roles is None or move.by.intersection(roles))]


def move_named(moves: Iterable[Move[State]], name: str) -> Move[State]:
    """The move that an address names. Raises NotFound."""
    for move in moves:
        if move.name == name:
            return move
    raise NotFound("step")


def hold(session: Session, row: Moving[State]) -> None:
    """Let nobody else move the row until this transaction ends, for what rests on its state without changing it.

    Raises Conflict if the row has moved since it was read.
    """
    read, kind = row.state, type(row)
    # Rows that point to it may still come: their foreign keys ask for no more than that it stays there.
    now = select(kind.state).where(kind.id == row.id).with_for_update(key_share=True)
    if session.scalars(now).one() is not read:
        raise Conflict(MOVED)


def take(
    session: Session, row: Moving[State], move: Move[State], *still: ColumnElement[bool], at: datetime,
    **values: object,
) -> None:  # fmt: skip
    """Take one step, once, whoever else tries at the same moment; `values` are the columns that change with it.

    `still` is what must hold besides. The row is read again when it is next looked at.
    Raises Refused if the step does not leave the state that was read, Conflict if the row has moved since.
    """
    if row.state not in move.sources:
        raise Refused(f"“{move.label}” is not possible: it is {str(row.state).replace('_', ' ')}.")
    session.flush()
    kind: type[Any] = type(row)
    changed = session.execute(
        update(kind)
        .where(kind.id == row.id, kind.state == row.state, *still)
        .values(state=move.target, state_since=at, **values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        raise Conflict(MOVED)
    session.expire(row)
