"""What somebody wrote, without what their mail program put under it: the mail that they answer, and a signature.

Only what is surely no text of theirs is left out: lines marked as quotations, the line that introduces them, the whole
mail of ours where it is quoted without marks, what follows a signature's separator.
"""

import re

_QUOTED = re.compile(r"\s{0,3}>")
# "On Monday, 15 June 2020 at 12:00, Research challenge <portal@example.org> wrote:" in the usual languages.
_INTRODUCED = re.compile(
    r"(on\s.{1,300}wrote|am\s.{1,300}schrieb.{0,200}|le\s.{1,300}a écrit|el\s.{1,300}escribió|em\s.{1,300}escreveu"
    r"|il\s.{1,300}ha scritto|op\s.{1,300}schreef.{0,200}|w dniu\s.{1,300}napisał.{0,200}|den\s.{1,300}skrev.{0,200})"
    r"\s?:",
    re.IGNORECASE,
)
# The same where the time comes first: too vague for more than the one line above a marked quotation.
_VAGUELY = re.compile(r".{1,200}(написал|пише|写道|寫道|wrote).{0,20}\s?[:：]", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"\s*(-{2,}\s*(original message|ursprüngliche nachricht|message d.origine|mensaje original|messaggio originale"
    r"|mensagem original|oorspronkelijk bericht|forwarded message)\s*-{2,}|_{20,})\s*",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\s*\*?(from|von|de|da|van|från|od|от)\s?:\*?\s.{0,300}", re.IGNORECASE)
_HEADED = re.compile(
    r"\s*\*?(sent|gesendet|envoyé|enviado|inviato|verzonden|date|datum|skickat|to|an|à|para|subject|betreff|objet)\s?:",
    re.IGNORECASE,
)
_SENT_FROM = re.compile(
    r"(sent from my|von meinem .{1,30} gesendet|envoyé de mon|enviado desde mi)\b.{0,60}", re.IGNORECASE
)
# A separator that has lost its blank on the way counts only where so few lines follow.
_SHORT = 8


def own_words(text: str, ours: str) -> str:
    """The text without quotations and signature; `ours` is the address from which our mails come."""
    lines = _without_signature(_without_copy(text.split("\n"), ours.lower()))
    kept: list[str] = []
    for line in lines:
        if not _QUOTED.match(line):
            kept.append(line)
        elif kept:
            _drop_introduction(kept)
    return "\n".join(kept).strip("\n")


def _without_copy(lines: list[str], ours: str) -> list[str]:
    """Everything above a copy of our mail that bears no marks."""
    for number, line in enumerate(lines):
        if _SEPARATOR.fullmatch(line) and _names(lines[number + 1 : number + 6], ours):
            return lines[:number]
        if (
            _HEADING.fullmatch(line)
            and ours in line.lower()
            and any(map(_HEADED.match, lines[number + 1 : number + 4]))
        ):
            return lines[:number]
        count = _introduction(lines, number)
        spread = " ".join(lines[number : number + count]).lower()
        if count and ours in spread and not _marked_below(lines[number + count :]):
            return lines[:number]
    return lines


def _introduction(lines: list[str], number: int) -> int:
    """How many lines from this one on introduce a quotation, which may be folded and begins with the last “On”."""
    for count in (1, 2, 3):
        if _INTRODUCED.fullmatch(" ".join(line.strip() for line in lines[number : number + count])):
            return 0 if any(_introduction(lines, number + later) for later in range(1, count)) else count
    return 0


def _names(lines: list[str], ours: str) -> bool:
    return any(ours in line.lower() for line in lines)


def _marked_below(lines: list[str]) -> bool:
    """Whether the next lines with something in them include a marked quotation: then marks tell where it ends."""
    return any(_QUOTED.match(line) for line in [line for line in lines if line.strip()][:3])


def _without_signature(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        below = len(lines) - number - 1
        if line == "-- " or (line == "--" and below <= _SHORT):
            return lines[:number]
    while lines and (not lines[-1].strip() or _SENT_FROM.fullmatch(lines[-1].strip())):
        lines = lines[:-1]
    return lines


def _drop_introduction(kept: list[str]) -> None:
    """Take the lines that introduce a quotation away from above it."""
    while kept and not kept[-1].strip():
        kept.pop()
    for count in (1, 2, 3):
        if count <= len(kept) and _introduction(kept, len(kept) - count) == count:
            del kept[-count:]
            return
    if kept and _VAGUELY.fullmatch(kept[-1].strip()):
        kept.pop()
