"""Seals the demonstration's reports: `python -m portal.demo.seal` writes portal/demo/sealed/ anew from reports.toml.

The portal itself never does this: it only stores what is written here. Needs gpg 2.2 or newer.
"""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCE, KEYS, SEALED = HERE / "reports.toml", HERE / "keys", HERE / "sealed"
RECIPIENTS = ("demo-triager1", "demo-triager2", "demo-triager3", "demo-recovery")
HOSTS = ("host1", "host2", "host3")
QUESTIONS = (
    "# Partitions\n\nWhich partitions are verified at boot, and which only when an application is started from them?\n",
    "# The log\n\nMy device prints `auth: 3` twice before it starts over. Is the second line the one that counts?\n",
)
# What is said in sealed messages: by the team to a researcher, and by a researcher to the team.
MESSAGES = {
    "message-team": (
        "Thank you for the report. The steps lead to a crash here as well, but not on every run.\n\n"
        "Which build of the sample application did you use, and was the network cable in? A log would help.\n"
    ),
    "message-researcher": (
        "One thing that I left out: it works only after the device has been updated once over the air. On a device in "
        "its delivered state it does not.\n"
    ),
}
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
        seal_questions(home)
        seal_messages(home)
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


def seal_questions(home: Path) -> None:
    """Two questions for each host, as the page of a question seals them: one archive, one message."""
    for host in HOSTS:
        for number, text in enumerate(QUESTIONS, start=1):
            (SEALED / f"question-{host}-{number}.pgp").write_bytes(seal(home, archive(text), [f"demo-{host}"]))


def seal_messages(home: Path) -> None:
    """The messages, to the key set and the demonstration's researcher; by hand, so that they fit whatever reference."""
    for name, text in MESSAGES.items():
        (SEALED / f"{name}.pgp").write_bytes(seal(home, text.encode(), (*RECIPIENTS, "demo-researcher")))


def archive(text: str) -> bytes:
    """A question alone in its archive."""
    plain, out = text.encode(), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as made:
        entry = tarfile.TarInfo("question.md")
        entry.size = len(plain)
        made.addfile(entry, io.BytesIO(plain))
    return out.getvalue()


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


def seal(home: Path, plain: bytes, names: Sequence[str] = RECIPIENTS) -> bytes:
    """`plain` sealed to the demonstration's key set, or to others of its keys."""
    to = [word for name in names for word in ("--recipient-file", str(KEYS / f"{name}.asc"))]
    return gpg(home, "-z", "0", "--trust-model", "always", *to, "--output", "-", "--encrypt", data=plain)


def gpg(home: Path, *arguments: str, data: bytes = b"") -> bytes:
    """What gpg writes; raises where it fails."""
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty", *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603


if __name__ == "__main__":
    main()
