"""A researcher's certificate: offered, proved, replaced, removed."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Refused
from portal.core.moves import take
from portal.reports import certificates, proofs, rules
from portal.reports.actions.notices import tell_of_certificate
from portal.reports.actions.timeline import note
from portal.reports.models import ResearcherCertificate
from portal.reports.queries import threads
from portal.reports.states import CertificateState
from portal.reports.states.threads import PROVE, REMOVE, REPLACE


def offer(
    session: Session, account: Account, text: str, digits: str, *, demonstration: bool = False, at: datetime
) -> ResearcherCertificate:
    """Take a certificate in, to be proved: `digits` are sealed to it. One that was offered before is let go.

    Raises Unfit, saying why, for one to which nothing could be sealed that everybody's gpg opens; Refused.
    """
    found = certificates.inspect(text, at=at)
    if not demonstration:
        rules.check_secret([found.fingerprint])
    live = threads.certificate_in(session, account.id, CertificateState.LIVE)
    if live and live.certificate == found.armored:
        raise Refused("This is your certificate already.")
    sealed = proofs.seal(found.armored, f"{digits}\n")
    earlier = threads.certificate_in(session, account.id, CertificateState.OFFERED)
    if earlier:
        take(session, earlier, REMOVE, at=at, challenge=None, proof_hash=None)
    made = ResearcherCertificate(
        account_id=account.id, fingerprint=found.fingerprint, name=found.name, certificate=found.armored,
        key_ids=list(found.key_ids), expires_at=found.expires_at, given_at=at, state=CertificateState.OFFERED,
        state_since=at, challenge=sealed, proof_hash=proofs.hashed(found.fingerprint, digits), tries=0,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    _record(session, made, "offer", at=at)
    return made


def prove(session: Session, account: Account, offered: ResearcherCertificate, digits: str, *, at: datetime) -> bool:
    """Whether these are the digits: then the team seals to this certificate from now on.

    After five wrong answers it is let go. Raises Refused where nothing is to be proved, Conflict.
    """
    if offered.state is not CertificateState.OFFERED or offered.proof_hash is None:
        raise Refused("There is nothing to prove. Give a certificate first.")
    if not proofs.fits(offered.fingerprint, "".join(digits.split()), offered.proof_hash):
        offered.tries += 1
        if offered.tries >= rules.MOST_TRIES:
            take(session, offered, REMOVE, at=at, challenge=None, proof_hash=None)
        session.flush()
        return False
    earlier = threads.certificate_in(session, account.id, CertificateState.LIVE)
    if earlier:
        take(session, earlier, REPLACE, at=at)
    with conflicts():
        take(session, offered, PROVE, at=at, challenge=None, proof_hash=None, proved_at=at)
    _record(session, offered, "prove", at=at)
    told = f"The team writes to {offered.fingerprint} from now on."
    _tell(session, account, offered, told if earlier is None else f"{told} It was {earlier.fingerprint}.", at=at)
    return True


def remove(session: Session, account: Account, certificate: ResearcherCertificate, *, at: datetime) -> None:
    """Let a certificate go. What was sealed to it stays sealed to it."""
    was_live = certificate.state is CertificateState.LIVE
    take(session, certificate, REMOVE, at=at, challenge=None, proof_hash=None)
    _record(session, certificate, "remove", at=at)
    if was_live:
        _tell(session, account, certificate, f"The team no longer writes to {certificate.fingerprint}.", at=at)


def _tell(session: Session, account: Account, certificate: ResearcherCertificate, words: str, *, at: datetime) -> None:
    """Tell the team on each report under way, and the person: who takes an account over could read what comes."""
    for report in threads.open_reports(session, account.id):
        note(session, report, "certificate", by=account.id, at=at, message=words)
    tell_of_certificate(session, account, certificate.id, certificate.state, at=at)


def _record(session: Session, certificate: ResearcherCertificate, verb: str, *, at: datetime) -> None:
    audit.record(
        session, f"reports:{verb}-certificate", f"certificate:{certificate.id}", by=certificate.account_id, at=at,
        after={"fingerprint": certificate.fingerprint},
    )  # fmt: skip
