"""Folders that only their owner may enter, and that go, whatever happens."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from portal.triage.private import folder


def test_what_another_program_takes_away_while_the_folder_is_removed_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def late(path: Any, *, dir_fd: int | None = None) -> None:
        """As an ending gpg-agent that was faster."""
        if path == "S.gpg-agent.ssh":
            unlink(path, dir_fd=dir_fd)
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", late)
    with folder(tmp_path) as work:
        assert work.stat().st_mode & 0o777 == 0o700
        (work / "S.gpg-agent.ssh").touch()
        (work / "plain.txt").write_text("what nobody else may read")

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = os.unlink

    def refusing(path: Any, *, dir_fd: int | None = None) -> None:
        if path == "plain.txt":
            raise PermissionError(13, "Permission denied", path)
        unlink(path, dir_fd=dir_fd)

    with monkeypatch.context() as patched, pytest.raises(PermissionError), folder(tmp_path) as work:  # noqa: PT012
        (work / "plain.txt").touch()
        patched.setattr(os, "unlink", refusing)

    assert [each.name for each in work.iterdir()] == ["plain.txt"]
    shutil.rmtree(work)
