"""Whose certificates a key set has."""

from enum import StrEnum


class KeyRole(StrEnum):
    """Whose certificate it is: a triager's, or the off-line one for the day when all triagers' keys are lost."""

    TRIAGER = "triager"
    RECOVERY = "recovery"
