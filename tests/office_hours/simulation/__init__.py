"""Twelve weeks of office hours, played through: seventy participants in twenty-one countries, three hosts, three zones.

`python -m tests.office_hours.simulation` prints what came of them, first come first served and by the fair rules.
"""
