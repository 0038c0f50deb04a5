"""What several forms of this room choose from."""

from portal.reports.states import Severity

SEVERITIES = {each.value: each.value.capitalize() for each in Severity}
