"""What a challenge, its participants and their members can be."""

from enum import StrEnum


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
