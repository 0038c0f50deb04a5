"""Arithmetic and words."""

from datetime import timedelta
from pathlib import Path

import pytest

from portal.config import load_config
from portal.reports import receipts, rules, states
from portal.reports.states import KeyRole, ReportState
from portal.reports.views.shapes import SAID
from tests.cast import NOON


@pytest.mark.parametrize(
    ("slug", "number", "reference"),
    [
        ("azure-sphere-2020", 1, "ASR-0001"),
        ("demo-live", 40, "DLR-0040"),
        ("2020", 12345, "R-12345"),
        ("a-b-c-d-e-f-g-h-i", 1, "ABCDEFR-0001"),
    ],
)
def test_references(slug: str, number: int, reference: str) -> None:
    assert rules.reference(slug, number) == reference


def test_the_statement_does_not_depend_on_the_order_of_members() -> None:
    one, two = (KeyRole.TRIAGER, "B" * 40), (KeyRole.RECOVERY, "C" * 40)

    assert rules.statement(3, [one, two]) == rules.statement(3, [two, one])
    assert rules.statement(3, [one, two]) == f"key set 3\nrecovery {'C' * 40}\ntriager {'B' * 40}\n"


def test_every_clock_is_longer_than_the_one_before() -> None:
    calendar, pause = rules.Calendar("UTC"), (NOON + timedelta(hours=1), NOON + timedelta(hours=1, minutes=1))
    ends = [rules.timing(calendar, state, NOON, [pause]) for state in states.RUNS]

    assert [each.due_at for each in ends if each] == [
        NOON + timedelta(days=days, minutes=1) for days in (1, 3, 14, 14, 30, 30)
    ]
    assert rules.timing(calendar, ReportState.NEEDS_INFO, NOON, ()) is None


def test_every_move_has_words_for_the_timeline() -> None:
    assert set(SAID) >= {move.name for move in states.MOVES} | {f"link-{move.name}" for move in states.LINK_MOVES}


def test_every_need_of_a_move_has_a_sentence() -> None:
    assert {need for move in states.MOVES for need in move.needs} == set(rules.WANTED)


def test_every_state_can_be_reached_and_only_ends_have_no_way_on() -> None:
    reached = {move.target for move in states.MOVES} | {ReportState.UPLOADING}
    left = {state for move in states.MOVES for state in move.sources}

    assert reached == set(ReportState)
    assert set(ReportState) - left == {
        ReportState.CLOSED, ReportState.WITHDRAWN,
    }  # fmt: skip


def test_several_machines_sign_with_the_key_of_the_settings(tmp_path: Path) -> None:
    kept = receipts.Signer.load(tmp_path / "key.pem")
    settings = {"PORTAL_SECRET_KEY": "s" * 40, "PORTAL_RECEIPT_KEY": (tmp_path / "key.pem").read_text()}

    here = receipts.Signer.of(load_config(settings | {"PORTAL_DATA": str(tmp_path / "one")}))
    there = receipts.Signer.of(load_config(settings | {"PORTAL_DATA": str(tmp_path / "two")}))

    assert here.key_id == there.key_id == kept.key_id
    assert not (tmp_path / "one").exists()
