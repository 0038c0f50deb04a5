"""Bounty rules, proposals, approvals, payments."""
