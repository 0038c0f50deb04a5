"""Who may open what: one line for each endpoint."""

from dataclasses import dataclass, field, replace

from portal.accounts.states import Role
from tests.access import objects
from tests.access.objects import Maker, nothing
from tests.access.people import MEMBERS, NOBODY, SIGNED_IN, STAFF, TEAM

OK = frozenset({200})
# For pages that send some people on: where one is signed in already, has nothing begun, or the token is none.
ONWARD = frozenset({200, 302})
NOT_YET = frozenset({404})


@dataclass(frozen=True)
class Row:
    """Whom an endpoint lets in, what it tells the others who are signed in, and what its address names."""

    admits: frozenset[str]
    refuses: int = 404
    make: Maker = nothing
    # What those who are let in get for a GET.
    answers: frozenset[int] = field(default=OK)
    # Whether another challenge's staff must not find the object under their own challenge's address.
    scoped: bool = False


def everyone(make: Maker = nothing, answers: frozenset[int] = OK) -> Row:
    """For whoever asks."""
    return Row(SIGNED_IN | {NOBODY}, make=make, answers=answers)


def nobody(make: Maker = nothing) -> Row:
    """Shut."""
    return Row(frozenset(), make=make)


def signed_in(make: Maker = nothing, answers: frozenset[int] = OK) -> Row:
    """For every account."""
    return Row(SIGNED_IN, make=make, answers=answers)


def members(make: Maker = nothing, answers: frozenset[int] = OK) -> Row:
    """For everybody who takes part; others do not learn that it is there."""
    return Row(MEMBERS, make=make, answers=answers)


def own(make: Maker, *who: str, answers: frozenset[int] = OK) -> Row:
    """For the researcher, whose object it is (or for those named); not even for other participants."""
    return Row(frozenset(who or {"researcher"}), make=make, answers=answers)


def staff(*roles: Role, make: Maker = nothing, answers: frozenset[int] = OK) -> Row:
    """For holders of one of the roles in this challenge."""
    names = frozenset[str]().union(*(STAFF[role] for role in roles))
    return Row(names, 403, make, answers, scoped=make is not nothing)


def operators(make: Maker = nothing, answers: frozenset[int] = OK) -> Row:
    """For admins of every challenge."""
    return Row(frozenset({"operator"}), 403, make, answers)


ANY_STAFF = frozenset[str]().union(*STAFF.values()) | {"rover"}
REVIEWER, LEAD, LOGISTICS, HOST, TRIAGER, FINANCE, ADMIN = Role

TABLE: dict[str, Row] = {
    "static": everyone(objects.style_sheet),
    "bootstrap.static": everyone(objects.bootstrap),
    "health.healthz": everyone(),
    "health.readyz": everyone(),
    "health.metrics": everyone(),
    # Flask-Security
    "security.static": nobody(objects.unknown),
    "security.two_factor_rescue": nobody(),
    "security.login": everyone(answers=ONWARD),
    "security.logout": everyone(),
    "security.register": everyone(answers=ONWARD),
    "security.confirm_email": everyone(objects.unknown, ONWARD),
    "security.send_confirmation": everyone(),
    "security.forgot_password": everyone(),
    "security.reset_password": everyone(objects.unknown, ONWARD),
    "security.two_factor_token_validation": everyone(answers=ONWARD),
    "security.tf_select": everyone(answers=ONWARD),
    "security.mf_recovery": everyone(answers=ONWARD),
    "security.wan_signin": everyone(answers=ONWARD),
    "security.wan_signin_response": everyone(objects.unknown),
    "security.change_email_confirm": everyone(objects.unknown, ONWARD),
    "security.change_password": signed_in(),
    "security.change_email": signed_in(),
    "security.verify": signed_in(),
    "security.two_factor_setup": signed_in(),
    "security.two_factor_setup_validate": signed_in(objects.unknown),
    "security.mf_recovery_codes": signed_in(),
    "security.wan_register": signed_in(),
    "security.wan_register_response": signed_in(objects.unknown),
    "security.wan_delete": signed_in(answers=ONWARD),
    "security.wan_verify": signed_in(),
    "security.wan_verify_response": signed_in(objects.unknown),
    # Accounts
    "accounts.profile": signed_in(),
    "accounts.security": signed_in(),
    "accounts.sign_out_everywhere": signed_in(),
    "accounts.data": signed_in(),
    "accounts.export": signed_in(),
    "accounts.erase": signed_in(),
    # Challenges
    "challenges.show": everyone(),
    "challenges.rules": everyone(),
    "challenges.agreement": signed_in(),
    "challenges.agreement_text": signed_in(objects.version),
    "challenges.sign": members(),
    "challenges.receipt": members(),
    "challenges.team": own(nothing, *TEAM),
    "challenges.invite": own(nothing, *TEAM),
    "challenges.withdraw_invitation": own(objects.invitation, *TEAM),
    "challenges.join": signed_in(objects.invitation),
    "challenges.settings": staff(LEAD, ADMIN),
    "challenges.publish_agreement": staff(LEAD, ADMIN),
    "challenges.new_scenario": staff(LEAD, ADMIN),
    "challenges.scenario": staff(LEAD, ADMIN, make=objects.scenario),
    "challenges.people": staff(ADMIN),
    "challenges.grant_role": staff(ADMIN),
    "challenges.withdraw_role": staff(ADMIN),
    "challenges.remove_participant": staff(ADMIN, make=objects.participant),
    # Applications
    "applications.apply": signed_in(answers=ONWARD),
    "applications.save": signed_in(),
    "applications.edit": own(objects.draft, "applicant", answers=ONWARD),
    "applications.revise": own(objects.draft, "applicant"),
    "applications.withdraw": own(objects.application, "applicant"),
    "applications.give_back": own(objects.application, "applicant"),
    "applications.questions": staff(LEAD),
    "applications.add_question": staff(LEAD),
    "applications.question": staff(LEAD, make=objects.question),
    "applications.change_question": staff(LEAD, make=objects.question),
    "applications.arrange_question": staff(LEAD, make=objects.question),
    "applications.duplicates_page": staff(LEAD),
    "applications.compare_again": staff(LEAD),
    "applications.disqualify_duplicates": staff(LEAD),
    "applications.dismiss_duplicates": staff(LEAD),
    "applications.restore_duplicates": staff(LEAD, make=objects.twins),
    "applications.imports": staff(LEAD),
    "applications.upload": staff(LEAD),
    "applications.import_report": staff(LEAD, make=objects.file_of_applications),
    "applications.confirm_import": staff(LEAD, make=objects.file_of_applications),
    "applications.discard_import": staff(LEAD, make=objects.file_of_applications),
    "applications.export_table": staff(LEAD),
    "applications.export_json": staff(LEAD),
    "selection.queue": staff(LEAD, REVIEWER),
    "selection.table": staff(LEAD, REVIEWER),
    "selection.ask_bulk": staff(LEAD),
    "selection.bulks": staff(LEAD),
    "selection.bulk": staff(LEAD, make=objects.bulk),
    "selection.stop_bulk": staff(LEAD, make=objects.bulk),
    "selection.saved_views": staff(LEAD, REVIEWER),
    "selection.keep_view": staff(LEAD, REVIEWER),
    "selection.change_view": staff(LEAD, REVIEWER, make=objects.view),
    "selection.drop_view": staff(LEAD, REVIEWER, make=objects.view),
    # Selection
    "selection.invitation": own(objects.invited, "applicant"),
    "selection.accept": own(objects.invited, "applicant"),
    "selection.refuse": own(objects.invited, "applicant"),
    "selection.application": staff(LEAD, REVIEWER, make=objects.application),
    "selection.decide_one": staff(LEAD, make=objects.application),
    "selection.step": staff(LEAD, make=objects.application),
    "selection.review": staff(REVIEWER, LEAD, answers=ONWARD),
    "selection.save_review": staff(REVIEWER, LEAD, make=objects.application),
    "selection.conflict": staff(REVIEWER, LEAD, make=objects.application),
    "selection.agree": staff(REVIEWER, LEAD, make=objects.review),
    "selection.review_settings": staff(LEAD),
    "selection.save_plan": staff(LEAD),
    "selection.save_rubric": staff(LEAD),
    "selection.reviewers": staff(LEAD),
    "selection.save_reviewers": staff(LEAD),
    "selection.assign": staff(LEAD),
    "selection.hand_on": staff(LEAD, make=objects.reviewer),
    "selection.fit": staff(LEAD),
    "selection.calibrate": staff(LEAD, make=objects.application),
    "selection.triage": staff(REVIEWER, LEAD),
    "selection.triage_next": staff(REVIEWER, LEAD),
    "selection.triage_judge": staff(REVIEWER, LEAD, make=objects.application),
    "selection.triage_keep": staff(REVIEWER, LEAD),
    "selection.triage_undo": staff(REVIEWER, LEAD),
    "selection.triage_pace": staff(REVIEWER, LEAD),
    "selection.fairness": staff(LEAD),
    "selection.lotteries": everyone(),
    "selection.fairness_table": replace(staff(LEAD, make=objects.fairness), scoped=False),
    "selection.selection": staff(LEAD),
    "selection.create_draft": staff(LEAD),
    "selection.draft": staff(LEAD, make=objects.what_if),
    "selection.change_draft": staff(LEAD, make=objects.what_if),
    "selection.set_limit": staff(LEAD, make=objects.what_if),
    "selection.drop_limit": staff(LEAD, make=objects.what_if),
    "selection.pin": staff(LEAD, make=objects.what_if),
    "selection.unpin": staff(LEAD, make=objects.what_if),
    "selection.solve_draft": staff(LEAD, make=objects.what_if),
    "selection.freeze_draft": staff(LEAD, make=objects.what_if),
    "selection.copy_draft": staff(LEAD, make=objects.what_if),
    "selection.discard_draft": staff(LEAD, make=objects.what_if),
    "selection.compare_drafts": staff(LEAD),
    "selection.waitlist": staff(LEAD),
    "selection.take_from_waitlist": staff(LEAD),
    "selection.waves": staff(LEAD),
    "selection.create_wave": staff(LEAD),
    "selection.wave": staff(LEAD, make=objects.wave),
    "selection.release_wave": staff(LEAD, make=objects.wave),
    "selection.discard_wave": staff(LEAD, make=objects.wave),
    "selection.pace_wave": staff(LEAD, make=objects.wave),
    "selection.pause_wave": staff(LEAD, make=objects.wave),
    "selection.resume_wave": staff(LEAD, make=objects.wave),
    "selection.stop_wave": staff(LEAD, make=objects.wave),
    "selection.wave_mail": staff(LEAD, make=objects.wave),
    "selection.wave_mail_html": staff(LEAD, make=objects.wave),
    "selection.letter": staff(LEAD, make=objects.wave),
    "selection.write_letter": staff(LEAD, make=objects.wave),
    "selection.drop_letter": staff(LEAD, make=objects.wave),
    "selection.undelivered": staff(LEAD),
    "selection.note_returned": staff(LEAD),
    "selection.send_mail_again": staff(LEAD, make=objects.undelivered),
    "selection.settle_mail": staff(LEAD, make=objects.undelivered),
    # Kits
    "kits.mine": members(),
    "kits.address": members(),
    "kits.say": own(objects.shipment),
    "kits.stock": staff(LOGISTICS),
    "kits.stock_csv": staff(LOGISTICS),
    "kits.add_units": staff(LOGISTICS),
    "kits.new_model": staff(LOGISTICS),
    "kits.unit": staff(LOGISTICS, make=objects.unit),
    "kits.move_unit": staff(LOGISTICS, make=objects.unit),
    "kits.shipments": staff(LOGISTICS),
    "kits.shipments_csv": staff(LOGISTICS),
    "kits.plan": staff(LOGISTICS),
    "kits.ask": staff(LOGISTICS),
    "kits.shipment": staff(LOGISTICS, make=objects.shipment),
    "kits.advance": staff(LOGISTICS, make=objects.shipment),
    "kits.assign": staff(LOGISTICS, make=objects.shipment),
    "kits.take_out": staff(LOGISTICS, make=objects.shipment),
    "kits.scan": staff(LOGISTICS, make=objects.shipment),
    "kits.settle": staff(LOGISTICS, make=objects.shipment),
    "kits.replace": staff(LOGISTICS, make=objects.shipment),
    "kits.reveal": staff(LOGISTICS, make=objects.shipment),
    # Office hours
    "office_hours.mine": members(),
    "office_hours.book": members(objects.slot),
    "office_hours.booking": own(objects.booking),
    "office_hours.move": own(objects.booking),
    "office_hours.cancel": own(objects.booking),
    "office_hours.my_calendar": members(),
    "office_hours.my_calendars": members(),
    "office_hours.my_reminders": members(),
    "office_hours.feed": everyone(objects.feed),
    "office_hours.host_calendar": staff(HOST),
    "office_hours.host_reminders": staff(HOST),
    "office_hours.busy_calendar": staff(LEAD),
    "office_hours.staff_calendars": staff(HOST, LEAD, ADMIN),
    "office_hours.staff": staff(HOST, LEAD, ADMIN),
    "office_hours.new_series": staff(HOST, LEAD, ADMIN),
    "office_hours.close_series": staff(HOST, LEAD, ADMIN, make=objects.slot),
    "office_hours.sitting": staff(HOST, LEAD, ADMIN, make=objects.slot),
    "office_hours.cancel_sitting": staff(HOST, LEAD, make=objects.slot),
    "office_hours.mark": staff(HOST, make=objects.booking),
    # Reports
    "reports.key_sets": everyone(objects.key_set),
    "reports.current_keys": everyone(objects.key_set),
    "reports.current_fingerprints": everyone(objects.key_set),
    "reports.receipts_key": everyone(),
    "reports.security_txt": everyone(),
    "reports.publish_keys": operators(objects.key_set),
    "reports.index": members(),
    "reports.new": members(objects.key_set),
    "reports.show": own(objects.report),
    "reports.receipt": own(objects.report),
    "reports.attach": own(objects.upload),
    "reports.submit": own(objects.upload),
    "reports.withdraw": own(objects.report),
    "reports.tokens": members(),
    "reports.revoke_token": own(objects.token),
    "reports.upload_options": everyone(),
    "reports.create_upload": members(),
    "reports.upload": own(objects.upload),
    "reports.queue": staff(TRIAGER),
    "reports.queue_json": staff(TRIAGER),
    "reports.staff_show": staff(TRIAGER, make=objects.report),
    "reports.staff_report": staff(TRIAGER, make=objects.report),
    "reports.staff_file": staff(TRIAGER, make=objects.report),
    "reports.staff_tokens": staff(TRIAGER),
    "reports.assign": staff(TRIAGER, make=objects.report),
    "reports.assess": staff(TRIAGER, make=objects.report),
    "reports.add_note": staff(TRIAGER, make=objects.report),
    "reports.acknowledge": staff(TRIAGER, make=objects.report),
    "reports.move": staff(TRIAGER, make=objects.report),
    # Awards
    "awards.mine": members(),
    "awards.index": staff(TRIAGER, LEAD, FINANCE),
    "awards.download": staff(LEAD, FINANCE),
    "awards.new": staff(TRIAGER, make=objects.confirmed),
    "awards.show": staff(TRIAGER, LEAD, FINANCE, make=objects.award),
    "awards.decide": staff(FINANCE, make=objects.award),
    "awards.rules": staff(TRIAGER, LEAD, FINANCE, ADMIN),
    "awards.publish_rules": staff(LEAD, ADMIN),
    # Results, which are not out yet
    "results.show": everyone(answers=NOT_YET),
    "results.as_json": everyone(answers=NOT_YET),
    "results.acknowledgements": everyone(answers=OK | NOT_YET),  # those who are to be thanked say so before
    "results.consent": members(),
    "results.withdraw_consent": members(),
    "results.staff": staff(LEAD),
    "results.release": staff(LEAD),
    # Home
    "home.landing": everyone(),
    "home.privacy": everyone(),
    "home.dashboard": signed_in(),
    "home.staff_challenges": Row(ANY_STAFF, 403),
    "home.staff": staff(*Role),
    "home.jobs": operators(),
    "home.audit": operators(),
    "home.mail": operators(),
    "home.show_mail": operators(objects.mail, NOT_YET),
    "home.send_again": operators(objects.mail),
}
