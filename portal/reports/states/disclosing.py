"""How what was found becomes public: the date, what is written about it, and the advisory."""

from enum import StrEnum

from portal.accounts.states import Role
from portal.core.moves import Move


class DisclosureState(StrEnum):
    """A report's date. It is public from its instant on; `published` only says that everybody was told."""

    REQUESTED = "requested"
    AGREED = "agreed"
    PUBLISHED = "published"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Answer(StrEnum):
    """What became of one proposed date."""

    OPEN = "open"
    ACCEPTED = "accepted"
    COUNTERED = "countered"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


D = DisclosureState
# Both sides' moves: nobody's role alone. An agreed date moves to another only when both agree again.
AGREE = Move("agree", "Accept", frozenset({D.REQUESTED, D.AGREED}), D.AGREED)
DECLINE_DATE = Move("decline", "Decline", frozenset({D.REQUESTED}), D.DECLINED)
TAKE_BACK = Move("withdraw", "Withdraw", frozenset({D.REQUESTED}), D.WITHDRAWN)
# The fix on which they relied does not hold.
LET_GO = Move("let-go", "Agree anew", frozenset({D.AGREED}), D.WITHDRAWN)
DISCLOSE = Move("publish", "Publish", frozenset({D.AGREED}), D.PUBLISHED)
DISCLOSURE_MOVES = (AGREE, DECLINE_DATE, TAKE_BACK, LET_GO, DISCLOSE)
# What counts as the report's one date.
LIVE_DISCLOSURES = (D.REQUESTED, D.AGREED, D.PUBLISHED)
HELD = (D.AGREED, D.PUBLISHED)


class PublicationKind(StrEnum):
    POST = "post"
    TALK = "talk"
    VIDEO = "video"
    CODE = "code"
    PAPER = "paper"


class PublicationState(StrEnum):
    PENDING = "pending"
    LISTED = "listed"
    REFUSED = "refused"


P = PublicationState
_TEAM = frozenset({Role.TRIAGER.value, Role.LEAD.value})
LIST = Move("list", "List it", frozenset({P.PENDING, P.REFUSED}), P.LISTED, by=_TEAM)
REFUSE = Move("refuse", "Refuse it", frozenset({P.PENDING, P.LISTED}), P.REFUSED, by=_TEAM, needs=("reason",))
PUBLICATION_MOVES = (LIST, REFUSE)


class AdvisoryState(StrEnum):
    """Where the text stands that is being written. What was published before stays as it was meanwhile."""

    DRAFT = "draft"
    READY = "ready"
    PUBLISHED = "published"


A = AdvisoryState
READY = Move("ready", "Ready to be published", frozenset({A.DRAFT}), A.READY, by=_TEAM)
REDRAFT = Move("reopen", "Back to the draft", frozenset({A.READY}), A.DRAFT, by=_TEAM)
PUBLISH = Move("publish", "Publish", frozenset({A.READY}), A.PUBLISHED, by=_TEAM)
REVISE = Move("revise", "Write a new version", frozenset({A.PUBLISHED}), A.DRAFT, by=_TEAM)
ADVISORY_MOVES = (READY, REDRAFT, PUBLISH, REVISE)


class Affected(StrEnum):
    """What a build is to a flaw, in the words of CSAF."""

    KNOWN_AFFECTED = "known_affected"
    FIXED = "fixed"


class Credit(StrEnum):
    """How somebody wants to be thanked for a report."""

    NAMED = "named"
    TEAM = "team"
    ANONYMOUS = "anonymous"
