"""The blueprint of the room, and what its pages share."""

from typing import cast

from flask import Blueprint, current_app

from portal.core.errors import Invalid
from portal.core.forms import Form
from portal.core.mail import config_of
from portal.kits.vault import Vault

blueprint = Blueprint("kits", __name__)


def vault() -> Vault:
    """The vault of this application's settings."""
    kept = current_app.extensions.get("portal.vault")
    if kept is None:
        kept = current_app.extensions["portal.vault"] = Vault.of(config_of(current_app))
    return cast(Vault, kept)


def typed(form: Form, name: str) -> str:
    """What was typed into the one field that matters. Raises Invalid with what is wrong with it."""
    if not form.validate():
        raise Invalid({name: " ".join(str(message) for message in form[name].errors) or "Reload the page."})
    return str(form[name].data)
