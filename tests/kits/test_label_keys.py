"""Labels of returns follow a new key, and none is lost on the way: on both databases."""

from base64 import b64encode

import pytest
import sqlalchemy as sa
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal import config as configs
from portal.core.mail import config_of
from portal.kits.actions import returns
from portal.kits.actions.rotation import Step, reseal_kept
from portal.kits.models import DeliveryAddress, KitReturn
from portal.kits.queries.sealed import counts_by_key, everything
from portal.kits.vault import Vault
from tests.cast import Cast, sign_in
from tests.kits.conftest import PDF, Afterwards

NEW, LOST = "a newer key for tests, " * 2, "a key that was lost, " * 2
KIT = "/challenges/test-challenge/kit"
LABELS = next(kept for kept in everything if kept.what == "labels")


def label(session: Session) -> bytes | None:
    session.expire_all()
    return session.scalars(sa.select(KitReturn.label)).one()


@pytest.fixture
def keyed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application with a key of its own for what is sealed, and the earlier one."""
    before = config_of(app)
    settings = {
        "PORTAL_DATA": str(before.data), "PORTAL_SECRET_KEY": before.secret_key, "PORTAL_ADDRESS_KEY": NEW,
        "PORTAL_TESTING": "1",
    }  # fmt: skip
    monkeypatch.setitem(app.extensions, "portal.config", configs.load_config(settings))
    return app


def lose_the_key(session: Session, back: KitReturn) -> bytes:
    """Seal the label under a key that nobody has any more; the bytes."""
    sealed = Vault(LOST).seal({"pdf": b64encode(PDF).decode()}, returns.subject(back.id))
    session.execute(sa.update(KitReturn).values(label=sealed).execution_options(synchronize_session=False))
    session.commit()
    return sealed


def test_labels_are_sealed_anew_step_by_step(session: Session, cast: Cast, afterwards: Afterwards) -> None:
    back = afterwards.announced()
    assert counts_by_key(session, LABELS) == {Vault.of(config_of(current_app)).key: 1}
    now = Vault(NEW, [config_of(current_app).secret_key])

    assert reseal_kept(session, now, LABELS, limit=1) == Step(back.id, 1, 0)
    session.commit()

    assert reseal_kept(session, now, LABELS) == Step(None, 0, 0)
    assert counts_by_key(session, LABELS) == {now.key: 1}
    session.expire_all()
    assert returns.own_label(session, cast.member, back.id, Vault(NEW)) == PDF


def test_a_label_that_no_key_opens_stays_and_is_told(
    client: FlaskClient, session: Session, cast: Cast, afterwards: Afterwards
) -> None:
    back = afterwards.announced()
    sealed = lose_the_key(session, back)

    assert reseal_kept(session, Vault(NEW), LABELS) == Step(back.id, 0, 1)
    session.commit()

    assert (label(session), counts_by_key(session, LABELS)) == (sealed, {Vault(LOST).key: 1})
    sign_in(client, cast.researcher)
    answer = client.get(f"{KIT}/returns/{back.id}/label.pdf")
    assert (answer.status_code, "cannot be opened at the moment" in answer.text) == (422, True)
    assert "PORTAL_ADDRESS" not in answer.text


@pytest.mark.parametrize("forgotten", [False, True])
def test_what_becomes_of_a_label_meanwhile_stands(
    session: Session, cast: Cast, afterwards: Afterwards, forgotten: bool
) -> None:
    afterwards.announced()
    now, other = Vault(NEW, [config_of(current_app).secret_key]), None if forgotten else b"\x02another label"
    real_seal = now.seal

    def seal_late(content: dict[str, str], subject: str) -> bytes:
        session.execute(sa.update(KitReturn).values(label=other).execution_options(synchronize_session=False))
        return real_seal(content, subject)

    now.seal = seal_late  # type: ignore[method-assign]
    assert reseal_kept(session, now, LABELS).resealed == 0
    assert label(session) == other


def test_the_command_and_the_doctor_tell_of_labels(keyed: Flask, session: Session, afterwards: Afterwards) -> None:
    back, now, runner = afterwards.announced(), Vault(NEW), keyed.test_cli_runner()
    old = Vault(config_of(keyed).secret_key)
    sealed = old.seal({"pdf": b64encode(PDF).decode()}, returns.subject(back.id))
    session.execute(sa.update(KitReturn).values(label=sealed).execution_options(synchronize_session=False))
    session.execute(sa.delete(DeliveryAddress))
    session.commit()
    told = f"addresses: ok (labels: 1 under an old key ({old.key}): run `flask kits rotate-addresses`)"
    assert told in runner.invoke(args=["doctor"]).output

    answer = runner.invoke(args=["kits", "rotate-addresses"])
    assert (answer.exit_code, answer.output.splitlines()) == (0, [
        "addresses: 0 sealed anew", "calendars: 0 sealed anew", "labels: 1 sealed anew",
        f"labels: 1 under the current key ({now.key})", "meeting links: 0 sealed anew",
    ])  # fmt: skip

    lose_the_key(session, back)
    assert f"RuntimeError: labels: 1 under an unknown key ({Vault(LOST).key}): set PORTAL_ADDRESS_KEYS_OLD" in (
        runner.invoke(args=["doctor"]).output
    )
    answer = runner.invoke(args=["kits", "rotate-addresses"])
    assert (answer.exit_code, answer.stderr) == (
        1, "labels: 1 cannot be opened with any of the keys, and stay as they are\n"
    )  # fmt: skip
