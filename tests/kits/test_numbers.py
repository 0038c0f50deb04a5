"""The numbers of the parcels: each counted from rows, none told where there are too few, nobody named."""

import csv
import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.kits import actions
from portal.kits.actions import Scan
from portal.kits.queries import numbers as queries
from portal.kits.rules import numbers as rules
from portal.kits.rules.numbers import FEW, Span, Way
from portal.kits.states import ShipmentState, Word
from portal.kits.states.returns import ReplacementState, ReturnState
from tests.cast import NOON, Cast, sign_in
from tests.kits.conftest import HOUR, Afterwards

S = ShipmentState
PAGE = "/staff/test-challenge/shipments/numbers"
DAY = timedelta(days=1)


def way(days: float, country: str = "DE", carrier: str = "DHL", state: ShipmentState = S.DELIVERED) -> Way:
    return Way(state, country, carrier, NOON - DAY, NOON, NOON + DAY, NOON + (1 + days) * DAY, None)


@pytest.mark.parametrize(("values", "part", "found"), [
    ([], 0.5, None), ([3], 0.5, 3), ([3], 0.9, 3), ([4, 1, 3, 2], 0.5, 2), ([1, 2, 3, 4, 5], 0.5, 3),
    (list(range(1, 11)), 0.9, 9), (list(range(1, 12)), 0.9, 10),
])  # fmt: skip
def test_percentiles_are_values_that_occurred(values: list[float], part: float, found: float | None) -> None:
    assert rules.percentile(values, part) == found


def test_of_too_few_no_median_is_told() -> None:
    ways = [way(days) for days in range(1, FEW + 1)]

    spans = {span.name: span for span in rules.spans(ways)}
    assert spans["handed over → delivered"] == Span("handed over → delivered", 5, 3.0, 5.0)
    assert spans["delivered → received"] == Span("delivered → received", 0, None, None)
    assert rules.spans(ways[1:])[2] == Span("handed over → delivered", 4, None, None)


def test_what_went_backwards_is_no_time() -> None:
    assert rules.span("x", [timedelta(days=-1)] + [DAY] * 5) == Span("x", 5, 1.0, 1.0)


def test_countries_add_up() -> None:
    ways = [
        way(2), way(4), way(1, country="JP"),
        Way(S.LOST, "DE", "DHL", None, None, NOON, None, None), Way(S.READY, "DE", None, None, None, None, None, None),
        Way(S.IN_TRANSIT, "DE", "UPS", None, None, NOON, None, None),
    ]  # fmt: skip

    germany, japan = rules.places(ways, lambda way: way.country)
    assert germany[:6] == ("DE", 5, 1, 1, 2, 1)
    assert japan[:6] == ("JP", 1, 0, 0, 1, 0)
    assert [place.name for place in rules.places(ways, lambda way: way.carrier)] == ["DHL", "UPS"]


def test_ways_are_read_from_the_rows(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    parcel = afterwards.at(S.HANDED_OVER)
    actions.note_scan(session, parcel, Scan("dhl", "1", S.DELIVERED, NOON + HOUR), by=None, at=NOON + DAY)
    actions.say(session, parcel, Word.DAMAGED, "", by=cast.researcher.id, at=NOON + DAY)
    actions.replace(session, afterwards.again(parcel), by=afterwards.by, at=NOON + 2 * DAY)

    first, second = queries.ways(session, cast.challenge.id)
    assert first == Way(S.RECEIVED, "DE", "DHL", cast.participant.accepted_at, NOON, NOON, NOON + HOUR, NOON + DAY)
    assert second == Way(S.ADDRESS_CONFIRMED, "DE", None, None, NOON + 2 * DAY, None, None, None)
    assert [tuple(trouble) for trouble in queries.troubles(session, cast.challenge.id)] == [(Word.DAMAGED, 1, 0)]
    assert set(queries.replacements(session, cast.challenge.id).values()) == {0}
    assert list(queries.replacements(session, cast.challenge.id)) == list(ReplacementState)
    assert queries.returns(session, cast.challenge.id)[ReturnState.ASKED] == 0


def test_the_lead_sees_numbers_and_nobody_s_name(client: FlaskClient, cast: Cast, afterwards: Afterwards) -> None:
    sign_in(client, cast.lead)
    assert "No parcels yet" in client.get(PAGE).text
    afterwards.arrived()

    page = client.get(PAGE).text
    assert ("Germany" in page, "too few" in page, "Not looked at yet" in page) == (True, True, True)
    assert "Rosa" not in page
    assert f"{PAGE.removesuffix('/numbers')}/returns" not in page


@pytest.mark.parametrize(("name", "line"), [
    ("stages", "returned,1,2020-06-15T12:00:00Z,0"), ("times", "accepted → address given,1,,"),
    ("countries", "Germany,1,0,0,1,0,,"), ("carriers", "DHL,1,0,0,1,0,,"), ("troubles", "replacement,0,0"),
    ("returns", "arrived,1"), ("units", ",1,0"),
])  # fmt: skip
def test_each_table_is_a_csv(client: FlaskClient, cast: Cast, afterwards: Afterwards, name: str, line: str) -> None:
    afterwards.arrived()
    sign_in(client, cast.lead)

    answer = client.get(f"{PAGE}/{name}.csv")

    assert answer.mimetype == "text/csv"
    assert line in answer.text.splitlines()
    widths = {len(row) for row in csv.reader(io.StringIO(answer.text))}
    assert len(widths) == 1
    assert client.get(f"{PAGE}/nothing.csv").status_code == 404
