"""An application's way from the first word typed to the answer, and what is noted about it on the way."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class ApplicationState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    WAITLISTED = "waitlisted"
    INVITED = "invited"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    RESCINDED = "rescinded"
    WITHDRAWN = "withdrawn"
    DISQUALIFIED = "disqualified"
    REMOVED = "removed"
    ERASED = "erased"


class ApplicantKind(StrEnum):
    """Who applies: one person, or a team of which one person fills in the form."""

    SINGLE = "single"
    TEAM = "team"


class Decision(StrEnum):
    """What the lead means to answer. It is nobody's business but the staff's until its wave is released."""

    INVITE = "invite"
    WAITLIST = "waitlist"
    DECLINE = "decline"


class Triage(StrEnum):
    """What a reviewer made of it at first sight."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"
    CONFLICT = "conflict"
    SPAM = "spam"


class Disqualified(StrEnum):
    """Why an application takes no part in the selection."""

    DUPLICATE = "duplicate"
    NOT_ELIGIBLE = "not eligible"
    SPAM = "spam"
    CONDUCT = "conduct"


class QuestionKind(StrEnum):
    """How a question of the lead is answered."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"


class Evidence(StrEnum):
    """What two applications have in common that two people would not."""

    KEY = "OpenPGP key"
    EMAIL = "e-mail address"
    PHONE = "phone number"
    LINK = "link"
    HANDLE = "handle"
    ESSAY = "texts"


class ImportState(StrEnum):
    """A file of applications: checked and shown, being taken over, taken over, or put away."""

    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    DISCARDED = "discarded"


_S = ApplicationState
_LEAD = frozenset({Role.LEAD.value})

# The applicant's own.
SUBMIT = Move("submit", "Submit", frozenset({_S.DRAFT}), _S.SUBMITTED)
RETURN = Move("return", "Submit again", frozenset({_S.WITHDRAWN}), _S.SUBMITTED)
WITHDRAW = Move("withdraw", "Withdraw", frozenset({_S.SUBMITTED, _S.WAITLISTED, _S.INVITED, _S.ACCEPTED}), _S.WITHDRAWN)
ACCEPT = Move("accept", "Accept the place", frozenset({_S.INVITED}), _S.ACCEPTED)
REFUSE = Move("refuse", "Refuse the place", frozenset({_S.INVITED}), _S.REFUSED)

# By releasing a wave.
INVITE = Move("invite", "Invite", frozenset({_S.SUBMITTED, _S.WAITLISTED}), _S.INVITED)
WAITLIST = Move("waitlist", "Put on the waiting list", frozenset({_S.SUBMITTED}), _S.WAITLISTED)
DECLINE = Move("decline", "Decline", frozenset({_S.SUBMITTED, _S.WAITLISTED}), _S.DECLINED)

# The lead's, one by one.
DISQUALIFY = Move(
    "disqualify", "Disqualify", frozenset({_S.SUBMITTED}), _S.DISQUALIFIED, by=_LEAD, needs=("kind", "reason")
)
REINSTATE = Move(
    "reinstate", "Take back into the selection", frozenset({_S.DISQUALIFIED}), _S.SUBMITTED, by=_LEAD, needs=("reason",)
)
RESCIND = Move("rescind", "Rescind the invitation", frozenset({_S.INVITED}), _S.RESCINDED, by=_LEAD, needs=("reason",))
INVITE_AGAIN = Move("invite-again", "Invite again", frozenset({_S.EXPIRED}), _S.INVITED, by=_LEAD, needs=("answer_by",))
INVITE_AFTER_ALL = Move(
    "invite-after-all", "Invite after all", frozenset({_S.DECLINED}), _S.INVITED, by=_LEAD,
    needs=("answer_by", "reason"),
)  # fmt: skip
WAITLIST_AFTER_ALL = Move(
    "waitlist-after-all", "Put on the waiting list after all", frozenset({_S.DECLINED}), _S.WAITLISTED, by=_LEAD,
    needs=("reason",),
)  # fmt: skip

# Time's, and what follows from elsewhere.
EXPIRE = Move("expire", "Let the invitation expire", frozenset({_S.INVITED}), _S.EXPIRED)
REMOVE = Move("remove", "Remove from the challenge", frozenset({_S.ACCEPTED}), _S.REMOVED)
ERASE = Move("erase", "Erase", frozenset(set(_S) - {_S.ERASED}), _S.ERASED)

MOVES = (
    SUBMIT, RETURN, WITHDRAW, ACCEPT, REFUSE, INVITE, WAITLIST, DECLINE, DISQUALIFY, REINSTATE, RESCIND, INVITE_AGAIN,
    INVITE_AFTER_ALL, WAITLIST_AFTER_ALL, EXPIRE, REMOVE, ERASE,
)  # fmt: skip

# The step that a released decision takes.
RELEASES = {Decision.INVITE: INVITE, Decision.WAITLIST: WAITLIST, Decision.DECLINE: DECLINE}

# States that an application has only by somebody's decision.
DECIDED = (_S.WAITLISTED, _S.INVITED, _S.DECLINED, _S.ACCEPTED, _S.REFUSED, _S.EXPIRED, _S.RESCINDED, _S.REMOVED)
# States in which an application does not stand in the way of another one from the same address.
GONE = (_S.WITHDRAWN, _S.ERASED)
# States that the staff sees.
VISIBLE = tuple(state for state in _S if state not in (_S.DRAFT, _S.ERASED))
# States whose applications are kept with the challenge: of those who take part or did, and what is erased already.
KEPT = (_S.ACCEPTED, _S.REMOVED, _S.ERASED)
