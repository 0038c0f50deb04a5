"""The blueprint of the room, and what its pages share."""

from typing import cast

from flask import Blueprint, current_app

from portal.core.mail import config_of
from portal.kits.vault import Vault

blueprint = Blueprint("kits", __name__)


def vault() -> Vault:
    """The vault of this application's settings."""
    kept = current_app.extensions.get("portal.vault")
    if kept is None:
        kept = current_app.extensions["portal.vault"] = Vault.of(config_of(current_app))
    return cast(Vault, kept)
