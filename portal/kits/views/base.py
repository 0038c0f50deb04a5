"""The blueprint of the room, and what its pages share."""

from collections.abc import Callable
from typing import cast

from flask import Blueprint, current_app, request

from portal.accounts.gate import may_open
from portal.core.errors import Invalid
from portal.core.forms import Form
from portal.core.mail import config_of
from portal.kits.queries import UnitFilter
from portal.kits.vault import Vault

blueprint = Blueprint("kits", __name__)


@blueprint.context_processor
def what_may_be_opened() -> dict[str, Callable[[str, str | None], bool]]:
    """The pages of the room show what else of it the person may open."""
    return {"may_open": may_open}


def vault() -> Vault:
    """The vault of this application's settings."""
    kept = current_app.extensions.get("portal.vault")
    if kept is None:
        kept = current_app.extensions["portal.vault"] = Vault.of(config_of(current_app))
    return cast(Vault, kept)


def unit_filter() -> UnitFilter:
    """Which units the address asks for."""
    told = request.args
    return UnitFilter(
        state=told.get("state", ""), serial=told.get("serial", "").strip(), model=told.get("model", type=int),
        location=told.get("location", ""), firmware=told.get("firmware", ""),
    )  # fmt: skip


def typed(form: Form, name: str) -> str:
    """What was typed into the one field that matters. Raises Invalid with what is wrong with it."""
    if not form.validate():
        raise Invalid({name: " ".join(str(message) for message in form[name].errors) or "Reload the page."})
    return str(form[name].data)
