"""Sealed reports: key sets, uploads that only triagers can open, triage and its timeline."""
