"""Awards of the first version, with one payment each, become entries, shares and payments: on both engines."""

from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from flask_migrate import upgrade

from portal.awards import queries
from portal.awards.models import Award, AwardShare, Payment
from portal.core.db import db
from portal.factory import init_migrations
from tests.servers import postgresql
from tests.test_migrations import made_app

T = "'2020-06-15T12:00:00.000000Z'"
PEOPLE = {1: "tom", 2: "tia", 3: "rosa", 4: "tamar", 5: "cem"}
# Number, participant, what it corrects, amount, state, reference.
AWARDS = (
    (1, 1, None, 24_000, "superseded", "TX-1"), (2, 1, 1, 48_000, "approved", None),
    (3, 2, None, 100, "approved", None),
    (4, 2, None, 300, "paid", "TX-4"), (5, 2, None, 400, "failed", None), (6, 2, None, 500, "donated", "TX-6"),
    (7, 2, None, 600, "refused", None), (8, 2, None, 700, "proposed", None), (9, 2, None, 800, "rejected", None),
    (10, 1, None, 900, "refused", None), (11, 1, None, 1_000, "paid", "TX-11"),
)  # fmt: skip
# Which report each is for, where it is not one of its own.
REPORT_OF = {2: 1, 11: 10}


def rows(kind: str) -> list[str]:
    found = [
        f"INSERT INTO account (id, email, canonical_email, name, zone, created_at, active, fs_uniquifier) VALUES "
        f"({number}, '{name}@example.org', '{name}@example.org', '{name}', 'UTC', {T}, TRUE, '{name}')"
        for number, name in PEOPLE.items()
    ]
    found += [
        f"INSERT INTO challenge (id, slug, title, summary, rules, zone, places, currency, announced_on, apply_from, "
        f"apply_until, starts_on, ends_on) VALUES (1, 'test', 'Test', '', '', 'UTC', 5, 'USD', '2020-05-05', {T}, "
        f"'2020-06-22T12:00:00.000000Z', '2020-06-01', '2020-08-31')",
        f"INSERT INTO key_set (id, number, published_at) VALUES (1, 1, {T})",
        f"INSERT INTO bounty_rules (id, challenge_id, version, currency, published_at) VALUES (1, 1, 1, 'USD', {T})",
    ]
    for number, name in ((1, "researcher"), (2, "team")):
        found.append(
            f"INSERT INTO participant (id, challenge_id, name, kind, state, accepted_at) "
            f"VALUES ({number}, 1, '{name}', '{name}', 'active', {T})"
        )
    for account, participant, role in ((3, 1, "lead"), (5, 2, "member"), (4, 2, "lead")):
        found.append(
            f"INSERT INTO member (challenge_id, participant_id, account_id, role, country, joined_at) "
            f"VALUES (1, {participant}, {account}, '{role}', 'FR', {T})"
        )
    for number, participant, *_ in AWARDS:
        if number not in REPORT_OF:
            found.append(
                f"INSERT INTO report (id, challenge_id, number, ref, participant_id, submitted_by_id, title, claimed, "
                f"build, state, state_since, created_at, received_at, key_set_id, acknowledged_at, severity, "
                f"led_to_improvement, kind, paused_seconds) VALUES ({number}, 1, {number}, 'R-{number}', "
                f"{participant}, 3, 'T', 'low', '1', 'confirmed', {T}, {T}, {T}, 1, {T}, 'critical', FALSE, 'full', 0)"
            )
    cents = 100 if kind == "sqlite" else 1
    for number, participant, corrects, amount, state, reference in AWARDS:
        approved = state not in ("proposed", "rejected")
        told = f"'{reference}', {T}" if reference else "NULL, NULL"
        why = "'because'" if state in ("rejected", "failed", "refused") else "NULL"
        found.append(
            f"INSERT INTO award (id, challenge_id, report_id, participant_id, rules_id, corrects_id, severity, "
            f"quality, base, uplift_percent, amount, currency, working, reason, note, state, state_since, "
            f"proposed_by_id, proposed_at, approved_by_id, approved_at, outcome, payment_reference, paid_at) "
            f"VALUES ({number}, 1, {REPORT_OF.get(number, number)}, {participant}, 1, {corrects or 'NULL'}, "
            f"'critical', 'high', {amount * cents}, 0, {amount * cents}, 'USD', '', 'standard', '', '{state}', {T}, 1, "
            f"{T}, {f'2, {T}' if approved else 'NULL, NULL'}, {why}, {told})"
        )
    return found


def test_every_award_and_its_money_is_still_there(database: str, tmp_path: Path) -> None:
    with postgresql() as url:
        app = made_app(database, tmp_path, url)
        init_migrations(app)
        with app.app_context():
            upgrade(revision="0001")
            for statement in rows(database):
                db.session.execute(sa.text(statement.replace(":", "\\:")))
            db.session.commit()

            upgrade()

            entries = db.session.execute(sa.select(Award.id, Award.kind, Award.change, Award.state).order_by(Award.id))
            assert [(number, str(kind), int(change), str(state)) for number, kind, change, state in entries] == [
                (1, "award", 24_000, "superseded"), (2, "raise", 24_000, "approved"), (3, "award", 100, "approved"),
                (4, "award", 300, "approved"), (5, "award", 400, "approved"), (6, "award", 500, "approved"),
                (7, "award", 600, "approved"), (8, "award", 700, "proposed"), (9, "award", 800, "rejected"),
                (10, "award", 900, "superseded"), (11, "award", 1_000, "approved"),
            ]  # fmt: skip
            paid = db.session.scalars(sa.select(Payment).order_by(Payment.award_id, Payment.account_id))
            assert [(each.award_id, each.account_id, int(each.amount), str(each.state), each.reference or each.outcome)
                    for each in paid] == [
                (1, 3, 24_000, "paid", "TX-1"), (2, 3, 24_000, "due", None), (3, 4, 50, "due", None),
                (3, 5, 50, "due", None), (4, 4, 300, "paid", "TX-4"), (5, 4, 400, "failed", "because"),
                (6, 4, 500, "donated", "TX-6"), (7, 4, 600, "refused", "because"), (11, 3, 1_000, "paid", "TX-11"),
            ]  # fmt: skip
            books = queries.books(db.session, 1)
            assert (books.difference, books.overpaid) == (0, 0)
            assert sum((amount for _, amount in queries.granted(db.session, 1)), Decimal(0)) == 50_300
            shares = sa.select(sa.func.sum(AwardShare.amount)).group_by(AwardShare.award_id)
            assert db.session.scalars(shares.order_by(AwardShare.award_id)).all() == [
                Decimal(amount) for _, _, _, amount, _, _ in AWARDS
            ]
            following = Award(**{
                column.key: getattr(db.session.get_one(Award, 8), column.key)
                for column in Award.__table__.columns if column.key not in ("id", "part")
            }, part="another")  # fmt: skip
            db.session.add(following)
            db.session.flush()
            assert following.id == 12
            db.session.rollback()
            db.engine.dispose()
