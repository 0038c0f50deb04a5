"""The storm, small enough for every run; `python -m tests.reports.storm` lets the whole one rage."""

import pytest

from tests.reports.storm import KIB, MIB, PAIRS, rage

pytestmark = pytest.mark.slow
UPLOADS, KILLS = 24, 4
SMALLER = (*[KIB] * 3, *[200 * KIB] * 3, 9 * MIB, 18 * MIB)


@pytest.mark.parametrize("pair", PAIRS)
def test_every_upload_arrives_whole_whatever_dies_meanwhile(pair: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT_URL", "ALLOW_HTTP", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "")  # what the storm sets is put back

    figures = rage(pair, uploads=UPLOADS, kills=KILLS, seed=6, sizes=SMALLER)

    assert (figures.opened, sum(figures.kills.values())) == (UPLOADS, KILLS)
    assert min(figures.kills.values()) >= 1
