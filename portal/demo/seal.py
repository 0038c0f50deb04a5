"""Seals the demonstration's reports: `python -m portal.demo.seal` writes portal/demo/sealed/ anew from reports.toml.

The portal itself never does this: it only stores what is written here. Needs gpg 2.2 or newer.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCE, KEYS, SEALED = HERE / "reports.toml", HERE / "keys", HERE / "sealed"
RECIPIENTS = ("demo-triager1", "demo-triager2", "demo-triager3", "demo-recovery")
FORMAT, KEY_SET = "sealed-report/1", 1
IN_CLEAR = ("title", "scenario", "build")


def main() -> None:
    """Write all sealed bodies and their index."""
    shutil.rmtree(SEALED, ignore_errors=True)
    SEALED.mkdir()
    index = []
    with keyring() as home:
        for number, report in enumerate(tomllib.loads(SOURCE.read_text(encoding="utf-8"))["report"], start=1):
            sealed = seal(home, manifest(report))
            name = f"{number:02}.pgp"
            (SEALED / name).write_bytes(sealed)
            clear = {key: report[key] for key in IN_CLEAR}
            index.append({"file": name, "sha256": hashlib.sha256(sealed).hexdigest(), "size": len(sealed)} | clear)
    (SEALED / "index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(index)} reports sealed to {len(RECIPIENTS)} keys in {SEALED}\n")


def manifest(report: dict[str, Any]) -> bytes:
    """The body of a report as the browser's worker writes it."""
    value = {
        "format": FORMAT,
        "title": report["title"],
        "text": report["text"].strip(),
        "build": report["build"],
        "cvss": None,
        "key_set": KEY_SET,
        "attachments": [],
    }
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


@contextmanager
def keyring() -> Iterator[Path]:
    """A private gpg home with the demonstration's certificates."""
    # A short path: gpg's agent cannot listen under a long one.
    with tempfile.TemporaryDirectory(prefix="demo") as home:
        gpg(Path(home), "--import", *(str(KEYS / f"{name}.asc") for name in RECIPIENTS))
        try:
            yield Path(home)
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)  # noqa: S603, S607


def seal(home: Path, plain: bytes) -> bytes:
    """`plain` sealed to the demonstration's key set."""
    to = [word for name in RECIPIENTS for word in ("--recipient-file", str(KEYS / f"{name}.asc"))]
    return gpg(home, "-z", "0", "--trust-model", "always", *to, "--output", "-", "--encrypt", data=plain)


def gpg(home: Path, *arguments: str, data: bytes = b"") -> bytes:
    """What gpg writes; raises where it fails."""
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty", *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603


if __name__ == "__main__":
    main()
