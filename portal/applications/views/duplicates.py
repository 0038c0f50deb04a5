"""What looks like the same person twice, for the lead to judge."""

from typing import NamedTuple

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.applications import queries, rules
from portal.applications.actions import duplicates as actions
from portal.applications.queries import duplicates
from portal.applications.queries.duplicates import Cluster
from portal.applications.rules import comparing
from portal.applications.views.blueprint import blueprint
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db


class Shown(NamedTuple):
    """A cluster as the page shows it; of one's own nothing but that it is there."""

    cluster: Cluster
    own: bool
    sides: list[comparing.Side]
    likenesses: list[comparing.Likeness]
    reason: str


@blueprint.get("/staff/<slug>/applications/duplicates")
@only(Role.LEAD)
def duplicates_page(slug: str) -> ResponseReturnValue:
    """Clusters with their evidence, and what was judged to be different people."""
    challenge, me = challenge_or_404(slug), current_account().id
    asked = queries.questions(db.session, challenge.id)
    found, after = duplicates.clusters(db.session, challenge.id, request.args.get("after", 0, type=int))
    shown = [
        Shown(cluster, True, [], [], "")
        if any(one.account_id == me for one in cluster.applications)
        else Shown(
            cluster, False, comparing.sides(cluster.applications, asked),
            comparing.likenesses(cluster.applications, cluster.pairs), comparing.reason_for(cluster.pairs),
        )
        for cluster in found
    ]  # fmt: skip
    return render_template(
        "applications/duplicates.html", challenge=challenge, clusters=shown, after=after, countries=rules.COUNTRIES,
        scan=duplicates.scan_of(db.session, challenge.id), count=duplicates.open_count(db.session, challenge.id),
        dismissed=duplicates.dismissed(db.session, challenge.id),
    )  # fmt: skip


def _back(slug: str) -> ResponseReturnValue:
    return redirect(url_for("applications.duplicates_page", slug=slug))


@blueprint.post("/staff/<slug>/applications/duplicates/compare")
@only(Role.LEAD)
def compare_again(slug: str) -> ResponseReturnValue:
    """Have all applications compared once more."""
    actions.ask_to_compare(db.session, challenge_or_404(slug), at=clock.now())
    db.session.commit()
    flash("The applications are being compared. Reload this page in a moment.")
    return _back(slug)


@blueprint.post("/staff/<slug>/applications/duplicates/disqualify")
@only(Role.LEAD)
def disqualify_duplicates(slug: str) -> ResponseReturnValue:
    """Disqualify the chosen applications as duplicates of the one that stays."""
    count = actions.disqualify_duplicates(
        db.session, challenge_or_404(slug), stays=request.form.get("stays", 0, type=int),
        gone=sorted(set(request.form.getlist("gone", type=int))), reason=request.form.get("reason", "").strip(),
        by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash(f"{count} application{'' if count == 1 else 's'} disqualified. “Take back into the selection” on the page of "
          "each undoes it.")  # fmt: skip
    return _back(slug)


@blueprint.post("/staff/<slug>/applications/duplicates/dismiss")
@only(Role.LEAD)
def dismiss_duplicates(slug: str) -> ResponseReturnValue:
    """Say that the applications of a cluster are different people's."""
    actions.dismiss(
        db.session, challenge_or_404(slug), request.form.getlist("pairs", type=int),
        request.form.get("reason", "").strip(), by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash("Noted: no duplicates. They come back only with new evidence.")
    return _back(slug)


@blueprint.post("/staff/<slug>/applications/duplicates/restore/<int:low_id>/<int:high_id>")
@only(Role.LEAD)
def restore_duplicates(slug: str, low_id: int, high_id: int) -> ResponseReturnValue:
    """Take back that two applications are different people's."""
    actions.restore(
        db.session, challenge_or_404(slug), low_id, high_id, by=current_account().id, at=clock.now()
    )  # fmt: skip
    db.session.commit()
    flash("They are among the possible duplicates again.")
    return _back(slug)
