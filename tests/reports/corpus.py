"""What gpg, openpgp.js and Sequoia really write, sealed to certificates that gpg made.

The name of each file begins with what should come of it: `taken`, or the code of the refusal.
"""

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pysequoia

from portal.reports.certificates import dearmor
from portal.reports.walker import Recipients
from tests.reports.openpgp import Gpg, gpg_home

NAMES = ("ada@example.org", "ben@example.org", "cid@example.org")
CIPHERS = ("AES", "AES192", "AES256", "TWOFISH", "CAMELLIA128", "CAMELLIA256", "CAST5", "BLOWFISH", "3DES")
PLAIN = random.Random(4880).randbytes(100_000)
WITHOUT_PROMPT = ("--pinentry-mode", "loopback", "--passphrase", "")
WITH_PASSWORD = ("--pinentry-mode", "loopback", "--passphrase", "a password")
# Two members of the key set: Ada by any of her subkeys, and Ben.
MEMBERS = NAMES[:2]
NODE = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))


@dataclass(frozen=True)
class Corpus:
    """Files by name, the key set that they are sealed to, and the gpg that opens them."""

    files: dict[str, bytes]
    wanted: Recipients
    certificates: dict[str, bytes]
    gpg: Gpg


@contextmanager
def corpus() -> Iterator[Corpus]:
    """Make everything anew: two seconds. Without Node there is nothing of openpgp.js in it."""
    with gpg_home() as gpg, tempfile.TemporaryDirectory(prefix="corpus-") as name:
        gpg.make(NAMES[0])
        gpg.make(NAMES[1], algorithm="rsa2048")
        gpg.make(NAMES[2])
        wanted = Recipients(1, tuple((each, frozenset(gpg.encryption_key_ids(each))) for each in MEMBERS))
        files = {**dict(_gpg(gpg, Path(name))), **dict(_sequoia(gpg)), **dict(_openpgp_js(gpg, Path(name)))}
        certificates = {each: dearmor(gpg.certificate(each)) for each in NAMES}
        yield Corpus(files, wanted, certificates, gpg)


def _gpg(gpg: Gpg, folder: Path) -> Iterator[tuple[str, bytes]]:
    short, names = PLAIN[:200], list(MEMBERS)
    for cipher in CIPHERS:
        yield f"taken-gpg-{cipher}", gpg.seal(short, names, "--cipher-algo", cipher)
    for size in (0, 1, 489, 490, 8_192, 100_000):
        yield f"taken-gpg-{size}", gpg.seal(PLAIN[:size], names)
    yield "taken-gpg-compressed", gpg.seal(bytes(50_000), names, "-z", "6")
    yield "taken-gpg-three-recipients", gpg.seal(short, list(NAMES))
    yield "taken-gpg-signed-too", gpg.seal(short, names, "-s", "-u", NAMES[0])
    yield "taken-gpg-rfc4880", gpg.seal(short, names, "--rfc4880")
    (folder / "plain").write_bytes(PLAIN)
    to = [word for each in names for word in ("-r", each)]
    options = ("-z", "0", "--trust-model", "always", *to, "-o", "-", "-e")
    yield "taken-gpg-of-a-file", gpg.run(*options, str(folder / "plain"))
    yield "armored-gpg", gpg.seal(short, names, "--armor")
    yield "hidden-recipient-gpg", gpg.seal(short, names, "--throw-keyids")
    yield "missing-recipient-gpg", gpg.seal(short, names[:1])
    yield "symmetric-gpg-too", gpg.seal(short, names, "-c", *WITH_PASSWORD)
    yield "symmetric-gpg", gpg.run("-c", *WITH_PASSWORD, "-o", "-", data=short)
    yield "without-integrity-gpg", gpg.seal(short, names, "--rfc2440", "--cipher-algo", "3DES")
    yield "not-encrypted-gpg", gpg.run("--store", "-o", "-", data=short)
    yield "signed-only-gpg", gpg.run("-z", "0", "-s", "-u", NAMES[0], "-o", "-", data=short)
    yield "signed-only-gpg-detached", gpg.run("-b", "-u", NAMES[0], "-o", "-", data=short)
    yield "is-key-gpg", gpg.run("--export", NAMES[0])
    yield "is-key-gpg-secret", gpg.run(*WITHOUT_PROMPT, "--export-secret-keys", NAMES[0])


def _sequoia(gpg: Gpg) -> Iterator[tuple[str, bytes]]:
    certificates = [pysequoia.Cert.from_bytes(gpg.certificate(each).encode()) for each in MEMBERS]
    for size in (0, 200, 100_000):
        yield f"taken-sequoia-{size}", pysequoia.encrypt(PLAIN[:size], recipients=certificates, armor=False)
    yield "armored-sequoia", pysequoia.encrypt(b"text", recipients=certificates)
    yield "symmetric-sequoia", pysequoia.encrypt(b"text", passwords=["a password"], armor=False)
    # Its own keys ask for the newer form, which then is what it writes.
    own = pysequoia.Tsk.generate("dan@example.org", profile=pysequoia.Profile.RFC9580).extract_certificate()
    yield "seipd-v2-sequoia", pysequoia.encrypt(b"text", recipients=[own], armor=False)


def _openpgp_js(gpg: Gpg, folder: Path) -> Iterator[tuple[str, bytes]]:
    if NODE is None:
        return
    (folder / "certificates.asc").write_text(gpg.certificate(*MEMBERS))
    subprocess.run([NODE, Path(__file__).with_name("sealing.mjs"), folder], check=True, capture_output=True)
    for path in sorted(folder.glob("*-js*")):
        yield path.name, path.read_bytes()
