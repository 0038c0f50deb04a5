"""Publishing rules, proposing and deciding on awards, paying them. Actor and time are passed in."""

from portal.awards.actions.bank import apply_results
from portal.awards.actions.deciding import check_approval, decide, declare_conflict
from portal.awards.actions.payments import export, step
from portal.awards.actions.proposing import Proposal, propose, propose_void, work_out
from portal.awards.actions.versions import publish_rules

__all__ = [
    "Proposal",
    "apply_results",
    "check_approval",
    "decide",
    "declare_conflict",
    "export",
    "propose",
    "propose_void",
    "publish_rules",
    "step",
    "work_out",
]
