"""The triager's command: lists, opens and acknowledges sealed reports, and answers them, with their own gpg.

It stands alone: the standard library and the gpg program, nothing else of the portal, so that a triager may read all
of it before trusting it with a key.

    python -m portal.triage login https://portal.example/staff/azure-sphere-2020
    python -m portal.triage list
    python -m portal.triage open R-0001
    python -m portal.triage reply R-0001

Only `rewrap` needs one package more, cryptography, and loads it only then.
"""

from portal.triage.cli import main

__all__ = ["main"]
