"""Temporary."""


def publish_rules(*_a):
    return None


def award(*_a):
    return None


def propose_only(*_a, **_k):
    return None
