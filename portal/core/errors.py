"""What can stand between a person and what they asked for. Each kind has one page and one status."""

from collections.abc import Mapping


class PortalError(Exception):
    """Something that the person can be told. `reason` is a whole sentence for them."""

    status = 500
    title = "Something went wrong"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(PortalError):
    """A rule says no; the reason says which, and what would allow it."""

    status = 422
    title = "Not possible"


class Invalid(PortalError):
    """What was sent does not fit; `messages` tells it field by field."""

    status = 422
    title = "Please check what you sent"

    def __init__(self, messages: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {text}" for name, text in messages.items()))
        self.messages = dict(messages)


class Conflict(PortalError):
    """Somebody else was first."""

    status = 409
    title = "Somebody was first"


class NotFound(PortalError):
    """There is no such thing, or none that this person may know of."""

    status = 404
    title = "Not found"

    def __init__(self, what: str = "page") -> None:
        super().__init__(f"There is no such {what} here.")


class Unavailable(PortalError):
    """Something that the portal stands on does not answer. The same request may succeed in a minute."""

    status = 503
    title = "Not possible just now"


class StoreFull(Unavailable):
    """There is no room left for files."""

    status = 507
    title = "No room left"


class Forbidden(PortalError):
    """The person is known, and this is not theirs to do."""

    status = 403
    title = "Not yours to open"
