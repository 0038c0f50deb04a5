"""Deny by default: every endpoint says whom it is for, and what says nothing is for nobody.

@blueprint.get("/staff/<slug>/kits")
@only(Role.LOGISTICS)
def stock(slug: str) -> ResponseReturnValue: ...
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from flask import Flask, current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import maybe_account, needs_second_factor
from portal.accounts.models import Account
from portal.accounts.queries import roles_of
from portal.accounts.states import EVERYWHERE, Role
from portal.core.db import db
from portal.core.errors import Forbidden, NotFound
from portal.core.web import wants_json

View = TypeVar("View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an endpoint is for: everyone, the signed-in, or (with roles) some of the staff.

    `anywhere` lets a role in whichever challenge count, on pages that belong to none. `tokens` says that the endpoint
    itself knows what to do with a bearer token, which then stands for the sign-in; `signed` that it believes nothing
    but the sender's signature over the request, so that a browser's forged one is refused like any other.
    """

    everyone: bool = False
    roles: frozenset[Role] = frozenset()
    anywhere: bool = False
    tokens: bool = False
    signed: bool = False


EVERYONE = Audience(everyone=True)
SIGNED_IN = Audience()


def _declare(view: View, audience: Audience) -> View:
    view.audience = audience  # type: ignore[attr-defined]
    return view


def everyone(view: View) -> View:
    """For whoever asks, signed in or not."""
    return _declare(view, EVERYONE)


def signed_in(view: View) -> View:
    """For every account; what it may see is the matter of its queries."""
    return _declare(view, SIGNED_IN)


def only(*roles: Role, anywhere: bool = False) -> Callable[[View], View]:
    """For holders of one of these roles, in the challenge of the address or everywhere.

    Where the address names no challenge, only roles that hold everywhere count, unless `anywhere` says otherwise.
    """
    return lambda view: _declare(view, Audience(roles=frozenset(roles), anywhere=anywhere))


def admits_tokens(view: View) -> View:
    """Put above the audience: requests with a bearer token come through, and the view authenticates them."""
    audience: Audience = view.audience  # type: ignore[attr-defined]
    return _declare(view, replace(audience, tokens=True))


def verifies_signatures(view: View) -> View:
    """Put above the audience: the view refuses whatever is not signed by a program that it knows."""
    audience: Audience = view.audience  # type: ignore[attr-defined]
    return _declare(view, replace(audience, signed=True))


def audience_of(app: Flask, endpoint: str) -> Audience | None:
    """What an endpoint has declared; None if nothing."""
    given: dict[str, Audience] = app.extensions["portal.audiences"]
    found = given.get(endpoint) or getattr(app.view_functions.get(endpoint), "audience", None)
    return found if isinstance(found, Audience) else None


def declare(app: Flask, audience: Audience, endpoints: Iterable[str]) -> None:
    """Say whom the endpoints of other people's packages are for."""
    app.extensions["portal.audiences"].update(dict.fromkeys(endpoints, audience))


def my_grants() -> dict[str, frozenset[Role]]:
    """The roles of the signed-in person by scope, read once a request."""
    account = maybe_account()
    if account is None:
        return {}
    if "roles" not in g:
        g.roles = roles_of(db.session, account.id)
    held: dict[str, frozenset[Role]] = g.roles
    return held


def my_roles(scope: str | None) -> frozenset[Role]:
    """The roles of the signed-in person in a challenge; None: only those that hold everywhere."""
    held = my_grants()
    return held.get(EVERYWHERE, frozenset()) | held.get(scope or EVERYWHERE, frozenset())


def _admits(audience: Audience, scope: str | None) -> bool:
    """Whether the signed-in person belongs to an audience. Roles are read only where it asks for some."""
    if not audience.roles:
        return True
    held = frozenset().union(*my_grants().values()) if audience.anywhere else my_roles(scope)
    return bool(audience.roles & held)


def may_open(endpoint: str, scope: str | None) -> bool:
    """Whether the gate would let the present person through to an endpoint of a challenge."""
    audience = audience_of(current_app, endpoint)
    if audience is None:
        return False
    if audience.everyone:
        return True
    return maybe_account() is not None and _admits(audience, scope)


def bears_token() -> bool:
    """Whether the request comes with a bearer token, which no browser sends by itself."""
    return request.authorization is not None and request.authorization.type == "bearer"


def _sign_in_first() -> ResponseReturnValue:
    if wants_json():
        return {"error": "Sign in first"}, 401
    return redirect(url_for("security.login", next=request.full_path.rstrip("?") if request.method == "GET" else None))


def _second_factor_first(account: Account, audience: Audience) -> ResponseReturnValue | None:
    if not needs_second_factor(account, bool(audience.roles)):
        return None
    flash("The staff area asks for a second factor. Set one up first.", "info")
    return redirect(url_for("accounts.security"))


def keep_gate() -> ResponseReturnValue | None:
    """Let the request through, or answer it."""
    if request.endpoint is None:
        return None  # Werkzeug answers 404 or 405
    audience = audience_of(current_app, request.endpoint)
    if audience is None:
        raise NotFound
    if audience.everyone or (audience.tokens and bears_token()):
        return None
    account = maybe_account()
    if account is None:
        return _sign_in_first()
    scope = (request.view_args or {}).get("slug")
    if not _admits(audience, scope):
        raise Forbidden("This page is for other roles than yours.")
    return _second_factor_first(account, audience)


def init_gate(app: Flask) -> None:
    """Put the gate before every request."""
    app.extensions["portal.audiences"] = {}
    app.before_request(keep_gate)
