"""How much may be sent, and whether all of it has come."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from portal.core.errors import Refused
from portal.reports.models import Upload
from portal.reports.states import UploadState

PART = 8 * 1024 * 1024
KEEP_OPEN = timedelta(days=1)
TOKEN_LIFE = timedelta(days=90)
MOST_CHUNKS = 4096
NO_ROOM = "All your files together would be too large. Withdraw a report that is not needed, or ask the team."


class Limits(NamedTuple):
    """How much may be sent, in bytes: a file, the files of a report, everything of a participant, a message.

    `messages` is how many messages about one report each side may write.
    """

    file: int = 1 << 30
    files: int = 20
    participant: int = 20 << 30
    message: int = 32 << 20
    messages: int = 200


def check_room(limits: Limits, live: Sequence[Upload], held: int, length: int | None) -> None:
    """Whether one more file may be sent; `held` is what the participant's files take already."""
    if len(live) >= limits.files:
        raise Refused(f"A report has at most {limits.files} files. Put several into one archive before you seal it.")
    check_quota(limits, held, length or 0)


def check_quota(limits: Limits, held: int, length: int) -> None:
    """Whether so many bytes fit beside those that the participant's files take already. Raises Refused."""
    if held + length > limits.participant:
        raise Refused(NO_ROOM)


def check_complete(uploads: Sequence[Upload]) -> Upload:
    """The body of a report all of whose files have arrived. Raises Refused."""
    waiting = [each for each in uploads if each.state is UploadState.OPEN]
    body = next((each for each in uploads if each.number == 0 and each.state is UploadState.COMPLETE), None)
    if waiting:
        raise Refused("A file has not wholly arrived yet. Let the upload finish, or remove that file.")
    if body is None:
        raise Refused("The sealed body of the report is missing.")
    return body
