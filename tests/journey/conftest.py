"""What several journeys begin with."""

import fcntl
import os
from pathlib import Path

import pytest

from tests.journey import preparing


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the demonstration, loaded once for all the processes of a run."""
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = root / "demonstration", root / "demonstration.done"
    with (root / "demonstration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            preparing.load(folder)
            done.touch()
    return folder
