"""What a person may be in a challenge besides an applicant."""

from enum import StrEnum

EVERYWHERE = "*"


class Role(StrEnum):
    """A role of the staff. It is granted for one challenge, by its slug, or for all of them (`EVERYWHERE`)."""

    REVIEWER = "reviewer"
    LEAD = "lead"
    LOGISTICS = "logistics"
    HOST = "host"
    TRIAGER = "triager"
    FINANCE = "finance"
    ADMIN = "admin"
