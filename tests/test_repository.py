"""Habits that no linter knows: what must stand in no template, no lock file and no module."""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "tests/requirements.lock", ".ci/node.lock", "package-lock.json")
INLINE = re.compile(
    r"""\sstyle\s*=|\son[a-z]+\s*=\s*["'{]|<style\b|<script(?![^>]*\bsrc=)[^>]*>|javascript:""", re.IGNORECASE
)
JINJA = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}")
LEFT_OPEN = re.compile(r"(TO[D]O|FIX[M]E|XX[X]|Not[I]mplemented(Error)?)")


def _files(*folders: str, suffixes: tuple[str, ...]) -> Iterator[Path]:
    vendor = ROOT / "static" / "vendor"
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and vendor not in path.parents:
                yield path


def _places(path: Path, found: Callable[[str], object]) -> list[str]:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [f"{path.relative_to(ROOT)}:{number}: {line.strip()}" for number, line in lines if found(line)]


def _inline(line: str) -> bool:
    return bool(INLINE.search(JINJA.sub("", line)))


def _modules() -> list[Path]:
    return [path for path in _files("portal", suffixes=(".py",)) if "migrations" not in path.parts]


@pytest.mark.parametrize(
    ("line", "inline"),
    [
        ('<p style="color: red">', True),
        ("<button onclick='go()'>", True),
        ("<script>go()</script>", True),
        ('<script type="module">', True),
        ("<style>", True),
        ('<a href="javascript:go()">', True),
        ('<script type="module" src="/static/js/page.js"></script>', False),
        ('<p class="style" data-on="x">{% set onward = "x" %}', False),
    ],
)
def test_the_pattern_finds_what_is_inline(line: str, inline: bool) -> None:
    assert _inline(line) is inline


def test_templates_have_nothing_inline() -> None:
    templates = list(_files("templates", suffixes=(".html", ".svg")))
    assert templates
    assert [place for path in templates for place in _places(path, _inline)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_name_no_address(name: str) -> None:
    assert _places(ROOT / name, re.compile(r'"resolved"\s*:|https?://|--index-url').search) == []


def test_what_the_project_depends_on_is_locked() -> None:
    extras, groups = PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]
    running = PROJECT["project"]["dependencies"] + extras["demo"]
    wanted = {"requirements.lock": running, "tests/requirements.lock": running + groups["test"]}
    wanted[".ci/node.lock"] = groups["node"]
    for name, requirements in wanted.items():
        locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / name).read_text(), re.MULTILINE))
        asked = {re.split(r"[\[<>=~!; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}
        assert asked - locked == set(), f"{name} is older than pyproject.toml: make lock"


def test_modules_and_functions_are_short() -> None:
    long = []
    for path in _modules():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                lines = node.end_lineno - node.lineno + 1
                if lines > 40:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def test_nothing_is_left_open() -> None:
    files = [*_files("portal", "templates", "static", "tests", suffixes=(".py", ".html", ".txt", ".js", ".css"))]
    files += [ROOT / name for name in ("app.py", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml")]
    assert [place for path in files for place in _places(path, LEFT_OPEN.search)] == []


def test_the_triagers_command_needs_only_the_standard_library() -> None:
    paths = [path for path in _modules() if path.relative_to(ROOT / "portal").parts[0] in ("triage", "triage.py")]
    paths = [path for path in paths if path.name != "wrapping.py"]
    imported = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module or "")
    foreign = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in foreign if not name.startswith("portal.triage")} == set()


def test_only_wrapping_needs_more_and_is_loaded_only_then() -> None:
    folder = ROOT / "portal" / "triage"
    needs = re.compile(r"^ *(from|import) cryptography\b", re.MULTILINE)
    found = [path.name for path in sorted(folder.glob("*.py")) if needs.search(path.read_text(encoding="utf-8"))]
    assert found == ["wrapping.py"]
    text = (folder / "rewrapping.py").read_text(encoding="utf-8")
    assert re.findall(r"^( *)from portal\.triage import wrapping$", text, re.MULTILINE) == [" " * 8]


def test_nothing_hides_what_is_kept_for_tests() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in _files("tests", suffixes=(".py",)))
    names = re.findall(r"^@kept\ndef (\w+)", text, re.MULTILINE)
    others = set(re.findall(r"^@pytest\.fixture.*\ndef (\w+)", text, re.MULTILINE))
    assert len(names) > 1
    assert (len(names), others & set(names)) == (len(set(names)), set())
