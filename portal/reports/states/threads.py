"""Sealed messages about a report, and the certificates to which the team's are sealed."""

from enum import StrEnum

from portal.core.moves import Move


class MessageState(StrEnum):
    """A message that has not been sent is nobody's but its author's."""

    UPLOADING = "uploading"
    SENT = "sent"


class CertificateState(StrEnum):
    OFFERED = "offered"
    # Its owner has opened something that was sealed to it: the team writes to it.
    LIVE = "live"
    REPLACED = "replaced"
    REMOVED = "removed"


SEND = Move("send", "Send", frozenset({MessageState.UPLOADING}), MessageState.SENT)

C = CertificateState
PROVE = Move("prove", "Prove that it is yours", frozenset({C.OFFERED}), C.LIVE)
REPLACE = Move("replace", "Replace", frozenset({C.LIVE}), C.REPLACED)
REMOVE = Move("remove", "Remove", frozenset({C.OFFERED, C.LIVE}), C.REMOVED)
