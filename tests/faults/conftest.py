"""Stages on which faults are brought about."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.faults.stage import Backstage, Stage, backstage, staged
from tests.servers import postgresql


class Staging(Protocol):
    """Sets a stage."""

    def __call__(self, environ: Mapping[str, str] | None = None, *, workers: int = 1) -> Stage:
        """Everybody, on a served portal with these settings."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What ends with the test."""
    with ExitStack() as made:
        yield made


@pytest.fixture(scope="session")
def database_server() -> Iterator[None]:
    """PostgreSQL stays up between tests."""
    with postgresql():
        yield


@pytest.fixture(autouse=True)
def kept_up(request: pytest.FixtureRequest) -> None:
    """Only where a test asks for PostgreSQL."""
    if "database" in request.fixturenames and request.getfixturevalue("database") == "postgresql":
        request.getfixturevalue("database_server")


@pytest.fixture
def stage(database: str, tmp_path: Path, stack: ExitStack) -> Staging:
    """A served portal, on each kind of database."""

    def serve(environ: Mapping[str, str] | None = None, *, workers: int = 1) -> Stage:
        return stack.enter_context(staged(database, tmp_path, environ, workers=workers))

    return serve


@pytest.fixture
def behind(database: str, tmp_path: Path, stack: ExitStack) -> Backstage:
    """The same without serving: for processes that only work."""
    return stack.enter_context(backstage(database, tmp_path))
