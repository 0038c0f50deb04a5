"""The lottery's numbers can be recomputed with other people's tools; the regions are those of the United Nations."""

import html
import shutil
import subprocess

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications.rules import COUNTRIES
from portal.selection.rules import lottery
from portal.selection.rules.regions import M49, NAMED, REGIONS, SUBREGIONS
from tests.cast import NOON, Cast
from tests.selection.conftest import Bench

SEED = "5f" * 32


def regions_of(country: str) -> frozenset[str]:
    """The region and the subregion of a country; none for codes that stand in no region."""
    return frozenset(name for name, codes in NAMED.items() if country in codes)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_openssl_finds_the_same() -> None:
    check, draw = lottery.recipe(SEED, 4711)
    told = [
        subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.split()[-1]
        for command in (check, draw)
    ]
    assert told[0] == lottery.commitment(SEED)
    assert int(told[1][:12], 16) == lottery.number(SEED, 4711)
    assert lottery.share(lottery.number(SEED, 4711)) == int(told[1][:12], 16) / 16**12


def test_numbers_lie_between_0_and_1_and_differ() -> None:
    numbers = [lottery.number(SEED, number) for number in range(2000)]
    shares = [lottery.share(number) for number in numbers]
    assert len(set(numbers)) == 2000
    assert all(0 <= share < 1 for share in shares)
    assert 0.47 < sum(shares) / 2000 < 0.53


def test_seeds_are_drawn_by_chance() -> None:
    first, second = lottery.draw(), lottery.draw()
    assert first != second
    assert len(first) == len(lottery.commitment(first)) == 64


def test_every_country_stands_in_one_region_and_one_subregion() -> None:
    assert sum(map(len, SUBREGIONS.values())) == len(set().union(*SUBREGIONS.values()))
    assert {code for code in COUNTRIES if len(regions_of(code)) != 2} == {"AQ"}
    assert set().union(*REGIONS.values()) <= set(COUNTRIES)
    assert {"Africa", "Eastern Africa"} == regions_of("KE")
    assert len(NAMED) == len(M49) + len(SUBREGIONS)
    assert (len(REGIONS["Africa"]), len(REGIONS["Europe"])) == (60, 52)


def test_everybody_sees_the_hash_before_and_the_seed_after(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast
) -> None:
    address = f"/challenges/{cast.slug}/lottery"
    assert "appears here before the first choice" in client.get(address).text
    draft = bench.what_if(1)
    before = client.get(address).text
    assert draft.lottery.commitment in before
    assert draft.lottery.seed not in before
    draft.lottery.revealed_at = NOON
    after = client.get(address).text
    assert draft.lottery.seed in after
    assert all(html.escape(line) in after for line in lottery.recipe(draft.lottery.seed, 1))
    assert client.get("/challenges/unknown/lottery").status_code == 404
