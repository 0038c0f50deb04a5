"""Awards over HTTP: proposing, deciding, paying, the rules, and a participant's own.

Who takes part never meets their own awards on the staff's side, in whatever role: not in lists, pages, proposals,
steps, mails to those who decide, to-do lists or CSV files. What is due to them is left out of a file for the bank that
they make, a file that pays them is taken to the bank by somebody else, and what the bank says of it is noted by
somebody else. Only the books count everything. Of their own they see what every participant does, on that page.
"""

from flask import Blueprint

blueprint = Blueprint("awards", __name__)

from portal.awards.views import participant, payments, results, staff, versions  # noqa: E402

__all__ = ["blueprint", "participant", "payments", "results", "staff", "versions"]
