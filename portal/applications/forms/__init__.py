"""Forms of applicants and of the lead."""

from portal.applications.forms.applying import ApplicationForm, form_for

__all__ = ["ApplicationForm", "form_for"]
