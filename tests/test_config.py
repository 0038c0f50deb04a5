"""The settings: all faults at once, no default secret."""

from pathlib import Path

import pytest

from portal.config import Config, ConfigError, load_config

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
            }
        )

    assert raised.value.faults == [
        "PORTAL_DATABASE_URL: must begin with sqlite:/// or postgresql://",
        "PORTAL_MAIL_URL: “pigeon:” is not one of smtp, smtps, folder",
        "PORTAL_PUBLIC_URL: must be https except on a loopback address",
        "PORTAL_CALENDAR_HOSTS: “https://other.example.org/x” is not the name of a server",
        "PORTAL_PROXIES: must be a whole number",
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
