"""The pages of this room: applicants' and the lead's."""

from portal.applications.views import applicant, duplicates
from portal.applications.views.blueprint import blueprint

__all__ = ["applicant", "blueprint", "duplicates"]
