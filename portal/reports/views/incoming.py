"""Requests that bring files: how large, how many at once."""

from flask import g, request, session

from portal.core.errors import PortalError
from portal.core.pace import Places, drop
from portal.core.web.patience import patient
from portal.reports.refusals import TooLarge
from portal.reports.views.who import limits

# What a form holds besides its file, in bytes.
FIELDS = 1024 * 1024
BRINGING = ("POST", "PATCH")
# What threads of this process share.
_places = Places()


class FormTooLarge(PortalError):
    """A form announces more than one file may have."""

    status = 413
    title = "Too large"


def take_file() -> None:
    """Let this request be as large as a file, if it says that it is no larger."""
    if request.method not in BRINGING:
        return
    most = request.max_content_length = limits().file + FIELDS
    if request.mimetype == "multipart/form-data":
        take_place(f"forms:{session.get('_user_id') or request.headers.get('Authorization')}")
        if (request.content_length or 0) > most:
            drop_rest()
            raise FormTooLarge(TooLarge(limits().file).reason)


def take_place(sender: str) -> None:
    """One of the sender's places in this process, until the request ends. Raises TooMany, Unavailable."""
    waited_for = patient()
    waited_for.check_room()
    _places.take(sender, waited_for.pace.at_once)
    g.held_places = [*g.get("held_places", ()), sender]


def too_slow() -> bool:
    """Whether the bytes of this request were waited for in vain."""
    return patient().slow


def drop_rest() -> None:
    """Read what still comes of a request that is refused, within bounds, so that its sender comes to read the answer.

    Only where the request has a place: otherwise it could keep more threads busy than a sender may. Whoever waits to be
    asked for the bytes (RFC 9110, section 10.1.1) is not asked, and who is slow is not waited for.
    """
    if g.get("held_places") and "Expect" not in request.headers and not too_slow():
        drop(request.environ["wsgi.input"])


def let_go(_error: BaseException | None) -> None:
    """After the request: its places are free again."""
    for sender in g.pop("held_places", []):
        _places.leave(sender)
