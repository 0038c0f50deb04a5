"""Challenges: their course, scenarios, agreements, participants and teams."""
