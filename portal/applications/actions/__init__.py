"""What is done to applications."""

from portal.applications.actions.applying import (
    apply_at_once,
    erase_application,
    move,
    return_application,
    revise_application,
    save_draft,
    start_draft,
    submit_application,
    withdraw_application,
)

__all__ = [
    "apply_at_once",
    "erase_application",
    "move",
    "return_application",
    "revise_application",
    "save_draft",
    "start_draft",
    "submit_application",
    "withdraw_application",
]
