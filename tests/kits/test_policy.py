"""What may be sent where: policies, their history, tables, and what leads see of them."""

import io
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid
from portal.core.tables import guarded
from portal.kits.actions.policy import end_policy, import_policies, spec_of, write_policy
from portal.kits.postal import Address
from portal.kits.queries import policy as queries
from portal.kits.rules.policy import PolicySpec, Reach, cells_of, judge, reach, read_sheet
from portal.kits.states.holds import Verdict
from portal.selection import supply
from tests.cast import NOON, SLUG, Cast, make_account, make_challenge, sign_in
from tests.kits.conftest import BERLIN, Bench

PAGE = f"/staff/{SLUG}/shipments/policy"
A, R, B = Verdict.ALLOW, Verdict.REVIEW, Verdict.BLOCKED
TODAY, TOMORROW = NOON.date(), NOON.date() + timedelta(days=1)


def rows(*told: tuple[str, str, Verdict]) -> list[queries.InForce]:
    return [queries.InForce(number, *row) for number, row in enumerate(told, 1)]


def to(country: str, region: str = "", **more: str) -> Address:
    return Address.of(BERLIN.content() | {"country": country, "region": region, "postal_code": "", "city": ""} | more)


@pytest.mark.parametrize(("address", "verdict"), [
    (to("DE"), None), (to("JP"), R), (to("UA", "Київ"), A), (to("UA", "Crimea"), B), (to("UA", "crimea"), B),
    (to("UA", "Autonomous Republic of Crimea"), B), (to("UA", "Автономна Республіка Крим"), B), (to("UA", "UA-43"), B),
    (to("UA", "Крим", latin_region="Crimea"), B), (to("UA", postal_code="95000"), B),
    (to("UA", postal_code="79000"), A),
    (to("UA", city="Sevastopol"), B), (to("UA"), R), (to("RU", "Tomsk"), A), (to("RU", "Omsk"), B), (to("RU"), B),
    (to("US", "CA"), B), (to("US", "California"), B), (to("US", "NY"), None), (to("US"), R),
])  # fmt: skip
def test_policies_are_held_against_region_city_and_postal_code(address: Address, verdict: Verdict | None) -> None:
    known = rows(
        ("JP", "", R), ("UA", "", A), ("UA", "Crimea", B), ("UA", "Sevastopol", B), ("RU", "", B), ("RU", "Tomsk", A),
        ("US", "California", B),
    )  # fmt: skip

    says = judge(known, address)

    assert (says and says.verdict) == verdict


def test_the_strictest_policy_that_fits_counts() -> None:
    known = rows(("UA", "Crimea", R), ("UA", "Республіка Крим", B))
    says = judge(known, to("UA", "Автономна Республіка Крим", latin_region="Crimea"))
    assert says is not None
    assert (says.verdict, says.policy) == (B, 2)


def test_what_leads_may_know_before_there_is_an_address() -> None:
    known = rows(
        ("IR", "", B), ("JP", "", R), ("FR", "", A), ("UA", "", A), ("UA", "Crimea", B), ("RU", "", B),
        ("RU", "Tomsk", A), ("GE", "Abkhazia", B), ("KP", "", B), ("KP", "Rason", B), ("GE", "Abkhazia", B),
    )  # fmt: skip
    assert reach(known) == Reach(frozenset({"IR", "KP"}), frozenset({"JP", "UA", "RU", "GE"}))
    assert reach([]) == Reach(frozenset(), frozenset())


def in_force(session: Session, cast: Cast, day: date = TODAY) -> list[tuple[str, str, Verdict]]:
    return [row[1:] for row in queries.in_force(session, cast.challenge.id, day)]


def test_what_replaces_a_policy_counts_from_its_day_on(session: Session, cast: Cast, bench: Bench) -> None:
    first = bench.policy("JP", R)
    second = bench.policy("JP", B, valid_from=TOMORROW)
    session.commit()

    assert second.replaces_id == first.id
    assert in_force(session, cast) == [("JP", "", R)]
    assert in_force(session, cast, TOMORROW) == [("JP", "", B)]
    third = bench.policy("JP", A, valid_from=TOMORROW + timedelta(days=1))
    assert in_force(session, cast, TOMORROW) == [("JP", "", B)]
    end_policy(session, cast.challenge, third, by=bench.by, at=NOON)
    assert in_force(session, cast, TOMORROW) == []
    # Whatever came before an end is over, though the next one only begins later.
    bench.policy("JP", B, valid_from=TOMORROW)
    assert in_force(session, cast) == []
    assert [row.verdict for row in queries.history(session, cast.challenge.id, "JP")] == [B, A, B, R]


def test_only_one_of_two_who_change_the_same_policy_does(session: Session, cast: Cast, bench: Bench) -> None:
    seen = bench.policy("JP", R)
    bench.policy("JP", B)
    session.commit()

    with pytest.raises(Conflict, match="just changed"):
        write_policy(session, cast.challenge, PolicySpec("JP", "", A, TODAY), by=bench.by, at=NOON, instead_of=seen)
    session.rollback()
    with pytest.raises(Conflict, match="just changed"):
        end_policy(session, cast.challenge, seen, by=bench.by, at=NOON)


def test_moving_a_policy_onto_another_is_refused(session: Session, cast: Cast, bench: Bench) -> None:
    seen = bench.policy("JP", R)
    bench.policy("FR", R)
    session.commit()

    with pytest.raises(Conflict, match="for this country and region"):
        write_policy(session, cast.challenge, PolicySpec("FR", "", A, TODAY), by=bench.by, at=NOON, instead_of=seen)


def test_a_region_is_the_same_however_it_is_written(session: Session, cast: Cast, bench: Bench) -> None:
    bench.policy("UA", R, "Crimea")
    bench.policy("UA", B, "CRIMEA ")
    assert in_force(session, cast) == [("UA", "CRIMEA ", B)]


SPECS = [
    PolicySpec("GR", "Αττική", R, TODAY, '=HYPERLINK("x"),\n"quoted"', "+1"),
    PolicySpec("CN", "浙江省", B, TOMORROW, "😀"),
    PolicySpec("FR", "'=x", A, TODAY, "''-1", "'plain"), PolicySpec("JP", "", R, TODAY, "a, b; c"),
]  # fmt: skip


def test_what_is_written_out_can_be_read_in_again() -> None:
    told = io.StringIO()
    import csv

    writer = csv.writer(told)
    writer.writerow(["country", "region", "verdict", "valid_from", "note", "basis"])
    writer.writerows(map(guarded, cells_of(spec)) for spec in SPECS)

    sheet = read_sheet(told.getvalue().encode())

    assert [spec for _, spec in sheet.good] == SPECS
    assert sheet.faults == []
    assert not any(line.startswith(("=", "+")) for line in told.getvalue().replace('"', "").split(","))


def test_every_faulty_row_is_told() -> None:
    sheet = read_sheet(
        "country,region,verdict,valid_from\r\nDE,,allow,2026-01-31\r\nXX,,maybe,soon\r\n\r\nde,,blocked,2026-01-01\r\n"
        f"FR,{'r' * 81},review,2026-01-01\r\nFR,,review,2026-01-01,,,\r\nJP,,Review,2026-02-01\r\n".encode()
    )

    assert [(line, spec.country, spec.verdict) for line, spec in sheet.good] == [(2, "DE", A), (8, "JP", R)]
    assert sheet.faults == [
        "Line 3: “XX” is no code of a country; “maybe” is none of allow, review, blocked; "
        "valid_from is no date such as 2026-01-31.",
        "Line 5: this country and region stand on line 2 already.",
        "Line 6: region has more than 80 letters.",
        "Line 7: 3 cells too many.",
    ]


@pytest.mark.parametrize(("data", "words"), [
    (b"\xff\xfe", "UTF-8"), (b"a,b\n1,2\n", "names the columns"), (b"", "names the columns"),
    (b"country,verdict\n" + b"DE,allow\n" * 5001, "5,000"), (b'country,verdict\n"' + b"x" * 200_000, "not readable"),
])  # fmt: skip
def test_what_is_no_table_of_policies_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read_sheet(data)


def test_importing_replaces_what_differs(session: Session, cast: Cast, bench: Bench) -> None:
    bench.policy("JP", R)
    bench.policy("FR", R)
    specs = [PolicySpec("JP", "", R, TODAY), PolicySpec("FR", "", B, TODAY), PolicySpec("IR", "", B, TODAY)]

    assert import_policies(session, cast.challenge, specs, by=bench.by, at=NOON) == (1, 1, 1)
    assert import_policies(session, cast.challenge, specs, by=bench.by, at=NOON) == (0, 0, 3)
    assert [spec_of(row) for row in queries.all_policies(session, cast.challenge.id)] == sorted(
        specs, key=lambda spec: spec.country
    )


# The pages

FORM = {"country": "JP", "region": "", "verdict": "review", "valid_from": "2020-06-15", "basis": "EAR", "note": "ask"}


def test_logistics_write_change_and_end_a_policy(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.logistics)
    assert "not legal advice" in client.get(PAGE).text
    assert "No policies yet" in client.get(PAGE).text

    assert client.post(PAGE, data=FORM).status_code == 302
    assert client.post(PAGE, data=FORM | {"verdict": "maybe"}).status_code == 422
    assert client.post(PAGE, data=FORM | {"valid_from": ""}).status_code == 422
    [made] = queries.all_policies(session, cast.challenge.id)
    assert 'value="EAR"' in client.get(f"{PAGE}/{made.id}").text
    assert client.post(f"{PAGE}/{made.id}", data=FORM | {"verdict": "blocked"}).status_code == 302
    assert client.post(f"{PAGE}/{made.id}", data=FORM).status_code == 404  # it is history by now

    session.expire_all()
    [made] = queries.all_policies(session, cast.challenge.id)
    assert made.verdict is B
    assert "Japan" in client.get(f"{PAGE}?q=japan").text
    assert "None found" in client.get(f"{PAGE}?q=nowhere").text
    assert client.post(f"{PAGE}/{made.id}/end").status_code == 302
    assert client.post(f"{PAGE}/{made.id}/end").status_code == 404
    history = client.get(f"{PAGE}/history?country=JP").text
    assert (history.count("<tr>"), "Pat Logistics" in history) == (3, True)


def test_leads_read_and_admins_edit(client: FlaskClient, session: Session, cast: Cast, bench: Bench) -> None:
    made = bench.policy("JP", R)
    session.commit()
    sign_in(client, cast.lead)
    page = client.get(PAGE).text
    assert "Japan" in page
    assert "Add the policy" not in page
    assert "/shipments/screening" not in page
    assert client.get(f"/staff/{SLUG}/shipments/policy.csv").status_code == 200
    for path in (PAGE, f"{PAGE}/{made.id}", f"{PAGE}/{made.id}/end", f"{PAGE}/import"):
        assert client.post(path, data=FORM).status_code == 403
    sign_in(client, cast.admin)
    assert "Add the policy" in client.get(PAGE).text
    assert client.post(f"{PAGE}/{made.id}/end").status_code == 302


def test_a_table_goes_out_and_comes_in(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.logistics)
    import_policies(session, cast.challenge, SPECS, by=cast.logistics.id, at=NOON)
    session.commit()
    out = client.get(f"{PAGE}.csv")
    assert out.headers["Content-Type"] == "text/csv; charset=utf-8"

    elsewhere = make_challenge(session, "other", "Other")
    session.commit()
    sheet = read_sheet(out.data)
    import_policies(session, elsewhere, [spec for _, spec in sheet.good], by=cast.logistics.id, at=NOON)
    assert {spec_of(row) for row in queries.all_policies(session, elsewhere.id)} == set(SPECS)

    def send(data: bytes, **more: str) -> tuple[int, str]:
        answer = client.post(f"{PAGE}/import", data={"file": (io.BytesIO(data), "p.csv"), **more})
        return answer.status_code, answer.text

    assert send(out.data)[0] == 302
    wrong = b"country,verdict,valid_from\nXX,allow,2026-01-01\nSE,review,2026-01-01\n"
    status, page = send(wrong)
    assert (status, "Line 2: “XX” is no code of a country." in page) == (422, True)
    assert queries.policy_for(session, cast.challenge.id, "SE", "") is None
    assert send(wrong, skip="y")[0] == 302
    session.expire_all()
    assert queries.policy_for(session, cast.challenge.id, "SE", "") is not None
    assert send(b"")[0] == 422
    assert send(b"country,verdict\n")[0] == 422


# What the selection knows


def test_the_selection_learns_of_countries(session: Session, cast: Cast, bench: Bench) -> None:
    assert supply.shipping(session, cast.challenge.id) == supply.Shipping()
    bench.policy("IR", B)
    bench.policy("JP", R)
    bench.policy("KP", B, valid_from=TOMORROW)
    session.commit()

    known = supply.shipping(session, cast.challenge.id)

    assert supply.unshippable(session, cast.challenge.id) == {"IR"}
    assert [known.to(code) for code in ("IR", "JP", "KP", "DE")] == ["blocked", "review", "", ""]


def test_other_challenges_policies_do_not_count(session: Session, cast: Cast) -> None:
    other = make_challenge(session, "other", "Other")
    somebody = make_account(session, "Olga Other")
    write_policy(session, other, PolicySpec("DE", "", B, TODAY), by=somebody.id, at=NOON)
    session.commit()
    assert supply.shipping(session, cast.challenge.id) == supply.Shipping()
