"""One function through which every state changes."""

from datetime import datetime
from enum import StrEnum

import pytest
from flask import Flask
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from portal.core.db import Model, db
from portal.core.errors import Conflict, NotFound, Refused
from portal.core.moves import Move, Moving, move_named, open_moves, take
from tests.cast import NOON


class Lamp(StrEnum):
    OFF = "off"
    ON = "on"
    BROKEN = "broken_glass"


SWITCH_ON = Move("switch-on", "Switch on", frozenset({Lamp.OFF}), Lamp.ON, by=frozenset({"host"}))
SWITCH_OFF = Move("switch-off", "Switch off", frozenset({Lamp.ON}), Lamp.OFF)
MOVES = (SWITCH_ON, SWITCH_OFF)


class Base(DeclarativeBase):
    """A base of its own, so that the portal's own tables stay what they are."""

    type_annotation_map = Model.type_annotation_map


class LampRow(Moving[Lamp], Base):
    __tablename__ = "test_lamp"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[Lamp] = mapped_column(default=Lamp.OFF)
    state_since: Mapped[datetime]
    watts: Mapped[int] = mapped_column(default=0)


@pytest.fixture
def lamp(app: Flask, session: Session) -> LampRow:
    Base.metadata.drop_all(db.engine)
    Base.metadata.create_all(db.engine)
    row = LampRow(state_since=NOON)
    session.add(row)
    session.commit()
    return row


def test_a_move_changes_state_time_and_values(session: Session, lamp: LampRow) -> None:
    take(session, lamp, SWITCH_ON, at=NOON, watts=60)

    assert (lamp.state, lamp.state_since, lamp.watts) == (Lamp.ON, NOON, 60)


def test_a_move_that_does_not_leave_the_state_is_refused(session: Session, lamp: LampRow) -> None:
    with pytest.raises(Refused, match="“Switch off” is not possible: it is off"):
        take(session, lamp, SWITCH_OFF, at=NOON)


def test_the_second_of_two_loses(app: Flask, session: Session, lamp: LampRow) -> None:
    number = lamp.id
    session.commit()
    with Session(db.engine) as first, Session(db.engine) as second:
        seen_first = first.get_one(LampRow, number)
        first.commit()  # on SQLite only one transaction that may write is open at a time
        seen_second = second.get_one(LampRow, number)
        second.expunge(seen_second)
        second.commit()
        take(first, seen_first, SWITCH_ON, at=NOON)
        first.commit()

        with pytest.raises(Conflict, match="Somebody has just moved it"):
            take(second, seen_second, SWITCH_ON, at=NOON)


def test_buttons_are_read_from_the_table() -> None:
    assert open_moves(MOVES, Lamp.OFF) == [SWITCH_ON]
    assert open_moves(MOVES, Lamp.OFF, {"finance"}) == []
    assert open_moves(MOVES, Lamp.OFF, {"host"}) == [SWITCH_ON]
    assert open_moves(MOVES, Lamp.ON, {"host"}) == []
    assert open_moves(MOVES, Lamp.BROKEN) == []
    assert move_named(MOVES, "switch-off") is SWITCH_OFF
    with pytest.raises(NotFound):
        move_named(MOVES, "explode")
