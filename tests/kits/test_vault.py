"""Keys of addresses: named, changed, and unknown."""

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask
from sqlalchemy.orm import Session

from portal import config as configs
from portal.core.audit import AuditEntry
from portal.core.errors import Refused
from portal.kits import actions, queries
from portal.kits.actions.rotation import Step, reseal
from portal.kits.models import DeliveryAddress
from portal.kits.personal import exported
from portal.kits.states import ShipmentState
from portal.kits.vault import Vault
from tests.cast import NOON, Cast
from tests.kits.conftest import BERLIN, VAULT, Bench

FIRST, SECOND, THIRD = "first-" * 8, "second-" * 8, "third-" * 8
CONTENT = {"city": "Berlin", "street": "Ελλάδα 北京"}


def nameless(secret: str, subject: str) -> bytes:
    """What the first release sealed: version 1, without the name of a key."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"research-challenge-portal delivery address 1")
    nonce = b"n" * 12
    return b"\x01" + nonce + AESGCM(kdf.derive(secret.encode())).encrypt(nonce, b'{"city": "Berlin"}', subject.encode())


def test_what_is_sealed_names_its_key_and_tells_nothing() -> None:
    sealed = Vault(FIRST).seal(CONTENT, "participant:1")

    assert (sealed[0], sealed[1:9].hex()) == (2, Vault(FIRST).key)
    assert b"Berlin" not in sealed
    assert sealed != Vault(FIRST).seal(CONTENT, "participant:1")
    assert Vault(FIRST).open(sealed, "participant:1") == CONTENT


def test_old_keys_open_and_do_not_seal() -> None:
    sealed = Vault(FIRST).seal(CONTENT, "participant:1")
    now = Vault(SECOND, [THIRD, FIRST])

    assert now.open(sealed, "participant:1") == CONTENT
    assert now.seal(CONTENT, "participant:1")[1:9].hex() == Vault(SECOND).key
    assert now.keys == {Vault(key).key for key in (FIRST, SECOND, THIRD)}


@pytest.mark.parametrize("keys", [[FIRST], [SECOND, THIRD, FIRST]])
def test_what_the_first_release_sealed_still_opens(keys: list[str]) -> None:
    assert Vault(keys[0], keys[1:]).open(nameless(FIRST, "participant:1"), "participant:1") == {"city": "Berlin"}


SEALED = Vault(FIRST).seal(CONTENT, "participant:1")


@pytest.mark.parametrize(("sealed", "subject"), [
    (SEALED, "participant:2"),
    (Vault(SECOND).seal(CONTENT, "participant:1"), "participant:1"),
    (nameless(SECOND, "participant:1"), "participant:1"),
    (b"\x03" + SEALED[1:], "participant:1"), (SEALED[:-1] + bytes([SEALED[-1] ^ 1]), "participant:1"),
    (SEALED[:1] + bytes([SEALED[1] ^ 1]) + SEALED[2:], "participant:1"),
    (SEALED[:12], "participant:1"), (SEALED[:1], "participant:1"), (b"", "participant:1"),
], ids=[
    "another subject", "another key", "another key, nameless", "another version", "another tag", "another key's name",
    "cut short", "only a version", "nothing",
])  # fmt: skip
def test_what_is_not_ours_is_refused_and_shows_nothing(sealed: bytes, subject: str) -> None:
    with pytest.raises(Refused, match="another key than PORTAL_ADDRESS_KEY") as raised:
        Vault(FIRST).open(sealed, subject)
    assert raised.value.__cause__ is None


def test_the_settings_name_the_keys() -> None:
    base = {"PORTAL_SECRET_KEY": FIRST}
    sealed = Vault.of(configs.load_config(base)).seal(CONTENT, "participant:1")
    later = configs.load_config(
        base | {"PORTAL_ADDRESS_KEY": SECOND, "PORTAL_ADDRESS_KEYS_OLD": f"{THIRD},\n {'fourth-' * 6}"}
    )

    vault = Vault.of(later)

    assert (vault.key, len(vault.keys)) == (Vault(SECOND).key, 4)
    assert vault.open(sealed, "participant:1") == CONTENT
    assert not any(secret in repr(later) for secret in (FIRST, SECOND, THIRD))
    with pytest.raises(configs.ConfigError, match="PORTAL_ADDRESS_KEYS_OLD: each needs at least 32 characters"):
        configs.load_config(base | {"PORTAL_ADDRESS_KEYS_OLD": f"{THIRD},short"})


def sealed_with(session: Session) -> list[str | None]:
    session.expire_all()
    return list(session.scalars(sa.select(DeliveryAddress.sealed_with).order_by(DeliveryAddress.participant_id)))


def test_rotation_goes_step_by_step_and_loses_nothing(session: Session, cast: Cast, bench: Bench) -> None:
    bench.address()
    bench.address(cast.team.members[0], city="Hamburg")
    session.commit()
    now = Vault(SECOND, ["only-for-tests-" * 4])

    first = reseal(session, now, limit=1)
    session.commit()
    assert first == Step(cast.participant.id, 1, 0)
    assert sealed_with(session) == [now.key, VAULT.key]
    # Somebody begins anew: what is done is not done again.
    assert reseal(session, now, limit=5) == Step(cast.team.id, 1, 0)
    session.commit()

    assert sealed_with(session) == [now.key, now.key]
    assert reseal(session, now) == Step(None, 0, 0)
    found = actions.own_address(session, cast.member, Vault(SECOND))
    assert found == BERLIN


def test_what_no_key_opens_stays_and_is_counted(session: Session, cast: Cast, bench: Bench) -> None:
    bench.address()
    session.commit()
    before = queries.address_of(session, cast.participant.id, sealed=True).sealed  # type: ignore[union-attr]

    assert reseal(session, Vault(THIRD)) == Step(cast.participant.id, 0, 1)
    session.commit()
    session.expire_all()
    assert queries.address_of(session, cast.participant.id, sealed=True).sealed == before  # type: ignore[union-attr]


def test_what_somebody_changes_meanwhile_is_left_to_them(session: Session, cast: Cast, bench: Bench) -> None:
    bench.address()
    session.commit()
    now = Vault(SECOND, ["only-for-tests-" * 4])
    given = Vault("only-for-tests-" * 4).seal(BERLIN.content() | {"city": "Bonn"}, f"participant:{cast.participant.id}")
    real_seal = now.seal

    def seal_late(content: dict[str, str], subject: str) -> bytes:
        session.execute(sa.update(DeliveryAddress).values(sealed=given).execution_options(synchronize_session=False))
        return real_seal(content, subject)

    now.seal = seal_late  # type: ignore[method-assign]
    assert reseal(session, now) == Step(cast.participant.id, 0, 0)
    session.expire_all()
    kept = queries.address_of(session, cast.participant.id, sealed=True)
    assert kept is not None
    assert kept.sealed == given


@pytest.fixture
def keyed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application with a key of its own for addresses, and the earlier one."""
    settings = {
        "PORTAL_DATA": str(app.extensions["portal.config"].data), "PORTAL_SECRET_KEY": "only-for-tests-" * 4,
        "PORTAL_ADDRESS_KEY": SECOND, "PORTAL_TESTING": "1",
    }  # fmt: skip
    monkeypatch.setitem(app.extensions, "portal.config", configs.load_config(settings))
    return app


def test_the_command_tells_how_many_are_left_under_which_key(
    keyed: Flask, session: Session, cast: Cast, bench: Bench
) -> None:
    bench.address()
    kept = queries.address_of(session, cast.participant.id, sealed=True)
    assert kept is not None
    # As the first release left it, and one under a key that nobody knows.
    kept.sealed, kept.sealed_with = nameless("only-for-tests-" * 4, f"participant:{cast.participant.id}"), None
    actions.give_address(session, cast.team.members[0], BERLIN, doubtful=False, vault=Vault(THIRD), at=NOON)
    session.commit()
    runner, now, lost = keyed.test_cli_runner(), Vault(SECOND).key, Vault(THIRD).key
    doctor = runner.invoke(args=["doctor"]).output
    assert f"addresses: RuntimeError: 1 under an unknown key ({lost}), 1 under a key that is not named" in doctor

    answer = runner.invoke(args=["kits", "rotate-addresses", "--batch", "1"])

    assert answer.exit_code == 1
    assert answer.stdout.splitlines() == [
        "addresses: 1 sealed anew",
        *sorted([f"addresses: 1 under the current key ({now})", f"addresses: 1 under an unknown key ({lost})"],
                key=lambda line: line.partition("(")[2]),
        "calendars: 0 sealed anew",
        "labels: 0 sealed anew",
        "meeting links: 0 sealed anew",
    ]  # fmt: skip
    assert answer.stderr == "addresses: 1 cannot be opened with any of the keys, and stay as they are\n"


def test_the_doctor_asks_for_a_rotation(keyed: Flask, session: Session, bench: Bench) -> None:
    bench.address()
    session.commit()
    runner = keyed.test_cli_runner()
    told = f"addresses: ok (1 under an old key ({VAULT.key}): run `flask kits rotate-addresses`)"
    assert told in runner.invoke(args=["doctor"]).output

    assert runner.invoke(args=["kits", "rotate-addresses"]).exit_code == 0

    assert f"addresses: ok (1 under the current key ({Vault(SECOND).key}))" in runner.invoke(args=["doctor"]).output


def test_without_its_key_an_address_is_refused_and_can_be_given_anew(
    session: Session, cast: Cast, bench: Bench
) -> None:
    parcel = bench.at(ShipmentState.ADDRESS_CONFIRMED)
    other = Vault(THIRD)
    with pytest.raises(Refused, match="It is kept as it is"):
        actions.reveal_address(session, parcel, "the label", vault=other, by=bench.by, at=NOON)
    session.rollback()
    assert actions.own_address_if_open(session, cast.member, other) is None

    actions.give_address(session, cast.member, BERLIN, doubtful=False, vault=other, at=NOON)
    session.commit()

    kept = queries.address_of(session, cast.participant.id)
    assert kept is not None
    assert (kept.version, kept.sealed_with) == (2, other.key)
    # The application has another key: what it hands over says so instead of failing.
    [told] = exported(session, cast.researcher.id)["addresses"]
    assert set(told) == {"challenge", "sealed"}
    assert not session.scalars(sa.select(AuditEntry.id).where(AuditEntry.tag == "kits:reveal-address")).all()
