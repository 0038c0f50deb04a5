"""Bringing a report to this machine: sealed (fetch) or opened, in a folder that appears whole or not at all."""

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from portal.triage import manifest, private, rewrapped
from portal.triage.client import BLOCK, Json, Portal
from portal.triage.failures import Damaged, Failure, TooLarge, Unanswered
from portal.triage.manifest import Manifest
from portal.triage.text import file_name, plain

REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LARGEST_MANIFEST = 16 * 2**20
TAR_MAGIC = slice(257, 262)


class Sealed(NamedTuple):
    """One downloaded file, still sealed. `n` is 0 for the body, `upload` its name at the portal."""

    n: int
    path: Path
    sha256: str
    upload: str = ""


class Opened(NamedTuple):
    """Where the opened report lies, its manifest if it had one, and what the portal told of it."""

    folder: Path
    manifest: Manifest | None
    files: int
    report: Json


def fetch(portal: Portal, ref: str, to: Path) -> Path:
    """Download the sealed files of a report into a folder of their own."""
    target = _target(to, f"{checked(ref)}-sealed")
    with private.folder(to) as work:
        folder = _folder(work, "sealed")
        _download(portal, portal.report(ref), folder)
        folder.rename(target)
    return target


def open_report(portal: Portal, ref: str, to: Path, limit: int) -> Opened:
    """Download, decrypt and check a report; on any failure nothing that was decrypted is left.

    All happens in a private folder (0700) beside the target, which gets its name when everything has been checked. A
    disk keeps what was once written to it until it is overwritten: work on an encrypted one.
    """
    target = _target(to, checked(ref))
    with private.folder(to) as work:
        report = portal.report(ref)
        files = _download(portal, report, _folder(work, "sealed"))
        plain_folder = _folder(work, "plain")
        bodies = [file for file in files if file.n == 0]
        if len(bodies) != 1:
            raise Damaged("The portal gives no body for this report.")
        body = plain_folder / "body"
        left = limit - rewrapped.decrypt(portal, bodies[0].upload, bodies[0].path, body, limit)
        found = manifest.read(body.read_bytes()) if body.stat().st_size <= LARGEST_MANIFEST else None
        attachments = [file for file in files if file.n != 0]
        names = _named(found, attachments)
        _write_body(body, found)
        _decrypt_all(portal, attachments, names, found, plain_folder / "attachments", left)
        plain_folder.rename(target)
    return Opened(target, found, len(attachments), report)


def checked(ref: str) -> str:
    """A report's reference. Raises Failure for anything else."""
    if not REF.fullmatch(ref):
        raise Failure(f"{plain(ref)} is not a report's reference.")
    return ref


def _target(to: Path, name: str) -> Path:
    """The folder to be. Raises Failure if there is something already."""
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = to / name
    if target.exists() or target.is_symlink():
        raise Failure(f"{target} exists already. Remove it, or choose another place with --to.")
    return target


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir(mode=0o700)
    return folder


def _download(portal: Portal, report: Json, folder: Path) -> list[Sealed]:
    files = []
    try:
        for file in report["files"]:
            n = int(file["n"])
            path = folder / ("body.pgp" if n == 0 else f"attachment-{n}.pgp")
            portal.download(file, path)
            files.append(Sealed(n, path, _sha256(path), str(file.get("upload", ""))))
    except (KeyError, TypeError, ValueError):
        raise Unanswered("The portal's list of files is malformed.") from None
    except FileExistsError:
        raise Unanswered("The portal's list names a file twice.") from None
    return sorted(files)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(found: Manifest | None, attachments: list[Sealed]) -> list[str]:
    """The names of the attachments, in their order.

    Raises Damaged unless they are exactly those whose ciphertext the researcher's manifest names.
    """
    if found is None:
        return [f"attachment-{file.n}" for file in attachments]
    promised = Counter(each.sha256 for each in found.attachments)
    present = Counter(file.sha256 for file in attachments)
    for each in found.attachments:
        if present[each.sha256] < promised[each.sha256]:
            raise Damaged(f"The attachment “{plain(each.name)}” is missing or is not the one that was sealed.")
    if present != promised:
        raise Damaged("The portal gives an attachment that the report does not name.")
    waiting = list(found.attachments)
    names = []
    for file in attachments:
        entry = next(each for each in waiting if each.sha256 == file.sha256)
        waiting.remove(entry)
        names.append(entry.name)
    return names


def _decrypt_all(
    portal: Portal, files: list[Sealed], names: list[str], found: Manifest | None, folder: Path, left: int
) -> None:
    """Decrypt the attachments within what is left of the limit, under harmless names."""
    if not files:
        return
    folder.mkdir(mode=0o700)
    taken: set[str] = set()
    sizes = Counter((each.sha256, each.size) for each in found.attachments) if found else None
    for file, name in zip(files, names, strict=True):
        path = folder / file_name(name, taken, f"attachment-{file.n}")
        if left <= 0:
            raise TooLarge(
                "The attachments unpack to more than was allowed. Nothing was kept; --max-bytes allows more."
            )
        count = rewrapped.decrypt(portal, file.upload, file.path, path, left)
        left -= count
        if sizes is not None and not sizes[file.sha256, count]:
            raise Damaged(f"The attachment “{plain(name)}” has not the size that the report names.")


def _write_body(body: Path, found: Manifest | None) -> None:
    """Give the body its name: the report as text with its manifest beside it, or what was sealed by hand as it is."""
    if found is None:
        body.rename(body.with_name(f"body{_ending(body)}"))
        return
    lines = [f"# {found.title}", "", f"Build: {found.build}", f"CVSS: {found.cvss or 'not given'}"]
    lines += [f"Key set: {found.key_set}", "", found.text, ""]
    body.with_name("report.md").write_text("\n".join(lines), encoding="utf-8")
    body.rename(body.with_name("manifest.json"))


def _ending(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(BLOCK)
    if start[TAR_MAGIC] == b"ustar":
        return ".tar"
    try:
        start.decode()
    except UnicodeDecodeError:
        return ".bin"
    return ".txt"
