"""`portal-triage keys`: a key set is believed if signatures lead to it from what is known, and not else."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.triage import history, main
from portal.triage.failures import Damaged
from portal.triage.pins import Holder, Pins
from tests.reports.openpgp import Gpg, gpg_home
from tests.triage.portal import STAFF, Stub

Run = Callable[..., tuple[int, str, str]]
# Who is in which key set, the recovery key last; "Late" is the next recovery key.
SETS = {1: ("Tom", "Tia", "Recovery"), 2: ("Tom", "New", "Recovery"), 3: ("Tom", "New", "Late"), 4: ("New", "Late")}
SIGNERS = {2: "Recovery", 3: "Recovery", 4: "Late"}


@pytest.fixture(scope="module")
def ring() -> Iterator[Gpg]:
    """The keys of all these people, and of one who is none of them."""
    with gpg_home() as made:
        for name in ("Tom", "Tia", "New", "Recovery", "Late", "Mallory"):
            made.make(name)
        for name in ("Old", "Past"):
            made.make(name, "--faked-system-time", "20200101T000000", expire="never")
        made.make("Revoked")
        yield made


@pytest.fixture(scope="module")
def fingerprints(ring: Gpg) -> dict[str, str]:
    """By name."""
    names = ("Tom", "Tia", "New", "Recovery", "Late", "Mallory", "Old", "Past", "Revoked")
    return {name: ring.fingerprint(name) for name in names}


def statement(number: int, names: tuple[str, ...], fingerprints: dict[str, str]) -> bytes:
    """The statement of a key set of these people."""
    lines = [f"triager {fingerprints[name]}" for name in names[:-1]] + [f"recovery {fingerprints[names[-1]]}"]
    return "\n".join([f"key set {number}", *sorted(lines), ""]).encode()


@pytest.fixture(scope="module")
def signed(ring: Gpg, fingerprints: dict[str, str]) -> dict[str, bytes]:
    """Everything that an honest portal gives of four key sets."""
    found: dict[str, bytes] = {}
    for number, names in SETS.items():
        found[f"{number}.txt"] = statement(number, names, fingerprints)
        found[f"{number}.asc"] = ring.certificate(*names).encode()
        if number in SIGNERS:
            found[f"{number}.sig"] = sign(ring, SIGNERS[number], found[f"{number}.txt"])
    return found


def sign(ring: Gpg, who: str, data: bytes, *how: str) -> bytes:
    return ring.run("--local-user", f"={who}", *how, "--armor", "--detach-sign", data=data)


@pytest.fixture
def run(portal: Stub, signed: dict[str, bytes], capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, while the portal calls this key set the current one."""
    portal.keys = dict(signed)

    def keys(number: int, *options: str) -> tuple[int, str, str]:
        portal.keys["current.json"] = json.dumps({"number": number}).encode()
        code = main(["keys", *options])
        return code, *capsys.readouterr()

    return keys


def known(portal: Stub, folder: Path) -> tuple[int, str] | None:
    """What the machine remembers."""
    return Pins(f"{portal.url}{STAFF}", {"XDG_CONFIG_HOME": str(folder / ".config")}).key_set()


def test_the_first_time_it_shows_every_fingerprint_and_believes_nothing_unasked(
    run: Run, portal: Stub, fingerprints: dict[str, str], tmp_path: Path
) -> None:
    code, said, refused = run(1)

    assert code == 1
    assert said.splitlines() == [
        "This machine has not seen the portal's keys before. Key set 1:",
        f"  recovery  {history.grouped(fingerprints['Recovery'])}  Recovery",
        *sorted(f"  triager   {history.grouped(fingerprints[name])}  {name}" for name in ("Tom", "Tia")),
    ]
    assert "Then name each of them: --pin FINGERPRINT. Or believe the portal this once: --yes" in refused
    assert known(portal, tmp_path) is None


def test_scripts_say_yes_or_name_every_fingerprint(
    run: Run, portal: Stub, fingerprints: dict[str, str], tmp_path: Path
) -> None:
    whole = [word for name in SETS[1] for word in ("--pin", history.grouped(fingerprints[name]).lower())]

    code, _, refused = run(1, *whole[:-2])
    assert (code, f"You have not named with --pin: {fingerprints['Recovery']}" in refused) == (1, True)
    code, _, refused = run(1, "--pin", fingerprints["Tom"][-16:])
    assert (code, "takes a whole fingerprint" in refused) == (1, True)
    assert known(portal, tmp_path) is None
    assert run(1, *whole)[0] == 0
    first = known(portal, tmp_path)
    assert first == (1, portal.keys["1.txt"].decode())
    (tmp_path / ".config" / "portal-triage-pins.json").unlink()
    assert run(1, "--yes")[0] == 0
    assert known(portal, tmp_path) == first


def test_it_follows_the_signatures_and_says_what_changed(
    run: Run, portal: Stub, fingerprints: dict[str, str], tmp_path: Path
) -> None:
    run(1, "--yes")

    code, said, _ = run(4)

    assert code == 0
    assert said.splitlines()[:6] == [
        "Key set 4 follows key set 1, which this machine knew. Changed since:",
        f"  new   recovery  {history.grouped(fingerprints['Late'])}  Late",
        f"  new   triager   {history.grouped(fingerprints['New'])}  New",
        f"  gone  recovery  {history.grouped(fingerprints['Recovery'])}",
        *sorted(f"  gone  triager   {history.grouped(fingerprints[name])}" for name in ("Tom", "Tia")),
    ]
    assert known(portal, tmp_path) == (4, portal.keys["4.txt"].decode())
    # The same again asks for no signature, and says nothing of changes.
    portal.asked.clear()
    assert "Changed" not in run(4)[1]
    assert not [each for each in portal.asked if each.endswith(".sig")]


def test_an_older_history_is_refused(run: Run, portal: Stub, tmp_path: Path) -> None:
    run(3, "--yes")

    for options in ((), ("--yes",)):
        code, _, refused = run(2, *options)
        assert code == 4
        assert "this machine has verified key set 3: somebody has put an older history in its place" in refused
    assert known(portal, tmp_path) == (3, portal.keys["3.txt"].decode())


LIES = {
    "a stranger among the triagers": ("2.txt", ("Tom", "New", "Mallory", "Recovery"), None, "is not good"),
    "a stranger's signature": ("2.txt", ("Tom", "Mallory", "Recovery"), "Mallory", "it was made by "),
    "an unknown signature": ("2.txt", ("Tom", "New", "Recovery"), "Mallory", "it was made by another key"),
    "a triager's signature": ("2.txt", ("Tom", "Mallory", "Recovery"), "Tom", "it was made by "),
    "a stranger as the recovery key": ("2.txt", ("Tom", "New", "Mallory"), "Mallory", "it was made by "),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_the_recovery_key_has_not_signed_is_refused(
    run: Run, portal: Stub, ring: Gpg, fingerprints: dict[str, str], tmp_path: Path, lie: str
) -> None:
    run(1, "--yes")
    name, people, signer, words = LIES[lie]
    portal.keys[name] = statement(2, people, fingerprints)
    portal.keys["2.asc"] = ring.certificate(*people).encode()
    if signer:
        portal.keys["2.sig"] = sign(ring, signer, portal.keys[name])

    code, _, refused = run(2, "--yes")

    assert code == 4
    assert "The signature of key set 2 is not good by the recovery key of key set 1" in refused
    assert words in refused
    assert "Nothing was sealed or wrapped." in refused
    assert known(portal, tmp_path) == (1, portal.keys["1.txt"].decode())


def test_a_break_further_back_is_found(run: Run, portal: Stub, ring: Gpg) -> None:
    run(1, "--yes")
    portal.keys["3.sig"] = sign(ring, "Late", portal.keys["3.txt"])

    code, _, refused = run(4)

    assert (code, "The signature of key set 3 is not good by the recovery key of key set 2" in refused) == (4, True)


def test_another_past_is_refused(run: Run, portal: Stub, fingerprints: dict[str, str]) -> None:
    run(2, "--yes")
    for number in (2, 3):
        portal.keys["2.txt"] = statement(2, ("Tom", "Tia", "Recovery"), fingerprints)
        portal.keys["2.asc"] += portal.keys["1.asc"]
        code, _, refused = run(number)
        assert (code, "Key set 2 is not what it was when this machine verified it" in refused) == (4, True)


def test_a_new_beginning_is_believed_only_by_every_fingerprint(
    run: Run, portal: Stub, fingerprints: dict[str, str], tmp_path: Path
) -> None:
    run(1, "--yes")
    del portal.keys["2.sig"]
    named = [word for name in SETS[2] for word in ("--pin", fingerprints[name])]

    for options in ((), ("--yes",), tuple(named[-2:]), tuple(named[:-2])):
        code, _, refused = run(2, *options)
        assert (code, "Key set 2 is not signed by the recovery key of key set 1" in refused) == (4, True)
        assert "If the team has begun anew because that key is lost" in refused
    code, said, _ = run(2, *named)
    assert code == 0
    assert "Key set 2 is believed because you named every fingerprint in it with --pin." in said
    assert known(portal, tmp_path) == (2, portal.keys["2.txt"].decode())


@pytest.fixture
def begun(run: Run, portal: Stub, ring: Gpg, fingerprints: dict[str, str]) -> Callable[[str], None]:
    """Key set 1 with this recovery key, known to the machine."""

    def begin(recovery: str) -> None:
        portal.keys["1.txt"] = statement(1, ("Tom", recovery), fingerprints)
        portal.keys["1.asc"] = ring.certificate("Tom", recovery).encode()
        run(1, "--yes")

    return begin


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (("--digest-algo", "SHA1"), "it is not over these words"),
        (("--default-sig-expire", "1d", "--faked-system-time", "20200601T000000"), "it has expired"),
        (("--local-user", "=Mallory"), "it was made by another key"),
    ],
)
def test_weak_expired_and_doubled_signatures_are_refused(
    run: Run, begun: Callable[[str], None], portal: Stub, ring: Gpg, how: tuple[str, ...], words: str
) -> None:
    begun("Old")
    portal.keys["2.sig"] = sign(ring, "Old", portal.keys["2.txt"], *how)

    code, _, refused = run(2)

    assert (code, words in refused) == (4, True), refused


def test_what_is_no_detached_signature_is_refused(
    run: Run, begun: Callable[[str], None], portal: Stub, ring: Gpg
) -> None:
    begun("Old")
    clear = ring.run("--local-user", "=Old", "--clearsign", data=portal.keys["2.txt"])
    for wrong in (b"", b"nothing", clear, portal.keys["1.asc"], portal.keys["3.sig"]):
        portal.keys["2.sig"] = wrong
        code, _, refused = run(2)
        assert (code, "The signature of key set 2 is not good" in refused) == (4, True)


def test_a_recovery_key_that_has_expired_since_vouches_for_what_it_signed_before(
    run: Run, begun: Callable[[str], None], portal: Stub, ring: Gpg, fingerprints: dict[str, str]
) -> None:
    data = portal.keys["2.txt"]
    early, late = (sign(ring, "Past", data, "--faked-system-time", f"{at}T000000") for at in ("20200601", "20210601"))
    faked = ("--faked-system-time", "20200601T000000", "--pinentry-mode", "loopback", "--passphrase", "")
    ring.run(*faked, "--quick-set-expire", fingerprints["Past"], "2020-12-31")
    begun("Past")

    portal.keys["2.sig"] = late
    code, _, refused = run(2)
    assert (code, "it was made after that key had expired" in refused) == (4, True)
    portal.keys["2.sig"] = early
    assert run(2)[0] == 0


def test_a_revoked_recovery_key_vouches_for_nothing(
    run: Run, begun: Callable[[str], None], portal: Stub, ring: Gpg, fingerprints: dict[str, str]
) -> None:
    begun("Revoked")
    portal.keys["2.sig"] = sign(ring, "Revoked", portal.keys["2.txt"])
    with gpg_home() as other:
        revocation = next((ring.home / "openpgp-revocs.d").glob(f"{fingerprints['Revoked']}.rev")).read_text()
        other.run("--import", data=portal.keys["1.asc"])
        other.run("--import", data=revocation.replace(":-----BEGIN", "-----BEGIN").encode())
        portal.keys["1.asc"] = other.certificate("Tom", "Revoked").encode()

    code, _, refused = run(2)

    assert (code, "that key was revoked" in refused) == (4, True)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"",
        lambda text: text[:-1],
        lambda text: text + b"\n",
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"key set 1", b"key set 2"),
        lambda text: text.replace(b"recovery", b"triager"),
        lambda text: text.replace(b"triager", b"recovery"),
        lambda text: text + text.splitlines(keepends=True)[1],
        lambda text: text.lower(),
        lambda text: text.replace(b"triager ", b"triager  "),
        lambda text: b"\xff" + text,
        lambda text: text.replace(b"key set", b"Key set"),
    ],
)
def test_a_statement_is_read_word_for_word(signed: dict[str, bytes], change: Callable[[bytes], bytes]) -> None:
    assert history.read(signed["1.txt"], 1).text == signed["1.txt"].decode()
    with pytest.raises(Damaged, match="is none"):
        history.read(change(signed["1.txt"]), 1)


def test_a_certificate_that_is_missing_or_not_the_one_stated_is_refused(run: Run, portal: Stub) -> None:
    portal.keys["1.asc"] = portal.keys["4.asc"]

    code, _, refused = run(1, "--yes")

    assert (code, "The portal gives no certificate" in refused) == (1, True)


def test_an_endless_history_is_not_followed(run: Run, portal: Stub, fingerprints: dict[str, str]) -> None:
    run(1, "--yes")
    portal.keys["700.txt"] = statement(700, SETS[4], fingerprints)
    portal.keys["700.asc"] = portal.keys["4.asc"]

    code, _, refused = run(700)

    assert (code, "699 new key sets at once" in refused) == (4, True)


def test_two_runs_at_once_forget_nothing_and_never_go_back(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    url = f"https://portal.example{STAFF}"

    def remember(number: int) -> None:
        pins = Pins(url, environment)
        pins.keep_key_set(number, f"statement {number}")
        pins.keep([Holder(f"reader {number}", "Rae", f"{number:040X}", "")])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(remember, [*range(1, 20), 3, 2, 1]))

    pins = Pins(url, environment)
    assert pins.key_set() == (19, "statement 19")
    assert pins.check([Holder(f"reader {each}", "Rae", f"{each:040X}", "") for each in range(1, 20)], frozenset()) == []
    assert pins.path.stat().st_mode & 0o077 == 0


def test_what_an_earlier_version_remembered_is_kept(tmp_path: Path) -> None:
    url = f"https://portal.example{STAFF}"
    old = {url: {"reader 3": "A" * 40, f"key set {'B' * 40}": "B" * 40}}
    (tmp_path / "portal-triage-pins.json").write_text(json.dumps(old))

    pins = Pins(url, {"XDG_CONFIG_HOME": str(tmp_path)})

    assert pins.key_set() is None
    assert pins.check([Holder("reader 3", "Rae", "A" * 40, "")], frozenset()) == []
