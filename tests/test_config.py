"""The settings: all faults at once, no default secret."""

from pathlib import Path

import pytest

from portal.config import Config, ConfigError, load_config, public_keys
from tests.kits.services import rsa_public

SECRET = "s" * 40


def test_the_defaults_suit_one_machine(tmp_path: Path) -> None:
    config = load_config({"PORTAL_DATA": str(tmp_path), "PORTAL_SECRET_KEY": SECRET})

    assert config == Config(
        data=tmp_path,
        database_url=f"sqlite:///{tmp_path}/portal.sqlite3",
        storage_url=f"file://{tmp_path}/store",
        mail_url=f"folder:{tmp_path}/mail",
        mail_from="portal@127.0.0.1",
        public_url="http://127.0.0.1:8000",
        secret_key=SECRET,
    )
    assert not config.secure


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(
            {
                "PORTAL_DATABASE_URL": "mysql://x",
                "PORTAL_MAIL_URL": "pigeon:coop",
                "PORTAL_PUBLIC_URL": "http://portal.example.org",
                "PORTAL_SCHEDULER": "sometimes",
                "PORTAL_CALENDAR_HOSTS": "calendar.example.org, https://other.example.org/x",
                "PORTAL_PROXIES": "many",
                "PORTAL_THREADS": "0",
            }
        )

    assert raised.value.faults == [
        "PORTAL_DATABASE_URL: must begin with sqlite:/// or postgresql://",
        "PORTAL_MAIL_URL: “pigeon:” is not one of smtp, smtps, folder",
        "PORTAL_PUBLIC_URL: must be https except on a loopback address",
        "PORTAL_CALENDAR_HOSTS: “https://other.example.org/x” is not the name of a server",
        "PORTAL_PROXIES: must be a whole number",
        "PORTAL_THREADS: must be a whole number from 1 to 512",
        "PORTAL_SECRET_KEY is required and has no default",
        "PORTAL_SCHEDULER: must be one of off, embedded",
    ]


def test_a_secret_may_come_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")

    config = load_config({"PORTAL_SECRET_KEY_FILE": str(tmp_path / "key")})

    assert config.secret_key == SECRET
    assert SECRET not in repr(config)


def test_a_secret_file_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="PORTAL_SECRET_KEY_FILE: /nowhere/key cannot be read"):
        load_config({"PORTAL_SECRET_KEY_FILE": "/nowhere/key"})


def test_psycopg_is_named_for_sqlalchemy() -> None:
    config = load_config({"PORTAL_DATABASE_URL": "postgresql://u@h/d", "PORTAL_SECRET_KEY": SECRET})

    assert config.database_url == "postgresql+psycopg://u@h/d"


def test_the_demonstration_stays_on_this_machine() -> None:
    with pytest.raises(ConfigError, match="PORTAL_DEMONSTRATION: its passwords are public"):
        load_config(
            {
                "PORTAL_SECRET_KEY": SECRET,
                "PORTAL_PUBLIC_URL": "https://portal.example.org",
                "PORTAL_DEMONSTRATION": "1",
            }
        )


SERVICES = {
    "PORTAL_EASYPOST_WEBHOOK_SECRET": "easypost-secret-é", "PORTAL_SHIPPO_WEBHOOK_SECRET": "shippo-secret-1234",
    "PORTAL_SHIPSTATION_WEBHOOK_KEYS": rsa_public(), "PORTAL_TRACKING_TOKEN": "tracking-token",
}  # fmt: skip


def test_what_services_sign_with_may_come_as_files_and_is_never_shown(tmp_path: Path) -> None:
    environ = {"PORTAL_SECRET_KEY": SECRET, "PORTAL_TRACKING_URL": "https://api.example.org/v1/tracking"}
    for name, value in SERVICES.items():
        (tmp_path / name).write_text(f"{value}\n")
        environ[f"{name}_FILE"] = str(tmp_path / name)

    config = load_config(environ)

    assert (config.easypost_webhook_secret, config.shippo_webhook_secret) == ("easypost-secret-é", "shippo-secret-1234")
    assert list(public_keys(config.shipstation_webhook_keys or "")) == ["PEM 0"]
    assert config.tracking_url == "https://api.example.org/v1/tracking"
    for value in SERVICES.values():
        assert value.strip()[-20:] not in repr(config)


def test_what_services_sign_with_is_checked_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(
            {
                "PORTAL_SECRET_KEY": SECRET, "PORTAL_EASYPOST_WEBHOOK_SECRET": "short",
                "PORTAL_SHIPPO_WEBHOOK_SECRET": "short", "PORTAL_SHIPSTATION_WEBHOOK_KEYS": "-----BEGIN RUBBISH-----",
                "PORTAL_TRACKING_URL": "http://api.example.org/",
            }
        )  # fmt: skip

    assert raised.value.faults == [
        "PORTAL_EASYPOST_WEBHOOK_SECRET: needs at least 16 characters",
        "PORTAL_SHIPPO_WEBHOOK_SECRET: needs at least 16 characters",
        "PORTAL_SHIPSTATION_WEBHOOK_KEYS: must be RSA public keys of at least 2048 bits, as PEM or as the service's "
        "JWKS document",
        "PORTAL_TRACKING_URL: must be https except on a loopback address",
        "PORTAL_TRACKING_URL and PORTAL_TRACKING_TOKEN: one is of no use without the other",
    ]


@pytest.mark.parametrize("url", [
    "https://user:pass@api.example.org/", "https://api.example.org/?next=x", "https://", "ftp://api.example.org/",
    "https://api.example.org/#x", "api.example.org",
])  # fmt: skip
def test_a_service_that_is_asked_has_a_plain_address(url: str) -> None:
    with pytest.raises(ConfigError, match="PORTAL_TRACKING_URL"):
        load_config({"PORTAL_SECRET_KEY": SECRET, "PORTAL_TRACKING_URL": url, "PORTAL_TRACKING_TOKEN": "t"})


LINE = {"PORTAL_SECRET_KEY": SECRET, "PORTAL_LINE_ADDRESS": "Line@portal.example.org"}


def test_the_line_has_an_address_and_a_mailbox_whose_password_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "imap").write_text("imaps://line:hush@mail.example.org:993/INBOX\n")

    config = load_config(LINE | {"PORTAL_IMAP_URL_FILE": str(tmp_path / "imap")})

    assert (config.line_address, config.imap_url) == (
        "line@portal.example.org", "imaps://line:hush@mail.example.org:993/INBOX",
    )  # fmt: skip
    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    "address",
    ["line", "@x", "line@", "a@b@c", "line+x@example.org", "a b@example.org", "line@x\n", "Line <l@x>", "é@x.org"],
)
def test_an_odd_address_of_the_line_is_a_fault(address: str) -> None:
    with pytest.raises(ConfigError, match="PORTAL_LINE_ADDRESS: must look like line@portal"):
        load_config(LINE | {"PORTAL_LINE_ADDRESS": address})


@pytest.mark.parametrize("url", ["pop3://u:p@h", "imaps://h", "imaps://u:p@", "imaps://u:p@h:many", "line@example.org"])
def test_an_odd_mailbox_is_a_fault(url: str) -> None:
    with pytest.raises(ConfigError, match="PORTAL_IMAP_URL: must look like imaps://"):
        load_config(LINE | {"PORTAL_IMAP_URL": url})


def test_a_mailbox_needs_the_address_that_leads_to_it() -> None:
    with pytest.raises(ConfigError, match="PORTAL_IMAP_URL: without PORTAL_LINE_ADDRESS"):
        load_config({"PORTAL_SECRET_KEY": SECRET, "PORTAL_IMAP_URL": "imaps://u:p@h"})
