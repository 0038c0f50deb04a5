"""Where the portal is and with which token: from the environment, or from a file that only its owner can read."""

import json
import os
import re
import stat
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from portal.triage.failures import Failure

URL, TOKEN = "PORTAL_TRIAGE_URL", "PORTAL_TRIAGE_TOKEN"


class Settings(NamedTuple):
    """`url` is the address of a challenge's staff pages, without a slash at its end."""

    url: str
    token: str


def place(environment: Mapping[str, str]) -> Path:
    """The settings' file."""
    home = environment.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "portal-triage"


def load(environment: Mapping[str, str]) -> Settings:
    """The settings in force. Raises Failure if there are none, or if others can read them."""
    if TOKEN in environment and URL in environment:
        return Settings(checked(environment[URL]), checked_token(environment[TOKEN]))
    path = place(environment)
    try:
        with path.open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise Failure(
                    f"{path} can be read by others. Make it yours alone: chmod 600 {path}; then renew the token."
                )
            stored = json.load(file)
        return Settings(checked(str(stored["url"])), checked_token(str(stored["token"])))
    except FileNotFoundError:
        raise Failure(f"Not signed in: run `portal-triage login ADDRESS`, or set {URL} and {TOKEN}.") from None
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{path} is damaged. Run `portal-triage login ADDRESS` again.") from None


def store(settings: Settings, environment: Mapping[str, str]) -> Path:
    """Keep the settings in a file with mode 0600, whole or not at all."""
    path = place(environment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(settings._asdict(), file)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def checked(url: str) -> str:
    """The address in its plain form. Raises Failure if the token would travel in clear beyond this machine."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise Failure(f"{url} is not an address.") from None
    if not host or parts.username or parts.query or parts.fragment:
        raise Failure(f"{url} is not the address of a challenge's staff pages.")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback(host)):
        raise Failure("The address must begin with https:// (http:// only on this machine itself).")
    path = parts.path.rstrip("/").removesuffix("/reports")
    if "/staff/" not in f"{path}/":
        raise Failure("Give the address of the challenge's staff pages: https://portal.example/staff/CHALLENGE")
    return f"{parts.scheme}://{parts.netloc}{path}"


def checked_token(token: str) -> str:
    """The token, if it can be one: it becomes part of a request's head."""
    if not re.fullmatch(r"[!-~]+", token):
        raise Failure("That is not a token. Make one on the staff pages, under reports, tokens.")
    return token


def loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
