"""The lives of the files under a report."""

from enum import StrEnum


class UploadState(StrEnum):
    OPEN = "open"
    COMPLETE = "complete"
    # The walker said no; the sentence is kept.
    REFUSED = "refused"
    REMOVED = "removed"
    EXPIRED = "expired"
