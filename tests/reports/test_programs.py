"""What the pages tell people to type, typed as it is printed; and the upload clients that others wrote."""

import html
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from portal.triage import main as triage
from tests.faults.stage import Stage, staged
from tests.reports.openpgp import Gpg
from tests.reports.test_live import PARTICULARS, PEOPLE, ask, gpg, tokens
from tests.servers.site import ROOT

__all__ = ["gpg", "tokens"]
REPORT = "# What I found\n\nThe check stops before the last block.\n"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A served portal, reached without any proxy."""
    with pytest.MonkeyPatch.context() as patch, staged("sqlite", tmp_path_factory.mktemp("stage")) as made:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield made


@pytest.fixture(scope="module")
def researcher(stage: Stage, gpg: Gpg) -> tuple[str, str]:
    """A researcher's and a triager's token, beside a published key set."""
    made: tuple[str, str] = tokens.__wrapped__(stage, gpg)  # type: ignore[attr-defined]
    return made


def printed(page: str, *words: str) -> list[str]:
    """What the page prints to be copied, of which each holds one of these words."""
    found = [html.unescape(text) for text in re.findall(r'data-copy="([^"]*)"', page)]
    return [text for text in found if any(word in text for word in words)]


def typed(command: str, folder: Path, home: Path, **environ: str) -> str:
    """What a shell says to a command."""
    done = subprocess.run(
        ["sh", "-ec", command], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C", **environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(stage: Stage, gpg: Gpg, token: str, ref: str, to: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Open a report as a triager does; the folder."""
    monkeypatch.setenv("PORTAL_TRIAGE_URL", f"{stage.site.url}/staff/{stage.cast.slug}")
    monkeypatch.setenv("PORTAL_TRIAGE_TOKEN", token)
    monkeypatch.setenv("GNUPGHOME", str(gpg.home))
    assert triage(["open", ref, "--to", str(to)]) == 0
    return to / ref


@pytest.mark.parametrize("several", [False, True], ids=["one file", "several"])
def test_the_recipe_works_as_it_is_printed(
    stage: Stage,
    gpg: Gpg,
    researcher: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    several: bool,
) -> None:
    browser = stage.browser(stage.cast.researcher)
    address = f"/challenges/{stage.cast.slug}/reports/new"
    page = browser.get(address).text
    fetch, compare, pack, seal = printed(page, "gpg ", "tar ")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (tmp_path / "report.md").write_text(REPORT)
    (tmp_path / "trace.bin").write_bytes(os.urandom(100_000))

    typed(fetch, tmp_path, home)
    told = typed(compare, tmp_path, home)
    if several:
        typed(pack, tmp_path, home)
    else:
        seal = seal.replace("report.tar", "report.md")
    typed(seal, tmp_path, home)

    shown = re.sub(r"\s", "", told)
    assert all(gpg.fingerprint(name) in shown for name in PEOPLE)
    fields = {**PARTICULARS, "csrf_token": browser.token(address), "capability": "", "scenario": ""}
    sent = requests.post(
        stage.site.url + address, data=fields, files={"sealed": ("report.pgp", (tmp_path / "report.pgp").read_bytes())},
        cookies=browser.cookies, timeout=60,
    )  # fmt: skip
    assert sent.status_code == 200, sent.text
    folder = opened(stage, gpg, researcher[1], sent.url.rpartition("/")[2], tmp_path / "opened", monkeypatch)
    (body,) = (path for path in folder.rglob("body*") if path.is_file())
    if several:
        with tarfile.open(body) as archive:
            assert {each.name: archive.extractfile(each).read() for each in archive} == {  # type: ignore[union-attr]
                name: (tmp_path / name).read_bytes() for name in ("report.md", "trace.bin")
            }
    else:
        assert body.read_text() == REPORT


def test_the_program_of_the_tokens_page_works_as_it_is_printed(
    stage: Stage, gpg: Gpg, researcher: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = stage.browser(stage.cast.researcher).get(f"/challenges/{stage.cast.slug}/reports/tokens").text
    program, command = printed(page, "TusClient", "send.py")
    (tmp_path / "send.py").write_text(program)
    (tmp_path / "report.pgp").write_bytes(gpg.seal(REPORT.encode(), list(PEOPLE)))

    command = command.replace("your-token", researcher[0]).replace("python3", sys.executable)
    told = typed(command, tmp_path, gpg.home, NO_PROXY="127.0.0.1")

    ref, rest = told.strip().split(" ", 1)
    assert rest == "has arrived"
    folder = opened(stage, gpg, researcher[1], ref, tmp_path / "opened", monkeypatch)
    assert (folder / "body.txt").read_text() == REPORT


class Program:
    """The JavaScript client in a process of its own for each step, on one report."""

    def __init__(self, stage: Stage, token: str, folder: Path) -> None:
        self.stage, self.token, self.folder = stage, token, folder
        begun = ask(stage, "POST", f"/challenges/{stage.cast.slug}/reports/new", token, PARTICULARS)
        self.begun = json.loads(begun)

    def __call__(self, what: str, *names: str) -> str:
        """One step; the upload's address."""
        uploads = self.stage.site.url + self.begun["uploads_url"]
        done = subprocess.run(
            ["node", str(ROOT / "tests/reports/send.mjs"), what, uploads, self.token, self.begun["ref"], *names],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def status(self, url: str) -> tuple[int, str | None]:
        """How an upload stands."""
        headers = {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0"}
        found = requests.head(url, headers=headers, timeout=60)
        return found.status_code, found.headers.get("Upload-Offset")


@pytest.fixture
def program(stage: Stage, researcher: tuple[str, str], tmp_path: Path) -> Program:
    """A report that has been begun."""
    return Program(stage, researcher[0], tmp_path)


def sealed(gpg: Gpg, folder: Path, name: str, size: int) -> bytes:
    """Seal random bytes into a file; gives them."""
    plain = os.urandom(size)
    (folder / name).write_bytes(gpg.seal(plain, list(PEOPLE)))
    return plain


def arrived(program: Program, gpg: Gpg, triager: str) -> list[bytes]:
    """Submit, and what a triager's gpg then finds in each file."""
    ask(program.stage, "POST", program.begun["submit_url"], program.token)
    report = json.loads(
        ask(program.stage, "GET", f"/staff/{program.stage.cast.slug}/reports/{program.begun['ref']}.json", triager)
    )
    return [gpg.open(ask(program.stage, "GET", file["url"], triager)) for file in report["files"]]


@pytest.mark.parametrize("way", ["whole", "chunked", "posted", "deferred"])
def test_a_client_of_others_sends_a_file(
    program: Program, gpg: Gpg, researcher: tuple[str, str], tmp_path: Path, way: str
) -> None:
    plain = sealed(gpg, tmp_path, "report.pgp", 3_000_000)

    program(way, "report.pgp")

    assert arrived(program, gpg, researcher[1]) == [plain]


def test_a_client_of_others_goes_on_in_another_process(
    program: Program, gpg: Gpg, researcher: tuple[str, str], tmp_path: Path
) -> None:
    plain = sealed(gpg, tmp_path, "report.pgp", 5_000_000)
    url = program("interrupted", "report.pgp")
    status, offset = program.status(url)
    assert status == 200
    assert 2 << 20 <= int(offset or 0) < 5_000_000

    assert program("resumed", "report.pgp", url) == url

    assert arrived(program, gpg, researcher[1]) == [plain]


def test_a_client_of_others_ends_an_upload(program: Program, gpg: Gpg, tmp_path: Path) -> None:
    sealed(gpg, tmp_path, "report.pgp", 3_000_000)

    assert program.status(program("ended", "report.pgp")) == (410, None)


def test_a_client_of_others_sends_two_files_at_once(
    program: Program, gpg: Gpg, researcher: tuple[str, str], tmp_path: Path
) -> None:
    plain = [sealed(gpg, tmp_path, name, 3_000_000) for name in ("report.pgp", "trace.pgp")]

    program("parallel", "report.pgp", "trace.pgp")

    assert arrived(program, gpg, researcher[1]) == plain
