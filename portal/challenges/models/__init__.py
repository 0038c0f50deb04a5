"""A challenge, what can be won in it, what is agreed, who takes part, and what participants are given."""

from portal.challenges.models.course import (
    Agreement,
    Challenge,
    Member,
    MemberInvitation,
    Participant,
    Scenario,
    Signature,
)
from portal.challenges.models.news import Announcement, AnnouncementMail, AnnouncementRead, NewsChoice
from portal.challenges.models.resources import Build, FilePiece, Resource, ResourceFile

__all__ = [
    "Agreement",
    "Announcement",
    "AnnouncementMail",
    "AnnouncementRead",
    "Build",
    "Challenge",
    "FilePiece",
    "Member",
    "MemberInvitation",
    "NewsChoice",
    "Participant",
    "Resource",
    "ResourceFile",
    "Scenario",
    "Signature",
]
