"""The portal's settings: read once from a mapping, checked together, frozen afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

SCHEDULERS = ("off", "embedded")
STORAGE_SCHEMES = ("file", "s3", "az", "gs", "memory")
MAIL_SCHEMES = ("smtp", "smtps", "folder")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ConfigError(Exception):
    """Some settings are wrong; `faults` names every one of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Config:
    """What the operator decides. Addresses are URLs, folders are absolute paths."""

    data: Path
    database_url: str
    storage_url: str
    mail_url: str
    mail_from: str
    public_url: str
    secret_key: str = field(repr=False)
    # Under it delivery addresses are sealed. Without it a key derived from the secret key serves, so that changing the
    # secret key then makes addresses unreadable.
    address_key: str | None = field(default=None, repr=False)
    # The PEM of the Ed25519 key that signs receipts; without one the data folder keeps one, which serves one machine.
    receipt_key: str | None = field(default=None, repr=False)
    scheduler: str = "off"
    redis_url: str | None = None
    demonstration: bool = False
    metrics_token: str | None = field(default=None, repr=False)
    proxies: int = 0
    # The largest file that participants are given, in MiB.
    download_mib: int = 512
    testing: bool = False

    @property
    def secure(self) -> bool:
        """Whether people reach the portal by https, which decides on cookies and strict transport."""
        return self.public_url.startswith("https://")

    @property
    def host(self) -> str:
        """The host part of the public address, without its port."""
        return urlsplit(self.public_url).hostname or "localhost"


class _Reader:
    """Takes settings out of the environment and gathers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        """The setting itself, or the content of the file that `NAME_FILE` names (for secrets)."""
        key = f"PORTAL_{name}"
        path = self.environ.get(f"{key}_FILE")
        if path and key not in self.environ:
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                self.faults.append(f"{key}_FILE: {path} cannot be read ({error.strerror})")
                return ""
        value = self.environ.get(key, default)
        if value is None:
            self.faults.append(f"{key} is required and has no default")
            return ""
        return value

    def checked(self, name: str, default: str | None, check: Callable[[str], str | None]) -> str:
        """The setting, with the fault that `check` finds in it noted."""
        value = self.text(name, default)
        fault = check(value) if value else None
        if fault:
            self.faults.append(f"PORTAL_{name}: {fault}")
        return value


def _scheme_of(allowed: tuple[str, ...]) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        scheme = value.partition(":")[0]
        return None if scheme in allowed else f"“{scheme}:” is not one of {', '.join(allowed)}"

    return check


def _database(value: str) -> str | None:
    if value.startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
        return None
    return "must begin with sqlite:/// or postgresql://"


def _public(value: str) -> str | None:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        return "must look like https://portal.example.org"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return "must be https except on a loopback address"
    return None


def _secret(value: str) -> str | None:
    return None if len(value) >= 32 else "needs at least 32 characters"


def _private_key(value: str) -> str | None:
    return None if value.startswith("-----BEGIN PRIVATE KEY-----") else "must be a private key in PEM"


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str | None]:
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}"


def _number(value: str) -> str | None:
    return None if value.isdecimal() else "must be a whole number"


def load_config(environ: Mapping[str, str]) -> Config:
    """Read every PORTAL_ setting. Raises ConfigError with all faults at once."""
    reader = _Reader(environ)
    data = Path(reader.text("DATA", "./var")).absolute()
    database = reader.checked("DATABASE_URL", f"sqlite:///{data / 'portal.sqlite3'}", _database)
    mail = reader.checked("MAIL_URL", f"folder:{data / 'mail'}", _scheme_of(MAIL_SCHEMES))
    public = reader.checked("PUBLIC_URL", "http://127.0.0.1:8000", _public).rstrip("/")
    proxies = reader.checked("PROXIES", "0", _number)
    download = reader.checked("DOWNLOAD_MIB", "512", _number)
    config = Config(
        data=data,
        database_url=database.replace("postgresql://", "postgresql+psycopg://", 1),
        storage_url=reader.checked("STORAGE_URL", f"file://{data / 'store'}", _scheme_of(STORAGE_SCHEMES)),
        mail_url=mail,
        mail_from=reader.text("MAIL_FROM", f"portal@{urlsplit(public).hostname or 'localhost'}"),
        public_url=public,
        secret_key=reader.checked("SECRET_KEY", None, _secret),
        address_key=reader.checked("ADDRESS_KEY", "", _secret) or None,
        receipt_key=reader.checked("RECEIPT_KEY", "", _private_key) or None,
        scheduler=reader.checked("SCHEDULER", "off", _one_of(SCHEDULERS)),
        redis_url=environ.get("PORTAL_REDIS_URL"),
        demonstration=environ.get("PORTAL_DEMONSTRATION") == "1",
        metrics_token=environ.get("PORTAL_METRICS_TOKEN"),
        proxies=int(proxies) if proxies.isdecimal() else 0,
        download_mib=int(download) if download.isdecimal() else 0,
        testing=environ.get("PORTAL_TESTING") == "1",
    )
    if config.demonstration and config.host not in LOOPBACK:
        reader.faults.append("PORTAL_DEMONSTRATION: its passwords are public, so only a loopback address may have it")
    if reader.faults:
        raise ConfigError(reader.faults)
    return config
