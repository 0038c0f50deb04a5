"""Letters that the lead writes for a wave: plain text with placeholders."""

from portal.applications.states import Decision
from portal.core.mail import PLACEHOLDER

SUBJECT, BODY = 150, 5000
# What each placeholder stands for.
MEANINGS = {
    "name": "the name that the applicant gave",
    "challenge": "the title of the challenge",
    "link": "where to answer, or where to read the application",
    "answer_by": "until when an answer is asked for, in the applicant's zone",
}


def placeholders(decision: Decision) -> tuple[str, ...]:
    """Which placeholders a letter of this kind knows: only an invitation asks for an answer."""
    return tuple(name for name in MEANINGS if name != "answer_by" or decision is Decision.INVITE)


def faults(decision: Decision, subject: str, body: str) -> dict[str, str]:
    """What is wrong with a letter, by field."""
    found = {}
    known = placeholders(decision)
    for field, text in (("subject", subject), ("body", body)):
        strange = [f"{{{name}}}" for name in PLACEHOLDER.findall(text) if name.strip() not in known]
        if not text.strip():
            found[field] = "Write something."
        elif strange or "{{" in text:
            named = ", ".join(dict.fromkeys(strange)) or "{{ }}"
            found[field] = f"Nothing is known of {named}. There are " + ", ".join(f"{{{name}}}" for name in known) + "."
    if "\n" in subject.strip() or len(subject) > SUBJECT:
        found["subject"] = f"One line of at most {SUBJECT} characters."
    if len(body) > BODY:
        found["body"] = f"At most {BODY} characters."
    if "body" not in found and decision is Decision.INVITE:
        found |= _unanswerable(subject, body)
    return found


def _unanswerable(subject: str, body: str) -> dict[str, str]:
    named = {name.strip() for name in PLACEHOLDER.findall(f"{subject} {body}")}
    if "link" not in {name.strip() for name in PLACEHOLDER.findall(body)}:
        return {"body": "Keep {link}: without it nobody can answer."}
    return {} if "answer_by" in named else {"body": "Keep {answer_by}: the invited must know how long they have."}
