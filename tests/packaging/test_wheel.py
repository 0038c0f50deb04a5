"""What is built from here runs elsewhere: pages, style sheets, libraries and all."""

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.servers import Site, web

ROOT = Path(__file__).resolve().parents[2]
OPENPGP = "static/vendor/openpgp/openpgp.min.mjs"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a source distribution as `python -m build` does, but with the build tools installed here."""
    folder = tmp_path_factory.mktemp("built")
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], check=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment that holds the wheel, and borrows what it depends on from this one."""
    folder = tmp_path_factory.mktemp("clean") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    program = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(program), "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    # A folder named in a .pth file is searched, but its own .pth files, such as an editable install's, are not read.
    own = subprocess.check_output([program, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True)
    (Path(own.strip()) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return program


@pytest.fixture(scope="module")
def site(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The installed portal, started from a folder that knows nothing of the checkout."""
    with web(app="portal.factory:create_app", folder=tmp_path_factory.mktemp("elsewhere"), python=python) as running:
        yield running


def _get(site: Site, path: str) -> tuple[int, str, str]:
    connection = HTTPConnection("127.0.0.1", site.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    result = answer.status, answer.headers.get_content_type(), answer.read().decode()
    connection.close()
    return result


def test_the_wheel_carries_everything_that_git_and_make_assets_brought(wheel: Path) -> None:
    carried = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "static"):
        files = {path for path in (ROOT / folder).rglob("*") if path.is_file() and not path.name.startswith(".")}
        assert {f"portal/{path.relative_to(ROOT)}" for path in files} - carried == set()
    assert "portal/migrations/env.py" in carried
    assert not {name for name in carried if name.startswith(("tests/", "portal/demo/var")) or "__pycache__" in name}


def test_an_installed_portal_serves_a_page_with_its_style_sheet(site: Site) -> None:
    status, kind, page = _get(site, "/")
    assert (status, kind) == (200, "text/html")
    sheets = re.findall(r'<link[^>]* href="(/static/css/[^"]+)"', page)
    assert sheets
    for sheet in sheets:
        status, kind, text = _get(site, sheet)
        assert (status, kind) == (200, "text/css")
        assert "{" in text


@pytest.mark.skipif(not (ROOT / OPENPGP).exists(), reason="`make assets` has not run")
def test_an_installed_portal_serves_the_library_that_seals(site: Site) -> None:
    status, kind, text = _get(site, f"/{OPENPGP}")
    assert (status, kind) == (200, "text/javascript")
    assert text == (ROOT / OPENPGP).read_text(encoding="utf-8")


def test_an_installed_portal_is_not_the_checkout(python: Path, tmp_path: Path) -> None:
    where = subprocess.check_output([python, "-c", "import portal; print(portal.__file__)"], cwd=tmp_path, text=True)
    assert Path(where.strip()).is_relative_to(python.parents[1])


def test_the_triagers_command_is_installed(python: Path, tmp_path: Path) -> None:
    command = shutil.which("portal-triage", path=str(python.parent))
    assert command
    shown = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "decrypt" in shown.stdout
