"""What several journeys begin with."""

from pathlib import Path

import pytest

from tests.journey import preparing
from tests.once import once


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the demonstration, loaded once for all the processes of a run."""
    return once(tmp_path_factory, "demonstration", preparing.load)
