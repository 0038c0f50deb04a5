"""The two sides of a report."""

from enum import StrEnum


class Side(StrEnum):
    """Who speaks: the participant's people, or the team."""

    RESEARCHER = "researcher"
    TEAM = "team"

    @property
    def other(self) -> "Side":
        """Who answers."""
        return Side.TEAM if self is Side.RESEARCHER else Side.RESEARCHER
