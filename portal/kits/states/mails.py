"""What participants may be told by mail."""

from enum import StrEnum


class Topic(StrEnum):
    """What a member may choose to be told of by mail, in the order of a parcel's way."""

    ADDRESS = "address"
    REMINDERS = "reminders"
    HANDED_OVER = "handed_over"
    TROUBLE = "trouble"
    OUT = "out"
    PICKUP = "pickup"
    DELIVERED = "delivered"
    ANSWERS = "answers"
    RETURNS = "returns"


class Reminder(StrEnum):
    """What somebody is reminded of."""

    ADDRESS = "address"
    RETURN = "return"
