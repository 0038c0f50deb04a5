"""What the server signs for the sender of a duplicate: that another report was earlier, without saying whose or which.

It names the SHA-256 of the earlier report's receipt. Whoever is ever shown that receipt can see that it is the one,
and the signature verifies with OpenSSL as a receipt's does.
"""

import hashlib
from typing import NamedTuple

from portal.reports.models import Receipt, Report
from portal.reports.receipts import Signer
from portal.reports.statements import instant, written

FORMAT = "earlier-report/1"


class Statement(NamedTuple):
    """The very bytes, and the signature over them."""

    body: bytes
    signature: bytes


def receipt_hash(receipt: Receipt) -> str:
    """The SHA-256 of a receipt's bytes, in hexadecimal."""
    return hashlib.sha256(receipt.body.encode()).hexdigest()


def statement(signer: Signer, report: Report, link: int | None, earlier: Receipt) -> Statement:
    """The signed statement for a report, or one link of it: the same bytes each time."""
    content = {
        "format": FORMAT,
        "challenge": report.challenge.slug,
        "reference": report.ref,
        "link": link,
        "earlier_received_at": instant(earlier.made_at),
        "earlier_receipt_sha256": receipt_hash(earlier),
        "signing_key": signer.key_id,
    }
    body = written(content).encode()
    return Statement(body, signer.sign(body))
