"""A known address is nowhere in clear: not in the database, the logs, the mails, the audit or the store."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.core.db import Model, db
from portal.core.jobs import JobRun, perform
from portal.kits.actions.rotation import reseal
from portal.kits.jobs import JOBS, judge_addresses
from portal.kits.models import ShipmentHold
from portal.kits.postal import Address
from portal.kits.rules import policy as policy_rules
from portal.kits.states import ShipmentState
from portal.kits.states.holds import Verdict
from portal.kits.vault import Vault
from portal.worker import jobs_of
from tests.cast import SLUG, Cast, sign_in
from tests.kits.conftest import Bench

FORM = {
    "country": "JP", "recipient": "千早赤阪 Zyxwolda Qarthamund", "company": "Vexlorp Quimbrel Werke",
    "street": "Plonkivar 7711\r\n富士見櫓通り", "city": "Grubnaxton", "region": "Tokyo", "postal_code": "101-9973",
    "phone": "+81 90 9182 7364", "tax_id": "TAXQ-55918273", "latin_recipient": "Zyxwolda Qarthamund",
    "latin_street": "Plonkivar 7711 Fujimiyagura", "use_anyway": "y",
}  # fmt: skip
WORDS = (
    "千早赤阪", "Zyxwolda", "Qarthamund", "Vexlorp", "Quimbrel", "Plonkivar", "7711", "富士見櫓", "Grubnaxton",
    "101-9973", "9182", "91827364", "TAXQ", "55918273", "Fujimiyagura",
)  # fmt: skip


class Collected(logging.Handler):
    """Every record as it would be written, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        text = str(record.exc_info and logging.Formatter().formatException(record.exc_info))
        self.lines.append(f"{record.getMessage()} {record.__dict__} {text}")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What is logged, however low its level."""
    handler, root = Collected(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


def in_clear(texts: Iterator[str]) -> set[str]:
    """The words of the address that stand somewhere, as they are or as JSON and logs escape them."""
    shapes = {
        word: {word.casefold(), ascii(word)[1:-1].casefold(), str(word.encode())[2:-1].casefold()} for word in WORDS
    }
    return {
        word for text in texts for word, known in shapes.items() if any(shape in text.casefold() for shape in known)
    }  # fmt: skip


def in_the_database(session: Session) -> Iterator[str]:
    for table in Model.metadata.sorted_tables:
        for row in session.execute(sa.select(table)):
            for value in row:
                yield value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def in_files(app: Flask) -> Iterator[str]:
    """Everything in the data folder: the database of SQLite with its journal, mails, the store."""
    data: Path = app.extensions["portal.config"].data
    for path in sorted(data.rglob("*")):
        if path.is_file():
            yield path.read_bytes().decode("utf-8", "replace")


def test_the_search_would_find_it(session: Session, cast: Cast) -> None:
    cast.participant.name = "Lives in Grubnaxton, 富士見櫓"
    session.commit()
    assert in_clear(in_the_database(session)) == {"Grubnaxton", "富士見櫓"}
    assert in_clear(iter([ascii("富士見櫓"), str("千早赤阪".encode())])) == {"富士見櫓", "千早赤阪"}


def test_a_known_address_is_nowhere_in_clear(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, bench: Bench, logged: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    bench.policy("JP", Verdict.REVIEW)
    # Spelt otherwise, so that what is found is the list's and not the address.
    bench.screen("ZYXVOLDA KARTHAMUNT", "Veckslorp Kuimbrell Verke", threshold=60)
    parcel = bench.at(ShipmentState.ADDRESS_REQUESTED)
    kit, staff = f"/challenges/{SLUG}/kit", f"/staff/{SLUG}/shipments"

    sign_in(client, cast.researcher)
    assert client.post(f"{kit}/address", data=FORM | {"recipient": ""}).status_code == 422
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    with monkeypatch.context() as broken:  # a fault of ours in the middle, with the address at hand
        broken.setattr(policy_rules.postal, "country_name", lambda _code: 1 / 0)
        broken.setitem(app.config, "TESTING", False)
        assert client.post(f"{kit}/address", data=FORM).status_code == 500
    given = client.post(f"{kit}/address", data=FORM)
    assert given.status_code == 302, given.text
    assert "Grubnaxton" in client.get(f"{kit}/address").text
    session.expire_all()
    assert {hold.kind for hold in session.scalars(sa.select(ShipmentHold))} == {"policy_review", "screening"}

    sign_in(client, cast.logistics)
    shown = client.post(f"{staff}/{parcel.id}/address", data={"reason": "the label"})
    assert "Zyxwolda Qarthamund" in shown.text
    for hold in session.scalars(sa.select(ShipmentHold)).all():
        assert not in_clear(iter([client.get(f"{staff}/holds/{hold.id}").text]))
        client.post(f"{staff}/holds/{hold.id}", data={"verdict": "cleared", "note": "others"})
    pages = [
        client.get(f"{staff}{path}").text for path in ("", ".csv", "/holds", "/policy", "/screening", f"/{parcel.id}")
    ]
    assert in_clear(iter(pages)) == set()
    again = client.post(f"{staff}/policy/import", data={"file": (io.BytesIO(b"\xff"), "p.csv")})
    assert again.status_code == 422

    told = personal.export(session, cast.researcher.id)["kits"]["addresses"][0]
    assert Address.of({key: value for key, value in told.items() if key != "challenge"}).city == "Grubnaxton"
    bench.policy("JP", Verdict.BLOCKED)
    session.commit()
    judge = next(job for job in JOBS if job.run is judge_addresses)
    with monkeypatch.context() as broken:
        broken.setattr(policy_rules.postal, "country_name", lambda _code: 1 / 0)
        assert "ZeroDivisionError" in str(perform(session, judge, bench.cast.challenge.apply_until).error)
    for job in jobs_of(app):
        perform(session, job, bench.cast.challenge.apply_from)
    reseal(session, Vault("another-key-" * 4, ["only-for-tests-" * 4]))
    session.commit()
    assert session.get(JobRun, judge.name) is not None

    assert in_clear(in_the_database(session)) == set()
    session.commit()
    db.engine.dispose()
    assert in_clear(in_files(app)) == set()
    assert len(logged) > 10
    assert in_clear(iter(logged)) == set()
