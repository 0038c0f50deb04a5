"""Why an uploaded file is not taken: one class a reason, with a stable code and a sentence that says what to do."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from portal.core.errors import Refused

RECIPE = "Seal it again with the command that the page of new reports shows."


class NotAcceptable(Refused):
    """The bytes are not the one thing that is taken: a binary OpenPGP message, sealed to the current key set."""

    code: ClassVar[str] = "not-acceptable"


class Empty(NotAcceptable):
    """No bytes at all."""

    code = "empty"

    def __init__(self) -> None:
        super().__init__("The file is empty. Choose the sealed file again.")


class NotOpenPGP(NotAcceptable):
    """The first bytes begin no OpenPGP packet."""

    code = "not-openpgp"

    def __init__(self) -> None:
        super().__init__(
            "This is not an OpenPGP message, so it may be the report itself, unsealed. Nothing of it was kept. "
            + RECIPE
        )


class Armored(NotAcceptable):
    """OpenPGP as text."""

    code = "armored"

    def __init__(self) -> None:
        super().__init__(
            "The file is armored (text between BEGIN PGP and END PGP), and the binary form is needed. "
            "Make it with “gpg --dearmor < report.asc > report.pgp”, or leave out --armor when you seal."
        )


class SignedOnly(NotAcceptable):
    """A signature around text that everybody can read."""

    code = "signed-only"

    def __init__(self) -> None:
        super().__init__(
            "The file is signed but not encrypted: anybody could read it. Seal it with -e (add -s to sign as well)."
        )


class NotEncrypted(NotAcceptable):
    """A literal or compressed packet in the open."""

    code = "not-encrypted"

    def __init__(self) -> None:
        super().__init__("The file is an OpenPGP message that is not encrypted: anybody could read it. " + RECIPE)


class IsKey(NotAcceptable):
    """A certificate or, worse, a secret key."""

    code = "is-key"

    def __init__(self, *, secret: bool) -> None:
        super().__init__(
            "The file is a secret key. It was not kept, but it has left your machine: consider replacing that key."
            if secret
            else "The file is a certificate, not a sealed message. Choose the file that gpg wrote with -o."
        )


class Symmetric(NotAcceptable):
    """Encrypted with a password (packet 3)."""

    code = "symmetric"

    def __init__(self) -> None:
        super().__init__(
            "The file is encrypted with a password, which no triager has. "
            "Leave out -c; seal with -e and the keys of the key set."
        )


class WithoutIntegrity(NotAcceptable):
    """The old encrypted packet without a check of its integrity (packet 9)."""

    code = "without-integrity"

    def __init__(self) -> None:
        super().__init__(
            "The file is encrypted in the old form without integrity protection (packet 9). "
            "Seal it with a current gpg, without --rfc2440, --rfc1991 or --disable-mdc."
        )


class Aead20(NotAcceptable):
    """gpg 2.4's own authenticated packet (packet 20), which others cannot read."""

    code = "aead-20"

    def __init__(self) -> None:
        super().__init__(
            "The file is in the form of packet 20 (OCB), which not every triager can read. "
            "With gpg 2.4 add --rfc4880 when you seal, and do not use --force-ocb."
        )


class SeipdV2(NotAcceptable):
    """The newer encrypted packet of RFC 9580, which gpg 2.2 cannot read."""

    code = "seipd-v2"

    def __init__(self) -> None:
        super().__init__(
            "The file is in the newer form of RFC 9580 (SEIPD version 2), which not every triager can read. "
            "Seal with the certificates of the page as they are: they ask for version 1. "
            "With Sequoia add --profile=rfc4880; with openpgp.js set config.aeadProtect to false."
        )


class UnknownPacket(NotAcceptable):
    """A packet that has no place in a sealed message."""

    code = "unknown-packet"

    def __init__(self, tag: int) -> None:
        super().__init__(f"The file contains a packet of kind {tag}, which has no place in a sealed message. " + RECIPE)


class Malformed(NotAcceptable):
    """OpenPGP by its first bytes, but broken further on."""

    code = "malformed"

    def __init__(self, detail: str) -> None:
        super().__init__(f"The file is damaged or was not made by an OpenPGP program: {detail}. " + RECIPE)


class TrailingData(NotAcceptable):
    """Something follows the message."""

    code = "trailing-data"

    def __init__(self) -> None:
        super().__init__(
            "Something follows the end of the sealed message. Send one message a file, and nothing after it."
        )


class Truncated(NotAcceptable):
    """The file ends before the message does."""

    code = "truncated"

    def __init__(self) -> None:
        super().__init__(
            "The file ends before the sealed message does: it was cut. Seal it again, or choose the whole file."
        )


class HiddenRecipient(NotAcceptable):
    """A key id of zero."""

    code = "hidden-recipient"

    def __init__(self) -> None:
        super().__init__(
            "A recipient is hidden (key id 0), so nobody can see whether the triagers can open it. "
            "Seal with -r, without -R or --throw-keyids."
        )


class MissingRecipient(NotAcceptable):
    """Not sealed to everybody of the key set."""

    code = "missing-recipient"

    def __init__(self, number: int | None, missing: tuple[str, ...]) -> None:
        self.missing = missing
        if number is None:
            super().__init__("There is no key set yet, so nothing can be sealed to it. Write to the team by mail.")
        else:
            super().__init__(
                f"It is not sealed to everybody of key set {number}. Missing: {', '.join(missing)}. "
                "Import the current keys from /keys/current.asc and name every one of them with -r."
            )


class KeyExpired(NotAcceptable):
    """A key of the current set has expired: nothing new is sealed past its owner."""

    code = "key-expired"

    def __init__(self, number: int, late: Sequence[tuple[str, datetime]]) -> None:
        named = ", ".join(f"{name}, on {at:%d %B %Y at %H:%M} UTC" for name, at in late)
        super().__init__(
            f"A key of key set {number} has expired ({named}), so nothing new is sealed to the set. The team has been "
            "told; send it as soon as the next set stands on /keys/. A file that was begun before can be sent to its "
            "end, and a report whose files have all arrived can be handed in."
        )


class TooManyRecipients(NotAcceptable):
    """More recipients than a report has any use for."""

    code = "too-many-recipients"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"It is sealed to more than {limit} keys. Seal it to the key set and, if you like, to yourself."
        )


class TooManyParts(NotAcceptable):
    """Cut into crumbs, so that reading it costs more than it holds."""

    code = "too-many-parts"

    def __init__(self) -> None:
        super().__init__("The sealed message is cut into too many tiny parts. " + RECIPE)


class TooLarge(NotAcceptable):
    """Larger than a file may be, by what it says of itself or by what came."""

    code = "too-large"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The file is larger than {limit:,} bytes, the most that one file may have. "
            "Split it (split -b) and send the parts as attachments."
        )
