"""The portal's settings: read once from a mapping, checked together, frozen afterwards."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key

SCHEDULERS = ("off", "embedded")
STORAGE_SCHEMES = ("file", "s3", "az", "gs", "memory")
MAIL_SCHEMES = ("smtp", "smtps", "folder")
IMAP_SCHEMES = ("imap", "imaps")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


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
    # What was sealed under these can still be opened, until it is sealed anew.
    address_keys_old: tuple[str, ...] = field(default=(), repr=False)
    # The PEM of the Ed25519 key that signs receipts; without one the data folder keeps one, which serves one machine.
    receipt_key: str | None = field(default=None, repr=False)
    # Where people answer mails of the line, and the mailbox in which those answers arrive.
    line_address: str | None = None
    imap_url: str | None = field(default=None, repr=False)
    scheduler: str = "off"
    redis_url: str | None = None
    demonstration: bool = False
    metrics_token: str | None = field(default=None, repr=False)
    # What the services that pass news of carriers on sign them with. Without it their webhook is not there.
    easypost_webhook_secret: str | None = field(default=None, repr=False)
    shippo_webhook_secret: str | None = field(default=None, repr=False)
    shipstation_webhook_keys: str | None = field(default=None, repr=False)
    # The service that is asked about parcels now and then, and what it knows us by.
    tracking_url: str | None = None
    tracking_token: str | None = field(default=None, repr=False)
    # The servers from which hosts' calendars may be read: "calendar.example.org", with its port where that is not 443.
    calendar_hosts: frozenset[str] = frozenset()
    # Who publishes advisories: a name, an address of theirs, and what advisories' ids begin with.
    csaf_publisher: str = "Research challenge"
    csaf_namespace: str | None = None
    csaf_prefix: str = "PORTAL"
    proxies: int = 0
    # How many requests one process works on at once.
    threads: int = 4
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


def _secrets(value: str) -> str | None:
    return None if all(len(key) >= 32 for key in _several(value)) else "each needs at least 32 characters"


def _several(value: str) -> tuple[str, ...]:
    """Settings apart by commas or white space."""
    return tuple(value.replace(",", " ").split())


def _private_key(value: str) -> str | None:
    return None if value.startswith("-----BEGIN PRIVATE KEY-----") else "must be a private key in PEM"


def public_keys(text: str) -> dict[str, RSAPublicKey]:
    """The RSA keys in a JWKS document by their key ids (RFC 7517), or in PEM, one after the other, under no name.

    Raises ValueError where there is none, one cannot be read, or one is shorter than 2048 bits.
    """
    if text.lstrip().startswith("{"):
        keys = _jwks(text)
    else:
        keys = {f"PEM {number}": _pem(found) for number, found in enumerate(_PEM.findall(text))}
    if not keys or any(key.key_size < 2048 for key in keys.values()):
        raise ValueError("no RSA keys of at least 2048 bits")
    return keys


def _jwks(text: str) -> dict[str, RSAPublicKey]:
    try:
        return {str(key["kid"]): _jwk(key) for key in json.loads(text)["keys"] if key["kty"] == "RSA"}
    except (KeyError, TypeError) as error:
        raise ValueError("no JWKS document") from error


def _jwk(key: Mapping[str, str]) -> RSAPublicKey:
    modulus, exponent = (int.from_bytes(urlsafe_b64decode(key[name] + "==")) for name in ("n", "e"))
    return RSAPublicNumbers(exponent, modulus).public_key()


def _pem(text: str) -> RSAPublicKey:
    key = load_pem_public_key(text.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("no RSA key")
    return key


def _webhook_keys(value: str) -> str | None:
    try:
        public_keys(value)
    except ValueError:
        return "must be RSA public keys of at least 2048 bits, as PEM or as the service's JWKS document"
    return None


def _webhook_secret(value: str) -> str | None:
    return None if len(value) >= 16 else "needs at least 16 characters"


def _service(value: str) -> str | None:
    """The address of a service that is asked: nothing in it may lead elsewhere."""
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        return "must look like https://api.example.org/v1/tracking"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return "must be https except on a loopback address"
    return None


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str | None]:
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}"


def _address(value: str) -> str | None:
    local, _, domain = value.partition("@")
    plain = value.isascii() and value.isprintable() and not set(value) & set(' "<>(),:;+')
    return None if plain and local and domain and "@" not in domain else "must look like line@portal.example.org"


def _mailbox(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in IMAP_SCHEMES and parts.hostname and parts.username and (parts.port or 1)
    except ValueError:
        whole = False
    return None if whole else "must look like imaps://user:password@host:993/INBOX"


def _number(value: str) -> str | None:
    return None if value.isdecimal() else "must be a whole number"


def _several_at_once(value: str) -> str | None:
    return None if value.isdecimal() and 1 <= int(value) <= 512 else "must be a whole number from 1 to 512"


def _hosts(value: str) -> str | None:
    wrong = [part for part in value.split(",") if not _HOST.fullmatch(part.strip())]
    return f"“{wrong[0].strip()}” is not the name of a server" if wrong else None


def load_config(environ: Mapping[str, str]) -> Config:
    """Read every PORTAL_ setting. Raises ConfigError with all faults at once."""
    reader = _Reader(environ)
    data = Path(reader.text("DATA", "./var")).absolute()
    database = reader.checked("DATABASE_URL", f"sqlite:///{data / 'portal.sqlite3'}", _database)
    mail = reader.checked("MAIL_URL", f"folder:{data / 'mail'}", _scheme_of(MAIL_SCHEMES))
    public = reader.checked("PUBLIC_URL", "http://127.0.0.1:8000", _public).rstrip("/")
    calendars = reader.checked("CALENDAR_HOSTS", "", _hosts)
    proxies = reader.checked("PROXIES", "0", _number)
    threads = reader.checked("THREADS", "4", _several_at_once)
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
        address_keys_old=_several(reader.checked("ADDRESS_KEYS_OLD", "", _secrets)),
        receipt_key=reader.checked("RECEIPT_KEY", "", _private_key) or None,
        line_address=reader.checked("LINE_ADDRESS", "", _address).lower() or None,
        imap_url=reader.checked("IMAP_URL", "", _mailbox) or None,
        scheduler=reader.checked("SCHEDULER", "off", _one_of(SCHEDULERS)),
        redis_url=environ.get("PORTAL_REDIS_URL"),
        demonstration=environ.get("PORTAL_DEMONSTRATION") == "1",
        metrics_token=environ.get("PORTAL_METRICS_TOKEN"),
        **_services(reader),
        **_advisories(reader),
        calendar_hosts=frozenset(host.strip().lower() for host in calendars.split(",") if host.strip()),
        proxies=int(proxies) if proxies.isdecimal() else 0,
        threads=int(threads) if threads.isdecimal() else 0,
        download_mib=int(download) if download.isdecimal() else 0,
        testing=environ.get("PORTAL_TESTING") == "1",
    )
    faults = [*reader.faults, *_clashes(config)]
    if faults:
        raise ConfigError(faults)
    return config


def _services(reader: _Reader) -> dict[str, Any]:
    """What is known of the services that tell of parcels."""
    return {
        "easypost_webhook_secret": reader.checked("EASYPOST_WEBHOOK_SECRET", "", _webhook_secret) or None,
        "shippo_webhook_secret": reader.checked("SHIPPO_WEBHOOK_SECRET", "", _webhook_secret) or None,
        "shipstation_webhook_keys": reader.checked("SHIPSTATION_WEBHOOK_KEYS", "", _webhook_keys) or None,
        "tracking_url": reader.checked("TRACKING_URL", "", _service) or None,
        "tracking_token": reader.text("TRACKING_TOKEN", "") or None,
    }


def _prefix(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Z][A-Z0-9-]{1,19}", value) else "must be two to twenty capital letters and digits"


def _advisories(reader: _Reader) -> dict[str, Any]:
    """Who publishes advisories, and under which names."""
    return {
        "csaf_publisher": reader.text("CSAF_PUBLISHER", "Research challenge"),
        "csaf_namespace": reader.checked("CSAF_NAMESPACE", "", _public) or None,
        "csaf_prefix": reader.checked("CSAF_PREFIX", "PORTAL", _prefix),
    }


def _clashes(config: Config) -> Iterator[str]:
    """What is wrong with settings that are each right by themselves."""
    if bool(config.tracking_url) != bool(config.tracking_token):
        yield "PORTAL_TRACKING_URL and PORTAL_TRACKING_TOKEN: one is of no use without the other"
    if config.demonstration and config.host not in LOOPBACK:
        yield "PORTAL_DEMONSTRATION: its passwords are public, so only a loopback address may have it"
    if config.imap_url and not config.line_address:
        yield "PORTAL_IMAP_URL: without PORTAL_LINE_ADDRESS no mail carries an address to answer to"
