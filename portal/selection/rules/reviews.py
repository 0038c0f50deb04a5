"""Who may review what."""

from portal.applications.models import Application
from portal.applications.states import ApplicationState

# Applications on which a decision can still be meant, and which can still be reviewed.
UNDECIDED = (ApplicationState.SUBMITTED, ApplicationState.WAITLISTED)


# What each score says.
SCORES = {
    0: "no",
    1: "weak",
    2: "below the bar",
    3: "at the bar",
    4: "strong",
    5: "must have",
}


def why_not_review(application: Application, account_id: int) -> str | None:
    """Why this person cannot review this application, or None."""
    if application.account_id == account_id:
        return "This is your own application."
    if application.state not in UNDECIDED:
        return f"It is decided: {application.state}. Reviews are closed."
    return None
