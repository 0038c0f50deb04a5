"""Reply templates: general words with a reason code."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.constraints import conflicts
from portal.core.errors import Conflict, Invalid
from portal.reports import rules, states
from portal.reports.models import ReplyTemplate
from portal.reports.queries import threads


@dataclass(frozen=True, slots=True)
class Words:
    """What a template says: `move` names the move of triage that it goes with, or is empty."""

    title: str
    text: str
    move: str = ""
    active: bool = True


def add_template(
    session: Session, challenge_id: int, slug: str, code: str, words: Words, *, by: int | None, at: datetime
) -> ReplyTemplate:
    """Add a template. Raises Invalid, Conflict where the code is taken."""
    _check(words)
    made = ReplyTemplate(
        challenge_id=challenge_id, code=rules.check_code(code), title=words.title, move=words.move, text=words.text,
        active=words.active, version=1, changed_at=at, changed_by_id=by,
    )  # fmt: skip
    session.add(made)
    with conflicts():
        session.flush()
    _record(session, made, "add", slug, None, by=by, at=at)
    return made


def change_template(
    session: Session, slug: str, template: ReplyTemplate, version: int, words: Words, *, by: int, at: datetime
) -> None:
    """Change a template as it was seen in `version`. Raises Invalid, Conflict where somebody has changed it since."""
    _check(words)
    before = _seen(template)
    changed = session.execute(
        sa.update(ReplyTemplate)
        .where(ReplyTemplate.id == template.id, ReplyTemplate.version == version)
        .values(
            title=words.title, text=words.text, move=words.move, active=words.active, version=version + 1,
            changed_at=at, changed_by_id=by,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    assert isinstance(changed, sa.CursorResult)
    if changed.rowcount != 1:
        raise Conflict("Somebody has just changed this template. Look at it again.")
    session.refresh(template)
    _record(session, template, "change", slug, before, by=by, at=at)


def add_defaults(session: Session, challenge_id: int, slug: str, *, by: int | None, at: datetime) -> int:
    """Add those of the usual templates whose codes are not there yet; how many."""
    known = {each.code for each in threads.templates(session, challenge_id)}
    missing = [(code, words) for code, words in DEFAULTS.items() if code not in known]
    for code, words in missing:
        add_template(session, challenge_id, slug, code, words, by=by, at=at)
    return len(missing)


def _check(words: Words) -> None:
    missing = {name: "Write something." for name in ("title", "text") if not getattr(words, name).strip()}
    if words.move and words.move not in {each.name for each in states.MOVES if each.by}:
        missing["move"] = "There is no such step."
    if missing:
        raise Invalid(missing)


def _seen(template: ReplyTemplate) -> dict[str, object]:
    return {"title": template.title, "version": template.version, "active": template.active}


def _record(
    session: Session, template: ReplyTemplate, verb: str, slug: str, before: dict[str, object] | None, *,
    by: int | None, at: datetime,
) -> None:  # fmt: skip
    audit.record(
        session, f"reports:{verb}-template", f"reply-template:{template.id}", by=by, at=at, scope=slug, before=before,
        after=_seen(template),
    )  # fmt: skip


DEFAULTS = {
    "needs-better-proof": Words(
        "A better proof is needed",
        "Thank you for your report. We have read it and cannot follow the proof to its end yet.\n\n"
        "Please send us\n\n- the exact steps, from a device in its delivered state,\n- what you saw, with the log,\n"
        "- the build on which you saw it.\n\nThe clock waits until you answer.\n",
        "ask",
    ),
    "cannot-reproduce": Words(
        "It could not be reproduced",
        "We have followed your steps on build BUILD and saw something else:\n\nWHAT WE SAW\n\n"
        "If we have missed a step, or if it needs another build, tell us and we try again.\n",
        "ask",
    ),
    "by-design": Words(
        "By design: another layer mitigates it",
        "We have reproduced what you describe. It is a known property: the risk is mitigated by\n\nLAYER\n\n"
        "which holds because\n\nREASON\n\nIf you can get past that layer, we want to hear of it. You may appeal.\n",
        "by-design",
    ),
    "duplicate": Words(
        "Reported before",
        "Somebody has reported this before you, or a part of it:\n\nWHICH PART\n\n"
        "What is new in your report keeps its place and its date.\n",
        "duplicate",
    ),
    "out-of-scope-cloud": Words(
        "Out of scope: the cloud part",
        "What you describe lies in the cloud part, which this challenge does not cover. Please send it to the standing "
        "bounty programme. Nothing of what you sent leaves our team by our hands.\n",
        "out-of-scope",
    ),
    "out-of-scope-physical": Words(
        "Out of scope: physical access",
        "What you describe needs physical access to the device, which this challenge does not cover.\n",
        "out-of-scope",
    ),
    "confirmed": Words(
        "Confirmed",
        "We have reproduced what you describe and work on a fix. We tell you as soon as we know in which release it "
        "comes. Please keep it to yourself until we have agreed on a date.\n",
        "confirm",
    ),
    "next-steps": Words("What happens next", "Here is where your report stands, and what comes next:\n\nNEWS\n"),
}  # fmt: skip
