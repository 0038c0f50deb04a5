"""Known issues: texts and salts stay in a private folder here; the portal gets hashes, and a text when it is revealed.

A commitment is the SHA-256 of `known-issue/1`, the challenge's name, the salt and the text, each of the first three
with a line feed after it. The salt is 256 random bits in hexadecimal.
"""

import csv
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from portal.triage.client import Json, Portal
from portal.triage.failures import Damaged, Failure
from portal.triage.settings import Settings

LONGEST, AT_ONCE = 20_000, 500
_HASH = re.compile(r"[0-9a-f]{64}")


class Issue(NamedTuple):
    """One known issue as this machine keeps it."""

    commitment: str
    salt: str
    text: str
    source: str


def slug_of(settings: Settings) -> str:
    """The challenge's name in the address of its staff pages."""
    return urlsplit(settings.url).path.rstrip("/").rpartition("/")[2]


def folder(settings: Settings, environment: Mapping[str, str]) -> Path:
    """Where this challenge's texts are kept. Raises Failure if others can look into it."""
    home = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    host = re.sub(r"[^A-Za-z0-9.-]", "_", urlsplit(settings.url).netloc)
    found = Path(home) / "portal-triage" / "known" / host / slug_of(settings)
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(found.stat().st_mode) & 0o077:
        raise Failure(f"{found} can be read by others. Make it yours alone: chmod 700 {found}")
    return found


def commitment(slug: str, salt: str, text: str) -> str:
    """What is posted in place of a text."""
    return hashlib.sha256(f"known-issue/1\n{slug}\n{salt}\n{text}".encode()).hexdigest()


def texts(place: str, standard_input: bytes) -> Iterator[tuple[str, str]]:
    """The texts of a file, a folder, a CSV file or standard input ("-"), each with where it is from. Raises Failure."""
    path = Path(place)
    if place == "-":
        yield "standard input", _text(standard_input, "Standard input")
    elif path.is_dir():
        for each in sorted(path.iterdir()):
            if each.is_file() and not each.name.startswith("."):
                yield each.name, _text(each.read_bytes(), str(each))
    elif path.suffix.lower() == ".csv":
        yield from _rows(path)
    else:
        yield path.name, _text(path.read_bytes(), place)


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        if "text" not in (table.fieldnames or ()):
            raise Failure(f"{path} has no column “text”.")
        for row in table:
            yield f"{path.name}, line {table.line_num}", _text((row["text"] or "").encode(), f"Line {table.line_num}")


def _text(data: bytes, name: str) -> str:
    if not data.strip() or len(data) > LONGEST or b"\0" in data:
        raise Failure(f"{name}: a text of at most {LONGEST} bytes is wanted.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Failure(f"{name} is not UTF-8.") from None


def commit(
    portal: Portal, settings: Settings, environment: Mapping[str, str], given: list[tuple[str, str]]
) -> list[Json]:
    """Keep the texts here, then post their commitments. Texts that were committed before are left out.

    What is kept but was never posted, because the connection broke off, is posted with them.
    """
    where, slug = folder(settings, environment), slug_of(settings)
    kept = list(read(where))
    there = {each["commitment"] for each in portal.known()["issues"]}
    for source, text in given:
        if text not in {issue.text for issue in kept}:
            salt = secrets.token_hex(32)
            issue = Issue(commitment(slug, salt, text), salt, text, source)
            _keep(where, issue)
            kept.append(issue)
    waiting = [issue.commitment for issue in kept if issue.commitment not in there]
    found: list[Json] = []
    for start in range(0, len(waiting), AT_ONCE):
        found += portal.commit_known(waiting[start : start + AT_ONCE])["issues"]
    return found


def _keep(where: Path, issue: Issue) -> None:
    """Whole and on the disk before anybody hears of it."""
    partial = where / f".{issue.commitment}.{os.getpid()}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(issue._asdict(), file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(where / f"{issue.commitment}.json")
    finally:
        partial.unlink(missing_ok=True)


def read(where: Path) -> Iterator[Issue]:
    """The issues that are kept here. Raises Damaged for a file that is not what it was."""
    for path in sorted(where.glob("[0-9a-f]*.json")):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            issue = Issue(*(str(value[name]) for name in Issue._fields))
        except (ValueError, KeyError, TypeError):
            raise Damaged(f"{path} is damaged. Bring it back from your copy.") from None
        if not _HASH.fullmatch(issue.salt) or commitment(where.name, issue.salt, issue.text) != issue.commitment:
            raise Damaged(f"{path} is not what was committed to. Bring it back from your copy.")
        yield issue


def own(portal: Portal, settings: Settings, environment: Mapping[str, str], number: int) -> Issue:
    """The text of a number on the list, if it is here. Raises Failure."""
    listed = next((each for each in portal.known()["issues"] if each["number"] == number), None)
    if listed is None:
        raise Failure(f"There is no K-{number} on the list.")
    for issue in read(folder(settings, environment)):
        if issue.commitment == listed["commitment"]:
            return issue
    raise Failure(f"The text of K-{number} is not on this machine: whoever committed it has it.")
