"""Breaking a street into the lines that a carrier has for it."""

from collections.abc import Sequence


def broken(street: str, lines: int, most: int) -> list[str] | None:
    """The street in at most `lines` lines of at most `most` characters, nothing left out; None where it does not fit.

    Lines that fit stay as they are. Otherwise only those that are too long are broken, at spaces, each line taking as
    many words as it can; where that makes too many, all words are set anew in the same way.
    """
    given = [line for line in (" ".join(line.split()) for line in street.splitlines()) if line]
    for attempt in (given, _set_long(given, most), _set(" ".join(given).split(), most)):
        if len(attempt) <= lines and all(len(line) <= most for line in attempt):
            return list(attempt)
    return None


def _set_long(given: Sequence[str], most: int) -> list[str]:
    return [part for line in given for part in (_set(line.split(), most) if len(line) > most else [line])]


def _set(words: Sequence[str], most: int) -> list[str]:
    """Words into lines, as many in each as go in. A word that is too long gets a line of its own."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
