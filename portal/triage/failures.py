"""What can go wrong, each with its exit code; the message is one line for the triager."""


class Failure(Exception):
    """Something on this machine: a setting, a folder, a missing program."""

    code = 1


class Unanswered(Failure):
    """The portal cannot be reached, or says no."""

    code = 3


class Already(Unanswered):
    """Somebody was first, and nothing is left to do."""


class Absent(Unanswered):
    """The portal has no such thing."""


class Damaged(Failure):
    """What arrived is not what was sent: cut short, changed, left out or exchanged."""

    code = 4


class Unreadable(Failure):
    """No key of this machine opens it."""

    code = 5


class Miswrapped(Unreadable):
    """It was wrapped for a key of this machine, and wrongly. Others may open it."""


class TooLarge(Failure):
    """It unpacks to more than was allowed."""

    code = 6


class Locked(Unreadable):
    """A key of this machine would open it and cannot be used now."""
