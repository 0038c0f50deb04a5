"""What tests find made already: each database keeps it once it was made, and has it back before a test that asks."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from inspect import signature
from typing import Any

import pytest
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.util import identity_key

from portal.core.db import Model

EMPTY = "empty"
MAKERS: dict[str, Callable[..., Any]] = {}


def kept(make: Callable[..., Any]) -> Any:
    """A fixture that is made once for each database, of the session and of other such fixtures alone.

    What it gives is made of rows, lists, dataclasses and plain values; nothing of a row has been read yet. Where a test
    asks for two and neither builds on the other, one of them is made anew. No other fixture or parameter has its name.
    """
    name = make.__name__
    MAKERS[name] = make

    @pytest.fixture(name=name)
    def found(request: pytest.FixtureRequest, session: Session, database: str) -> Any:
        databases = request.getfixturevalue("databases")
        if name in databases.there[database]:
            return referred(databases.made[database][name], session)
        return make(**{each: request.getfixturevalue(each) for each in signature(make).parameters})

    return found


def needs(name: str) -> list[str]:
    """On which of the others one builds at once."""
    return [each for each in signature(MAKERS[name]).parameters if each in MAKERS] if name in MAKERS else []


@cache
def within(name: str) -> set[str]:
    """All that is there where one is."""
    return {name}.union(*map(within, needs(name)))


def deepest(names: Collection[str]) -> str:
    """The one of some fixtures that builds on most."""
    return max((name for name in names if name in MAKERS), key=lambda name: len(within(name)), default=EMPTY)


@dataclass(frozen=True)
class Reference:
    """Where a row is, for every session."""

    model: type[Model]
    number: int


def referring(made: Any) -> Any:
    """The same with references for rows."""
    return _through(made, lambda each: Reference(type(each), each.id) if isinstance(each, Model) else each)


def referred(made: Any, session: Session) -> Any:
    """The same with rows for references."""
    return _through(made, lambda each: _row(each, session) if isinstance(each, Reference) else each)


def _row(reference: Reference, session: Session) -> Model:
    known = session.identity_map.get(identity_key(reference.model, reference.number))
    if known is None:
        known = reference.model(id=reference.number)
        make_transient_to_detached(known)
        session.add(known)
    return known


def _through(made: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(made, list):
        return [_through(each, change) for each in made]
    if is_dataclass(made) and not isinstance(made, Reference | type):
        return replace(made, **{each.name: _through(getattr(made, each.name), change) for each in fields(made)})
    return change(made)
