"""Compiled templates that are kept: they make pages quicker, and whatever is wrong with them harms none."""

import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader, Environment, nodes

from portal.factory import create_app


def portal(data: Path) -> Flask:
    return create_app({"PORTAL_DATA": str(data), "PORTAL_SECRET_KEY": "only-for-tests-" * 4, "PORTAL_TESTING": "1"})


def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that are compiled from here on."""
    seen: list[str] = []
    compile_one = Environment.compile

    def note(self: Environment, source: Any, name: str | None = None, *others: Any, **more: Any) -> Any:
        seen.append(name or "")
        return compile_one(self, source, name, *others, **more)

    monkeypatch.setattr(Environment, "compile", note)
    return seen


def show(app: Flask) -> str:
    with app.test_request_context("/"):
        return app.jinja_env.get_template("errors/error.html").render(code=404, title="Not here", reason="Gone.")


def test_the_next_process_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = show(portal(tmp_path))
    seen = compiled(monkeypatch)

    assert show(portal(tmp_path)) == first
    assert seen == []
    assert stat.S_IMODE((tmp_path / "compiled").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "compiled").iterdir()} == {0o600}


def test_a_template_that_has_changed_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = portal(tmp_path)
    show(app)
    loader = app.jinja_env.loader
    assert loader
    found = loader.get_source

    def changed(environment: Environment, name: str) -> Any:
        source, file, uptodate = found(environment, name)
        return (source + "<!-- new -->" if name == "errors/error.html" else source), file, uptodate

    seen = compiled(monkeypatch)
    again = portal(tmp_path)
    assert again.jinja_env.loader
    monkeypatch.setattr(again.jinja_env.loader, "get_source", changed)

    show(again)

    assert seen == ["errors/error.html"]


@pytest.mark.parametrize("fault", [b"", b"\0" * 4096, b"no code at all"], ids=["empty", "zeros", "words"])
def test_a_file_with_a_fault_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: bytes) -> None:
    first = show(portal(tmp_path))
    files = sorted((tmp_path / "compiled").iterdir())
    whole = [file.read_bytes() for file in files]
    for number, file in enumerate(files):
        # What the writer's mark stands before is believed to be its own, as far as it goes.
        file.write_bytes(fault if number % 2 else whole[number][: 30 + number] + fault)
    seen = compiled(monkeypatch)

    assert show(portal(tmp_path)) == first
    assert len(seen) == len(files)
    assert [file.read_bytes() for file in files] == whole


def test_a_disk_that_takes_nothing_fails_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    app = portal(tmp_path)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)

    assert "Not here" in show(app)
    assert list((tmp_path / "compiled").iterdir()) == []


def test_a_folder_that_is_gone_fails_no_page(tmp_path: Path) -> None:
    app = portal(tmp_path)
    (tmp_path / "compiled").rmdir()

    assert "Not here" in show(app)


def folded(environment: Environment, name: str) -> list[str]:
    """The filters and tests of ours that a template asks about what never changes: their answers are compiled in."""
    loader = environment.loader
    assert loader
    tree = environment.parse(loader.get_source(environment, name)[0], name)
    found = []
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        known = environment.filters if isinstance(node, nodes.Filter) else environment.tests
        if known[node.name].__module__.startswith("portal"):
            with suppress(nodes.Impossible):
                node.as_const(nodes.EvalContext(environment, name))
                found.append(node.name)
    return found


def test_nothing_of_ours_is_compiled_in_that_may_change_without_the_template(tmp_path: Path) -> None:
    environment = portal(tmp_path).jinja_env
    assert environment.loader
    planted = DictLoader({"planted.html": "{{ 2048|size }} {{ large|size }}"})
    environment.loader = ChoiceLoader([planted, environment.loader])

    assert folded(environment, "planted.html") == ["size"]
    assert {name: found for name in environment.list_templates() if (found := folded(environment, name))} == {
        "planted.html": ["size"]
    }
