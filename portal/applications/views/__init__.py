"""The pages of this room: applicants' and the lead's."""

from portal.applications.views import applicant, duplicates, exchange, questions
from portal.applications.views.blueprint import blueprint

__all__ = ["applicant", "blueprint", "duplicates", "exchange", "questions"]
