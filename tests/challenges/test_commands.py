"""Challenges from the command line."""

from datetime import date
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

from portal.challenges import queries
from tests.cast import Cast


def run(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["challenge", *words])
    return result.exit_code, result.output


def test_an_operator_begins_a_challenge(app: Flask, session: Session, tmp_path: Path) -> None:
    agreement = tmp_path / "agreement.md"
    agreement.write_text("Be kind.\n", encoding="utf-8")

    told = run(
        app, "create", "first-challenge", "--title", "First", "--zone", "Europe/Berlin", "--apply-until",
        "2020-07-01T23:59", "--starts-on", "2020-08-01", "--agreement", str(agreement),
    )  # fmt: skip

    assert told == (0, "first-challenge: applications open\n")
    made = queries.challenge_by_slug(session, "first-challenge")
    assert (made.title, made.starts_on, made.ends_on) == ("First", date(2020, 8, 1), date(2020, 10, 31))
    assert made.apply_until.isoformat() == "2020-07-01T21:59:00+00:00"
    signed = queries.current_agreement(session, made.id)
    assert signed
    assert (signed.version, signed.body) == (1, "Be kind.\n")


def test_faults_are_told(app: Flask, session: Session, cast: Cast) -> None:
    assert run(app, "create", cast.slug, "--title", "T") == (1, "Error: There is a challenge of this name already.\n")
    assert run(app, "create", "jobs", "--title", "T")[0] == 1
    assert run(app, "create", "second", "--title", "T", "--zone", "Mars/Olympus")[0] == 2
    assert run(app, "create", "second", "--title", "T", "--starts-on", "2020-08-01", "--ends-on", "2020-07-01")[0] == 1


def test_challenges_are_listed_with_their_phase(app: Flask, session: Session, cast: Cast) -> None:
    assert run(app, "list") == (0, "test-challenge: running\n")
