"""The exact choice of the best set under limits, and the reasons for it."""

from portal.selection.rules.solving.exact import solve
from portal.selection.rules.solving.problem import Candidate, Clash, Limit, Problem, Solution
from portal.selection.rules.solving.reasons import Reason, reasons

__all__ = ["Candidate", "Clash", "Limit", "Problem", "Reason", "Solution", "reasons", "solve"]
