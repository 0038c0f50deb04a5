"""What a challenge, its participants, their members, and what they are given can be."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class Phase(StrEnum):
    """Where a challenge stands in its course; computed from its dates, never stored."""

    ANNOUNCED = "announced"
    APPLICATIONS_OPEN = "applications open"
    SELECTION = "selection"
    RUNNING = "running"
    ENDED = "ended"
    PUBLISHED = "results published"


class ScenarioKind(StrEnum):
    HIGH_PRIORITY = "high"
    GENERAL = "general"


class ParticipantKind(StrEnum):
    RESEARCHER = "researcher"
    TEAM = "team"


class ParticipantState(StrEnum):
    ACTIVE = "active"
    REMOVED = "removed"


class MemberRole(StrEnum):
    LEAD = "lead"
    MEMBER = "member"


class Signing(StrEnum):
    """How an agreement came to be signed."""

    TYPED = "typed name"
    IMPORTED = "imported"


class BuildState(StrEnum):
    """A pinned build stays usable for whoever tests on it; a withdrawn one is given out no longer."""

    AVAILABLE = "available"
    PINNED = "pinned"
    WITHDRAWN = "withdrawn"


class ResourceKind(StrEnum):
    DOCUMENT = "document"
    DOWNLOAD = "download"
    LINK = "link"


class Publication(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class News(StrEnum):
    """An announcement is out from its instant on, until it is withdrawn."""

    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class NewsMail(StrEnum):
    """When a member is told of announcements by mail."""

    AT_ONCE = "at once"
    DAILY = "daily"
    NEVER = "never"


_LEAD = frozenset({Role.LEAD.value})
_SPEAKERS = frozenset({Role.LEAD.value, Role.HOST.value})

# A pinned build cannot be withdrawn: whoever has begun to test on it was promised that it stays.
PIN = Move("pin", "Pin", frozenset({BuildState.AVAILABLE}), BuildState.PINNED, by=_LEAD)
UNPIN = Move("unpin", "Unpin", frozenset({BuildState.PINNED}), BuildState.AVAILABLE, by=_LEAD)
RECALL = Move("withdraw", "Withdraw", frozenset({BuildState.AVAILABLE}), BuildState.WITHDRAWN, by=_LEAD)
REISSUE = Move("restore", "Offer again", frozenset({BuildState.WITHDRAWN}), BuildState.AVAILABLE, by=_LEAD)
BUILD_MOVES = (PIN, UNPIN, RECALL, REISSUE)

PUBLISH = Move("publish", "Publish", frozenset({Publication.DRAFT}), Publication.PUBLISHED, by=_LEAD)
WITHDRAW = Move("withdraw", "Withdraw", frozenset({Publication.PUBLISHED}), Publication.WITHDRAWN, by=_LEAD)
RESTORE = Move("restore", "Publish again", frozenset({Publication.WITHDRAWN}), Publication.PUBLISHED, by=_LEAD)
RESOURCE_MOVES = (PUBLISH, WITHDRAW, RESTORE)

RETRACT = Move("withdraw", "Withdraw", frozenset({News.PUBLISHED}), News.WITHDRAWN, by=_SPEAKERS)
