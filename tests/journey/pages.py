"""Every type of page of the portal: who sees one, and where. Addresses are filled in from the demonstration's rows."""

from typing import NamedTuple

LIVE, PAST = "demo-live", "azure-sphere-2020"
ARRIVING = "('handed_over', 'in_transit', 'out_for_delivery', 'delivered')"


class Kind(NamedTuple):
    """One type of page. `who` is the local part of an address of the demonstration, or empty for a stranger."""

    name: str
    endpoint: str
    who: str
    path: str


# A word in braces is the first value of a query on the demonstration's database.
SAMPLES = {
    "researcher": """SELECT account.email FROM account JOIN member ON member.account_id = account.id
        JOIN participant ON participant.id = member.participant_id JOIN shipment USING (participant_id)
        WHERE participant.challenge_id = 2 AND shipment.state IN {arriving} ORDER BY account.id""",
    "addressee": """SELECT account.email FROM account JOIN member ON member.account_id = account.id
        JOIN shipment USING (participant_id)
        WHERE shipment.challenge_id = 2 AND shipment.state = 'address_requested'""",
    "teammate": """SELECT account.email FROM account JOIN member ON member.account_id = account.id
        JOIN participant ON participant.id = member.participant_id
        WHERE participant.challenge_id = 2 AND participant.kind = 'team' AND member.role = 'lead'""",
    "reporter": """SELECT account.email FROM account JOIN report ON report.submitted_by_id = account.id
        WHERE report.challenge_id = 2 AND report.state = 'needs_info'""",
    "chainer": """SELECT account.email FROM account JOIN report ON report.submitted_by_id = account.id
        WHERE report.challenge_id = 2 AND report.state = 'fixed'""",
    "chained": "SELECT ref FROM report WHERE challenge_id = 2 AND state = 'fixed'",
    "knower": """SELECT account.email FROM account JOIN report ON report.submitted_by_id = account.id
        WHERE report.challenge_id = 2 AND report.known_issue_id IS NOT NULL""",
    "knew": "SELECT ref FROM report WHERE challenge_id = 2 AND known_issue_id IS NOT NULL",
    "reported": "SELECT ref FROM report WHERE challenge_id = 2 AND state = 'needs_info'",
    "booker": """SELECT account.email FROM account JOIN office_booking ON office_booking.account_id = account.id
        JOIN participant ON participant.id = office_booking.participant_id
        WHERE participant.challenge_id = 2 AND office_booking.state = 'confirmed' AND office_booking.starts_at > {now}
        ORDER BY office_booking.starts_at DESC, account.id""",
    "booking": """SELECT office_booking.uid FROM account JOIN office_booking ON office_booking.account_id = account.id
        JOIN participant ON participant.id = office_booking.participant_id
        WHERE participant.challenge_id = 2 AND office_booking.state = 'confirmed' AND office_booking.starts_at > {now}
        ORDER BY office_booking.starts_at DESC, account.id""",
    "slot": """SELECT office_slot.id FROM office_slot
        LEFT JOIN office_booking ON office_booking.slot_id = office_slot.id
        JOIN office_session ON office_session.id = office_slot.sitting_id
        JOIN office_series ON office_series.id = office_session.series_id
        WHERE office_booking.id IS NULL AND office_series.challenge_id = 2 AND office_slot.state = 'open'
        AND office_slot.starts_at > {now} ORDER BY office_slot.starts_at DESC""",
    "round": """SELECT office_round.id FROM office_round
        JOIN office_session ON office_session.id = office_round.sitting_id
        JOIN office_series ON office_series.id = office_session.series_id
        WHERE office_series.challenge_id = 2 AND office_round.state = 'gathering'""",
    "drawn": """SELECT office_round.id FROM office_round
        JOIN office_session ON office_session.id = office_round.sitting_id
        JOIN office_series ON office_series.id = office_session.series_id
        WHERE office_series.challenge_id = 2 AND office_round.state = 'drawn'""",
    "unlucky": """SELECT account.email FROM account
        JOIN office_round_request ON office_round_request.account_id = account.id
        WHERE office_round_request.state = 'unlucky' ORDER BY account.id""",
    "series": """SELECT id FROM office_series WHERE challenge_id = 2 AND state = 'open' ORDER BY id""",
    "hosted": """SELECT office_slot.id FROM office_slot JOIN account ON account.id = office_slot.host_id
        JOIN office_session ON office_session.id = office_slot.sitting_id
        JOIN office_series ON office_series.id = office_session.series_id
        WHERE account.email LIKE 'host1@%' AND office_series.challenge_id = 2 AND office_slot.state = 'open'
        AND office_slot.starts_at > {now} ORDER BY office_slot.starts_at DESC""",
    "expected": """SELECT office_booking.uid FROM office_booking
        JOIN office_slot ON office_slot.id = office_booking.slot_id
        JOIN office_session ON office_session.id = office_slot.sitting_id
        JOIN office_series ON office_series.id = office_session.series_id
        JOIN account ON account.id = office_slot.host_id
        WHERE account.email LIKE 'host1@%' AND office_series.challenge_id = 2 AND office_booking.state = 'confirmed'
        AND office_booking.starts_at > {now} ORDER BY office_booking.starts_at DESC""",
    "coming": """SELECT office_slot.sitting_id FROM office_slot
        JOIN office_booking ON office_booking.slot_id = office_slot.id
        JOIN office_question ON office_question.booking_id = office_booking.id
        JOIN account ON account.id = office_slot.host_id
        WHERE account.email LIKE 'host1@%' AND office_booking.starts_at > {now}
        ORDER BY office_slot.starts_at, office_slot.id""",
    "sitting": """SELECT office_session.id FROM office_session JOIN office_slot ON sitting_id = office_session.id
        JOIN office_booking ON slot_id = office_slot.id JOIN account ON account.id = office_slot.host_id
        JOIN office_series ON office_series.id = office_session.series_id
        WHERE account.email LIKE 'host1@%' AND office_series.challenge_id = 2""",
    "today": "SELECT sitting_id FROM office_course",
    "noted": """SELECT office_booking.uid FROM office_booking
        JOIN office_note ON office_note.booking_id = office_booking.id
        JOIN office_slot ON office_slot.id = office_booking.slot_id JOIN account ON account.id = office_slot.host_id
        WHERE account.email LIKE 'host1@%'
        ORDER BY office_booking.starts_at DESC, office_note.id""",
    "asked": """SELECT account.email FROM account JOIN office_booking ON office_booking.account_id = account.id
        JOIN office_answer ON office_answer.booking_id = office_booking.id""",
    "asked_of": """SELECT office_booking.uid FROM office_booking
        JOIN office_answer ON office_answer.booking_id = office_booking.id""",
    "answered": "SELECT key FROM office_answer WHERE state = 'published' ORDER BY id",
    "drafted": "SELECT key FROM office_answer WHERE state = 'draft' ORDER BY id",
    "waiter": """SELECT account.email FROM account JOIN office_booking ON office_booking.account_id = account.id
        WHERE office_booking.source = 'waitlist' AND office_booking.state = 'held' ORDER BY office_booking.id""",
    "offer": """SELECT uid FROM office_booking
        WHERE source = 'waitlist' AND state = 'held' ORDER BY office_booking.id""",
    "full": "SELECT sitting_id FROM office_waiter WHERE state = 'waiting' ORDER BY id",
    "drafter": "SELECT email FROM account JOIN application ON account_id = account.id WHERE state = 'draft'",
    "submitter": """SELECT email FROM account JOIN application ON account_id = account.id
        WHERE state = 'submitted' AND challenge_id = 2""",
    "invited": "SELECT email FROM account JOIN application ON account_id = account.id WHERE state = 'invited'",
    "declined": """SELECT email FROM account JOIN application ON account_id = account.id
        WHERE state = 'declined' AND challenge_id = 1""",
    "application": """SELECT application.id FROM application JOIN review ON application_id = application.id
        WHERE challenge_id = 2 AND state = 'submitted'""",
    "question": "SELECT id FROM application_question WHERE challenge_id = 2 ORDER BY position",
    "import": "SELECT id FROM application_import WHERE challenge_id = 2",
    "kit_model": "SELECT id FROM kit_model WHERE challenge_id = 2 AND per_place > 0",
    "parcel": """SELECT id FROM shipment
        WHERE challenge_id = 2 AND state IN ('address_confirmed', 'ready', 'packed', 'labelled') ORDER BY state DESC""",
    "ready": "SELECT id FROM shipment WHERE challenge_id = 2 AND state = 'ready' ORDER BY id",
    "travelling": "SELECT id FROM shipment WHERE challenge_id = 2 AND state IN {arriving}",
    "addressed": """SELECT shipment.id FROM shipment JOIN delivery_address USING (participant_id)
        WHERE challenge_id = 2 AND purged_at IS NULL""",
    "policy": "SELECT id FROM country_policy WHERE challenge_id = 2 AND ended_at IS NULL ORDER BY id",
    "hold": """SELECT shipment_hold.id FROM shipment_hold JOIN shipment ON shipment.id = shipment_id
        WHERE challenge_id = 2 AND lifted_at IS NULL AND kind = 'screening' ORDER BY shipment_hold.id""",
    "wished": "SELECT shipment_id FROM kit_replacement WHERE challenge_id = 2 AND state = 'asked'",
    "back": "SELECT id FROM kit_return WHERE challenge_id = 2 AND state = 'announced'",
    "unseen": "SELECT unit_id FROM unit_return WHERE inspected_at IS NULL",
    "returner": """SELECT account.email FROM account JOIN member ON member.account_id = account.id
        JOIN shipment USING (participant_id) JOIN kit_return ON kit_return.shipment_id = shipment.id
        WHERE kit_return.challenge_id = 2 AND kit_return.state = 'announced' ORDER BY account.id""",
    "unit": "SELECT unit_id FROM shipment_unit JOIN shipment ON shipment.id = shipment_id WHERE challenge_id = 2",
    "report": "SELECT ref FROM report WHERE challenge_id = 2 AND state = 'reproducing'",
    "appealed": "SELECT ref FROM report WHERE challenge_id = 2 AND state = 'appealed'",
    "release": "SELECT id FROM report_release WHERE challenge_id = 2 ORDER BY id DESC",
    "by_design": "SELECT ref FROM report WHERE challenge_id = 2 AND state = 'by_design'",
    "refused": """SELECT account.email FROM account JOIN report ON report.submitted_by_id = account.id
        WHERE report.challenge_id = 2 AND report.state = 'by_design'""",
    "arrival": "SELECT ref FROM report WHERE challenge_id = 2 AND state = 'received'",
    "discloser": """SELECT account.email FROM account JOIN disclosure_proposal ON by_id = account.id
        WHERE answer = 'open' AND side = 'researcher' ORDER BY disclosure_proposal.id""",
    "disclosed": """SELECT ref FROM report JOIN disclosure ON report_id = report.id
        WHERE challenge_id = 2 AND disclosure.state = 'requested'""",
    "advised": "SELECT ident FROM advisory WHERE challenge_id = 1 ORDER BY id",
    "published_advisory": "SELECT id FROM advisory WHERE challenge_id = 1 ORDER BY id",
    "drafted_advisory": "SELECT id FROM advisory WHERE challenge_id = 2 ORDER BY id",
    "award": "SELECT id FROM award_entry WHERE challenge_id = 2 AND state = 'proposed'",
    "granted": "SELECT id FROM award_entry WHERE challenge_id = 1 AND state = 'approved'",
    "shared": "SELECT id FROM award_entry WHERE challenge_id = 2 AND part <> '' ORDER BY id",
    "payment": "SELECT id FROM award_payment WHERE challenge_id = 2 AND state = 'due' ORDER BY id",
    "batch": "SELECT number FROM payment_batch WHERE challenge_id = 2",
    "winner": """SELECT account.email FROM account JOIN member ON member.account_id = account.id
        JOIN award_entry ON award_entry.participant_id = member.participant_id WHERE award_entry.challenge_id = 1""",
    "confirmed": "SELECT ref FROM report WHERE challenge_id = 2 AND state = 'fixing'",
    "scenario": "SELECT id FROM scenario WHERE challenge_id = 2",
    "speaker": """SELECT account.email FROM account JOIN line_message ON line_message.account_id = account.id
        JOIN line_conversation ON line_conversation.id = conversation_id
        WHERE line_conversation.challenge_id = 2 AND author = 'participant' AND state = 'waiting_for_participant'
        ORDER BY line_message.id""",
    "silent": """SELECT account.email FROM account JOIN member ON member.account_id = account.id
        LEFT JOIN line_conversation ON line_conversation.participant_id = member.participant_id
        WHERE member.challenge_id = 2 AND line_conversation.id IS NULL ORDER BY account.id""",
    "conversation": """SELECT line_conversation.id FROM line_conversation
        JOIN line_message ON conversation_id = line_conversation.id
        WHERE challenge_id = 2 AND author = 'note' ORDER BY line_conversation.id""",
    "canned": "SELECT id FROM line_canned_answer WHERE challenge_id = 2 ORDER BY id",
    "document": "SELECT id FROM resource WHERE challenge_id = 2 AND kind = 'document'",
    "download": "SELECT id FROM resource WHERE challenge_id = 2 AND kind = 'download'",
    "build": "SELECT id FROM build WHERE challenge_id = 2 AND state = 'pinned'",
    "news": "SELECT id FROM announcement WHERE challenge_id = 2 ORDER BY publish_at",
    "plan": "SELECT id FROM announcement WHERE challenge_id = 2 ORDER BY publish_at DESC",
}

PAGES = (
    # For everybody.
    Kind("landing", "home.landing", "", "/"),
    Kind("privacy", "home.privacy", "", "/privacy"),
    Kind("challenge", "challenges.show", "", f"/challenges/{LIVE}/"),
    Kind("challenge-over", "challenges.show", "", f"/challenges/{PAST}/"),
    Kind("rules", "challenges.rules", "", f"/challenges/{LIVE}/rules"),
    Kind("lottery", "selection.lotteries", "", f"/challenges/{LIVE}/lottery"),
    Kind("results", "results.show", "", f"/challenges/{PAST}/results"),
    Kind("acknowledgements", "results.acknowledgements", "", f"/challenges/{PAST}/acknowledgements"),
    Kind("publications", "reports.publications", "", f"/challenges/{PAST}/publications"),
    Kind("advisories", "reports.public_advisories", "", f"/challenges/{PAST}/advisories/"),
    Kind("advisory", "reports.advisory", "", f"/challenges/{PAST}/advisories/{{advised}}"),
    Kind("csaf-folder", "reports.csaf_folder", "", "/.well-known/csaf/white/"),
    Kind("csaf-year", "reports.csaf_year", "", "/.well-known/csaf/white/2020/"),
    Kind("keys", "reports.key_sets", "", "/keys/"),
    Kind("verify-receipt", "reports.verify", "", "/verify"),
    Kind("sign-in", "security.login", "", "/account/sign-in"),
    Kind("sign-up", "security.register", "", "/account/sign-up"),
    Kind("confirm-again", "security.send_confirmation", "", "/account/confirm"),
    Kind("reset", "security.forgot_password", "", "/account/reset"),
    Kind("new-password", "security.reset_password", "", "{reset_link}"),
    Kind("passkey-sign-in", "security.wan_signin", "", "/account/passkey-sign-in"),
    Kind("results-not-yet", "error", "", f"/challenges/{LIVE}/results"),
    Kind("not-found", "error", "", "/challenges/none/"),
    # An account of one's own.
    Kind("profile", "accounts.profile", "{researcher}", "/account/"),
    Kind("security", "accounts.security", "{researcher}", "/account/security"),
    Kind("data", "accounts.data", "{researcher}", "/account/data"),
    Kind("password", "security.change_password", "{researcher}", "/account/password"),
    Kind("address-of-account", "security.change_email", "{researcher}", "/account/address"),
    Kind("verify", "security.verify", "{researcher}", "/account/verify"),
    Kind("second-factor", "security.two_factor_setup", "{researcher}", "/account/second-factor"),
    Kind("recovery-codes", "security.mf_recovery_codes", "{researcher}", "/account/recovery-codes"),
    Kind("passkeys", "security.wan_register", "{researcher}", "/account/passkeys"),
    Kind("passkey-verify", "security.wan_verify", "{researcher}", "/account/passkey-verify"),
    # Applicants.
    Kind("home-applicant", "home.dashboard", "{invited}", "/home"),
    Kind("apply-new", "applications.apply", "{declined}", f"/challenges/{LIVE}/apply"),
    Kind("apply-draft", "applications.apply", "{drafter}", f"/challenges/{LIVE}/apply"),
    Kind("apply-status", "applications.apply", "{submitter}", f"/challenges/{LIVE}/apply"),
    Kind("apply-edit", "applications.edit", "{submitter}", f"/challenges/{LIVE}/apply/edit"),
    Kind("apply-closed", "applications.apply", "{drafter}", f"/challenges/{PAST}/apply"),
    Kind("apply-declined", "applications.apply", "{declined}", f"/challenges/{PAST}/apply"),
    Kind("invitation", "selection.invitation", "{invited}", f"/challenges/{LIVE}/invitation"),
    # Researchers.
    Kind("home", "home.dashboard", "{researcher}", "/home"),
    Kind("challenge-inside", "challenges.show", "{researcher}", f"/challenges/{LIVE}/"),
    Kind("agreement", "challenges.agreement", "{researcher}", f"/challenges/{LIVE}/agreement"),
    Kind("team", "challenges.team", "{teammate}", f"/challenges/{LIVE}/team"),
    Kind("join", "challenges.join", "{declined}", "{join_link}"),
    Kind("kit", "kits.mine", "{researcher}", f"/challenges/{LIVE}/kit"),
    Kind("kit-to-return", "kits.mine", "{returner}", f"/challenges/{LIVE}/kit"),
    Kind("kit-address", "kits.address", "{addressee}", f"/challenges/{LIVE}/kit/address?country=DE"),
    Kind("programs", "office_hours.my_programs", "{researcher}", f"/challenges/{LIVE}/office-hours/programs"),
    Kind("calendars", "office_hours.my_calendars", "{researcher}", f"/challenges/{LIVE}/office-hours/calendar"),
    Kind("office-hours", "office_hours.mine", "{researcher}", f"/challenges/{LIVE}/office-hours"),
    Kind("book", "office_hours.book", "{researcher}", f"/challenges/{LIVE}/office-hours/slots/{{slot}}"),
    Kind("booking", "office_hours.booking", "{booker}", f"/challenges/{LIVE}/office-hours/bookings/{{booking}}"),
    Kind("booking-asked", "office_hours.booking", "{asked}", f"/challenges/{LIVE}/office-hours/bookings/{{asked_of}}"),
    Kind("my-commitments", "office_hours.my_commitments", "{asked}", f"/challenges/{LIVE}/office-hours/commitments"),
    Kind("answers", "office_hours.answers", "{researcher}", f"/challenges/{LIVE}/office-hours/answers"),
    Kind("answer", "office_hours.answer", "{researcher}", f"/challenges/{LIVE}/office-hours/answers/{{answered}}"),
    Kind("round", "office_hours.round_page", "{researcher}", f"/challenges/{LIVE}/office-hours/rounds/{{round}}"),
    Kind("round-drawn", "office_hours.round_page", "{unlucky}", f"/challenges/{LIVE}/office-hours/rounds/{{drawn}}"),
    Kind("booking-question", "office_hours.question", "{booker}",
         f"/challenges/{LIVE}/office-hours/bookings/{{booking}}/question"),
    Kind("booking-move", "office_hours.move", "{booker}", f"/challenges/{LIVE}/office-hours/bookings/{{booking}}/move"),
    Kind("waiting", "office_hours.waiting", "{waiter}", f"/challenges/{LIVE}/office-hours/waiting"),
    Kind("wait", "office_hours.wait", "{researcher}", f"/challenges/{LIVE}/office-hours/sessions/{{full}}/wait"),
    Kind("offer", "office_hours.offer", "{waiter}", f"/challenges/{LIVE}/office-hours/offers/{{offer}}"),
    Kind("resources", "challenges.resources", "{researcher}", f"/challenges/{LIVE}/resources"),
    Kind("document", "challenges.document", "{researcher}", f"/challenges/{LIVE}/resources/documents/{{document}}"),
    Kind("build", "challenges.build", "{researcher}", f"/challenges/{LIVE}/resources/builds/{{build}}"),
    Kind("announcements", "challenges.announcements", "{researcher}", f"/challenges/{LIVE}/resources/announcements"),
    Kind("news", "challenges.announcement", "{researcher}", f"/challenges/{LIVE}/resources/announcements/{{news}}"),
    Kind("reports", "reports.index", "{reporter}", f"/challenges/{LIVE}/reports/"),
    Kind("report-new", "reports.new", "{researcher}", f"/challenges/{LIVE}/reports/new"),
    Kind("report", "reports.show", "{reporter}", f"/challenges/{LIVE}/reports/{{reported}}"),
    Kind("reply-certificate", "reports.certificate", "{reporter}", "/account/certificate"),
    Kind("report-by-design", "reports.show", "{refused}", f"/challenges/{LIVE}/reports/{{by_design}}"),
    Kind("report-chained", "reports.show", "{chainer}", f"/challenges/{LIVE}/reports/{{chained}}"),
    Kind("report-known", "reports.show", "{knower}", f"/challenges/{LIVE}/reports/{{knew}}"),
    Kind("capabilities", "reports.open_capabilities", "", f"/challenges/{LIVE}/capabilities"),
    Kind("known-issues", "reports.known_issues", "", f"/challenges/{LIVE}/known-issues"),
    Kind("disclosure", "reports.disclosure", "{discloser}", f"/challenges/{LIVE}/reports/{{disclosed}}/disclosure"),
    Kind("my-publications", "reports.my_publications", "{discloser}", f"/challenges/{LIVE}/publications/mine"),
    Kind("upload-tokens", "reports.tokens", "{reporter}", f"/challenges/{LIVE}/reports/tokens"),
    Kind("line", "line.mine", "{speaker}", f"/challenges/{LIVE}/line"),
    Kind("line-silent", "line.mine", "{silent}", f"/challenges/{LIVE}/line"),
    Kind("awards-mine", "awards.mine", "{winner}", f"/challenges/{PAST}/awards"),
    Kind("consent", "results.acknowledgements", "{researcher}", f"/challenges/{LIVE}/acknowledgements"),
    Kind("forbidden", "error", "{researcher}", f"/staff/{LIVE}/"),
    # Staff.
    Kind("staff-challenges", "home.staff_challenges", "lead", "/staff/"),
    Kind("staff-lead", "home.staff", "lead", f"/staff/{LIVE}/"),
    Kind("staff-triager", "home.staff", "triager1", f"/staff/{LIVE}/"),
    Kind("applications", "selection.queue", "lead", f"/staff/{LIVE}/applications"),
    Kind("views", "selection.saved_views", "lead", f"/staff/{LIVE}/views"),
    Kind("bulks", "selection.bulks", "lead", f"/staff/{LIVE}/bulk"),
    Kind("bulk", "selection.bulk", "lead", f"/staff/{LIVE}/bulk/1"),
    Kind("questions", "applications.questions", "lead", f"/staff/{LIVE}/applications/questions"),
    Kind("question", "applications.question", "lead", f"/staff/{LIVE}/applications/questions/{{question}}"),
    Kind("duplicates", "applications.duplicates_page", "lead", f"/staff/{LIVE}/applications/duplicates"),
    Kind("imports", "applications.imports", "lead", f"/staff/{LIVE}/applications/imports"),
    Kind("import", "applications.import_report", "lead", f"/staff/{LIVE}/applications/imports/{{import}}"),
    Kind("application", "selection.application", "lead", f"/staff/{LIVE}/applications/{{application}}"),
    Kind("review", "selection.review", "reviewer1", f"/staff/{LIVE}/review"),
    Kind("reviewed", "selection.review", "lead", f"/staff/{PAST}/review"),
    Kind("review-settings", "selection.review_settings", "lead", f"/staff/{LIVE}/review/settings"),
    Kind("reviewers", "selection.reviewers", "lead", f"/staff/{LIVE}/review/reviewers"),
    Kind("triage", "selection.triage", "reviewer1", f"/staff/{LIVE}/triage"),
    Kind("triage-done", "selection.triage", "reviewer1", f"/staff/{PAST}/triage"),
    Kind("triage-pace", "selection.triage_pace", "lead", f"/staff/{LIVE}/triage/pace"),
    Kind("fairness", "selection.fairness", "lead", f"/staff/{PAST}/fairness"),
    Kind("fairness-so-far", "selection.fairness", "lead", f"/staff/{LIVE}/fairness"),
    Kind("selection", "selection.selection", "lead", f"/staff/{LIVE}/selection"),
    Kind("draft", "selection.draft", "lead", f"/staff/{LIVE}/selection/drafts/3"),
    Kind("draft-with-limits", "selection.draft", "lead", f"/staff/{LIVE}/selection/drafts/2"),
    Kind("drafts-compared", "selection.compare_drafts", "lead", f"/staff/{LIVE}/selection/compare?a=1&b=3"),
    Kind("waitlist", "selection.waitlist", "lead", f"/staff/{LIVE}/waitlist"),
    Kind("waves", "selection.waves", "lead", f"/staff/{LIVE}/waves"),
    Kind("wave-draft", "selection.wave", "lead", f"/staff/{LIVE}/waves/3"),
    Kind("wave-released", "selection.wave", "lead", f"/staff/{LIVE}/waves/2"),
    Kind("wave-mail", "selection.wave_mail", "lead", f"/staff/{LIVE}/waves/3/mails/{{answer}}"),
    Kind("wave-letter", "selection.letter", "lead", f"/staff/{LIVE}/waves/3/letters/decline"),
    Kind("undelivered", "selection.undelivered", "lead", f"/staff/{LIVE}/undelivered"),
    Kind("settings", "challenges.settings", "lead", f"/staff/{LIVE}/settings"),
    Kind("settings-agreement", "challenges.publish_agreement", "lead", f"/staff/{LIVE}/settings/agreement"),
    Kind("settings-scenario-new", "challenges.new_scenario", "lead", f"/staff/{LIVE}/settings/scenarios/new"),
    Kind("settings-scenario", "challenges.scenario", "lead", f"/staff/{LIVE}/settings/scenarios/{{scenario}}"),
    Kind("stock", "kits.stock", "logistics", f"/staff/{LIVE}/kits"),
    Kind("kit-model", "kits.new_model", "logistics", f"/staff/{LIVE}/kits/models/new"),
    Kind("model-of-kit", "kits.model", "logistics", f"/staff/{LIVE}/kits/models/{{kit_model}}"),
    Kind("scan-in", "kits.scan_page", "logistics", f"/staff/{LIVE}/kits/scan"),
    Kind("import-units", "kits.import_page", "logistics", f"/staff/{LIVE}/kits/import"),
    Kind("reservations", "kits.reservations", "logistics", f"/staff/{LIVE}/kits/reservations"),
    Kind("unit", "kits.unit", "logistics", f"/staff/{LIVE}/kits/units/{{unit}}"),
    Kind("shipments", "kits.shipments", "logistics", f"/staff/{LIVE}/shipments"),
    Kind("parcel", "kits.shipment", "logistics", f"/staff/{LIVE}/shipments/{{parcel}}"),
    Kind("parcel-travelling", "kits.shipment", "logistics", f"/staff/{LIVE}/shipments/{{travelling}}"),
    Kind("carriers", "kits.carriers", "logistics", f"/staff/{LIVE}/shipments/carriers"),
    Kind("carrier", "kits.carrier_check", "logistics", f"/staff/{LIVE}/shipments/carriers/ups-worldship"),
    Kind("carrier-numbers", "kits.carrier_numbers", "logistics", f"/staff/{LIVE}/shipments/carriers/numbers"),
    Kind("tracking", "kits.tracking", "logistics", f"/staff/{LIVE}/shipments/tracking"),
    Kind("bench", "kits.bench", "logistics", f"/staff/{LIVE}/shipments/bench"),
    Kind("sender", "kits.sender", "logistics", f"/staff/{LIVE}/shipments/sender"),
    Kind("pick-list", "kits.pick_list", "logistics", f"/staff/{LIVE}/shipments/bench/pick?parcel={{ready}}"),
    Kind("slips", "kits.slips", "logistics", f"/staff/{LIVE}/shipments/bench/slips?parcel={{ready}}"),
    Kind("customs", "kits.customs", "logistics", f"/staff/{LIVE}/shipments/bench/customs?parcel={{ready}}"),
    Kind("labels", "kits.labels", "logistics", f"/staff/{LIVE}/shipments/bench/labels?parcel={{ready}}"),
    Kind("pack", "kits.pack", "logistics", f"/staff/{LIVE}/shipments/pack"),
    Kind("pack-parcel", "kits.pack_parcel", "logistics", f"/staff/{LIVE}/shipments/pack/{{travelling}}"),
    Kind("policies", "kits.policies", "logistics", f"/staff/{LIVE}/shipments/policy"),
    Kind("policy", "kits.change_policy", "logistics", f"/staff/{LIVE}/shipments/policy/{{policy}}"),
    Kind("policy-history", "kits.policy_history", "logistics", f"/staff/{LIVE}/shipments/policy/history"),
    Kind("screening", "kits.screening", "logistics", f"/staff/{LIVE}/shipments/screening"),
    Kind("holds", "kits.holds", "logistics", f"/staff/{LIVE}/shipments/holds"),
    Kind("hold", "kits.hold", "logistics", f"/staff/{LIVE}/shipments/holds/{{hold}}"),
    Kind("reveal", "kits.reveal", "logistics", f"/staff/{LIVE}/shipments/{{addressed}}/address"),
    Kind("parcel-wished", "kits.shipment", "logistics", f"/staff/{LIVE}/shipments/{{wished}}"),
    Kind("kit-returns", "kits.returns", "logistics", f"/staff/{LIVE}/shipments/returns"),
    Kind("kit-return", "kits.kit_return", "logistics", f"/staff/{LIVE}/shipments/returns/{{back}}"),
    Kind("kit-inspect", "kits.inspect_unit", "logistics", f"/staff/{LIVE}/shipments/returns/units/{{unseen}}"),
    Kind("kit-numbers", "kits.numbers", "lead", f"/staff/{LIVE}/shipments/numbers"),
    Kind("kit-numbers-past", "kits.numbers", "lead", f"/staff/{PAST}/shipments/numbers"),
    Kind("staff-calendars", "office_hours.staff_calendars", "host1", f"/staff/{LIVE}/office-hours/calendar"),
    Kind("staff-office-hours", "office_hours.staff", "host1", f"/staff/{LIVE}/office-hours"),
    Kind("waiting-lists", "office_hours.waiting_lists", "lead", f"/staff/{LIVE}/office-hours/waiting"),
    Kind("fair-share", "office_hours.fairness", "lead", f"/staff/{LIVE}/office-hours/fairness"),
    Kind("zones", "office_hours.zones", "host1", f"/staff/{LIVE}/office-hours/zones"),
    Kind("staff-bookings", "office_hours.staff_bookings", "lead", f"/staff/{LIVE}/office-hours/bookings"),
    Kind("book-for", "office_hours.book_for", "lead", f"/staff/{LIVE}/office-hours/bookings/new"),
    Kind("staff-booking", "office_hours.staff_booking", "lead", f"/staff/{LIVE}/office-hours/bookings/{{booking}}"),
    Kind("strikes", "office_hours.strikes", "lead", f"/staff/{LIVE}/office-hours/strikes"),
    Kind("import-bookings", "office_hours.import_page", "lead", f"/staff/{LIVE}/office-hours/import"),
    Kind("staff-rounds", "office_hours.staff_rounds", "host1", f"/staff/{LIVE}/office-hours/rounds"),
    Kind("staff-round", "office_hours.staff_round", "host1", f"/staff/{LIVE}/office-hours/rounds/{{drawn}}"),
    Kind("series", "office_hours.new_series", "host1", f"/staff/{LIVE}/office-hours/series/new"),
    Kind("series-edit", "office_hours.edit_series", "host1", f"/staff/{LIVE}/office-hours/series/{{series}}"),
    Kind("sitting-add", "office_hours.add_sitting", "host1", f"/staff/{LIVE}/office-hours/series/{{series}}/add"),
    Kind("substitute", "office_hours.substitute", "host1", f"/staff/{LIVE}/office-hours/slots/{{hosted}}/host"),
    Kind("day", "office_hours.day", "host1", f"/staff/{LIVE}/office-hours/sessions/{{today}}/day"),
    Kind("record", "office_hours.record", "host1", f"/staff/{LIVE}/office-hours/bookings/{{noted}}/record"),
    Kind("follow-up", "office_hours.follow_up", "host1", f"/staff/{LIVE}/office-hours/bookings/{{noted}}/follow-up"),
    Kind("commitments", "office_hours.commitments", "host1", f"/staff/{LIVE}/office-hours/commitments"),
    Kind("staff-answers", "office_hours.staff_answers", "host1", f"/staff/{LIVE}/office-hours/answers"),
    Kind("new-answer", "office_hours.new_answer", "host1", f"/staff/{LIVE}/office-hours/answers/new"),
    Kind("staff-answer", "office_hours.staff_answer", "host2", f"/staff/{LIVE}/office-hours/answers/{{drafted}}"),
    Kind("edit-answer", "office_hours.edit_answer", "host1", f"/staff/{LIVE}/office-hours/answers/{{drafted}}/edit"),
    Kind("busy", "office_hours.busy", "host1", f"/staff/{LIVE}/office-hours/busy"),
    Kind("certificate", "office_hours.certificate", "host1", f"/staff/{LIVE}/office-hours/certificate"),
    Kind("answer-early", "office_hours.write_answer", "host1",
         f"/staff/{LIVE}/office-hours/bookings/{{expected}}/answer"),
    Kind("link-series", "office_hours.series_link", "lead", f"/staff/{LIVE}/office-hours/series/{{series}}/link"),
    Kind("link-sitting", "office_hours.sitting_link", "lead", f"/staff/{LIVE}/office-hours/sessions/{{sitting}}/link"),
    Kind("link-slot", "office_hours.slot_link", "lead", f"/staff/{LIVE}/office-hours/slots/{{hosted}}/link"),
    Kind("sitting-coming", "office_hours.sitting", "host1", f"/staff/{LIVE}/office-hours/sessions/{{coming}}"),
    Kind("sitting", "office_hours.sitting", "host1", f"/staff/{LIVE}/office-hours/sessions/{{sitting}}"),
    Kind("report-queue", "reports.queue", "triager1", f"/staff/{LIVE}/reports"),
    Kind("report-staff", "reports.staff_show", "triager1", f"/staff/{LIVE}/reports/{{report}}"),
    Kind("report-arrived", "reports.staff_show", "triager1", f"/staff/{LIVE}/reports/{{arrival}}"),
    Kind("rewrap", "reports.rewrap_progress", "triager1", f"/staff/{LIVE}/reports/rewrap"),
    Kind("reply-templates", "reports.templates", "triager1", f"/staff/{LIVE}/reports/templates"),
    Kind("reply-template", "reports.reply_template", "triager1", f"/staff/{LIVE}/reports/templates/by-design"),
    Kind("report-queue-found", "reports.queue", "triager2", f"/staff/{LIVE}/reports?state=all&claimed=low"),
    Kind("report-appealed", "reports.staff_show", "triager1", f"/staff/{LIVE}/reports/{{appealed}}"),
    Kind("report-clocks", "reports.clocks", "lead", f"/staff/{LIVE}/reports/clocks"),
    Kind("report-promptness", "reports.promptness", "lead", f"/staff/{PAST}/reports/promptness"),
    Kind("releases", "reports.releases", "triager1", f"/staff/{PAST}/releases"),
    Kind("release-edit", "reports.change_release", "triager1", f"/staff/{LIVE}/releases/{{release}}"),
    Kind("chain", "reports.chain", "triager1", f"/staff/{LIVE}/reports/{{chained}}/chain"),
    Kind("chain-open", "reports.chain", "triager1", f"/staff/{LIVE}/reports/{{report}}/chain"),
    Kind("report-similar", "reports.similar", "triager1", f"/staff/{LIVE}/reports/{{report}}/similar"),
    Kind("report-chained-staff", "reports.staff_show", "triager1", f"/staff/{LIVE}/reports/{{chained}}"),
    Kind("report-duplicates", "reports.duplicates", "lead", f"/staff/{LIVE}/duplicates"),
    Kind("known-staff", "reports.staff_known", "triager1", f"/staff/{LIVE}/known-issues"),
    Kind("capabilities-staff", "reports.staff_capabilities", "triager1", f"/staff/{LIVE}/capabilities"),
    Kind("upstream", "reports.cases", "triager1", f"/staff/{LIVE}/upstream"),
    Kind("upstream-case", "reports.case", "triager1", f"/staff/{LIVE}/upstream/1"),
    Kind("disclosures", "reports.disclosures", "lead", f"/staff/{LIVE}/disclosures"),
    Kind("disclosure-staff", "reports.staff_disclosure", "triager1", f"/staff/{LIVE}/reports/{{disclosed}}/disclosure"),
    Kind("publications-staff", "reports.staff_publications", "triager1", f"/staff/{LIVE}/publications"),
    Kind("advisories-staff", "reports.advisories", "triager1", f"/staff/{PAST}/advisories"),
    Kind("advisory-new", "reports.new_advisory", "triager1", f"/staff/{LIVE}/advisories/new"),
    Kind("advisory-draft", "reports.staff_advisory", "triager1", f"/staff/{LIVE}/advisories/{{drafted_advisory}}"),
    Kind("advisory-signature", "reports.sign_advisory", "triager1",
         f"/staff/{PAST}/advisories/{{published_advisory}}/signature"),
    Kind("advisory-staff", "reports.staff_advisory", "lead", f"/staff/{PAST}/advisories/{{published_advisory}}"),
    Kind("triage-tokens", "reports.staff_tokens", "triager1", f"/staff/{LIVE}/reports/tokens"),
    Kind("line-inbox", "line.inbox", "lead", f"/staff/{LIVE}/line"),
    Kind("line-found", "line.inbox", "host1", f"/staff/{LIVE}/line?show=all&q=kernel"),
    Kind("conversation", "line.show", "host1", f"/staff/{LIVE}/line/{{conversation}}"),
    Kind("line-begin", "line.begin", "lead", f"/staff/{LIVE}/line/new"),
    Kind("line-settings", "line.settings", "lead", f"/staff/{LIVE}/line/settings"),
    Kind("canned-answer", "line.canned", "lead", f"/staff/{LIVE}/line/settings/answers/{{canned}}"),
    Kind("line-mail", "line.mail", "lead", f"/staff/{LIVE}/line/mail"),
    Kind("awards", "awards.index", "triager2", f"/staff/{LIVE}/awards"),
    Kind("award-propose", "awards.new", "triager2", f"/staff/{LIVE}/awards/new?report={{confirmed}}"),
    Kind("award", "awards.show", "triager2", f"/staff/{LIVE}/awards/{{award}}"),
    Kind("award-paid", "awards.show", "finance", f"/staff/{PAST}/awards/{{granted}}"),
    Kind("award-corrected", "awards.show", "lead", f"/staff/{LIVE}/awards/{{shared}}"),
    Kind("award-payments", "awards.payments", "finance", f"/staff/{LIVE}/awards/payments"),
    Kind("award-payment", "awards.payment", "finance", f"/staff/{LIVE}/awards/payments/{{payment}}"),
    Kind("award-batch", "awards.batch", "finance", f"/staff/{LIVE}/awards/batches/{{batch}}"),
    Kind("award-results", "awards.results_page", "finance", f"/staff/{LIVE}/awards/results"),
    Kind("award-rules", "awards.rules", "lead", f"/staff/{LIVE}/awards/rules"),
    Kind("results-staff", "results.staff", "lead", f"/staff/{LIVE}/results"),
    Kind("resources-staff", "challenges.staff_resources", "lead", f"/staff/{LIVE}/resources"),
    Kind("resources-host", "challenges.staff_resources", "host1", f"/staff/{LIVE}/resources"),
    Kind("resource-new", "challenges.new_resource", "lead", f"/staff/{LIVE}/resources/new/document"),
    Kind("resource-edit", "challenges.staff_resource", "lead", f"/staff/{LIVE}/resources/{{download}}"),
    Kind("build-new", "challenges.new_build", "lead", f"/staff/{LIVE}/resources/builds/new"),
    Kind("build-edit", "challenges.staff_build", "lead", f"/staff/{LIVE}/resources/builds/{{build}}"),
    Kind("announce", "challenges.announce", "host1", f"/staff/{LIVE}/resources/announcements/new"),
    Kind("news-planned", "challenges.staff_announcement", "host1", f"/staff/{LIVE}/resources/announcements/{{plan}}"),
    Kind("people", "challenges.people", "admin", f"/staff/{LIVE}/people"),
    Kind("publish-keys", "reports.publish_keys", "admin", "/staff/keys"),
    Kind("sign-security-txt", "reports.sign_security_txt", "admin", "/staff/keys/security-txt"),
    Kind("audit", "home.audit", "admin", "/staff/audit"),
    Kind("mail", "home.mail", "admin", "/staff/mail"),
    Kind("letter", "home.show_mail", "admin", "/staff/mail/{mail}"),
    Kind("jobs", "home.jobs", "admin", "/staff/jobs"),
    # Between the password and the second factor.
    Kind("code", "security.two_factor_token_validation", "coded", "/account/second-factor/code"),
    Kind("recover", "security.mf_recovery", "coded", "/account/recover"),
    Kind("second-factor-choice", "security.tf_select", "twofold", "/account/second-factor/select"),
)  # fmt: skip

# What answers a GET with something else than a page of its own.
NO_PAGES = {
    "static": "files", "bootstrap.static": "files", "security.static": "shut",
    "health.healthz": "text", "health.readyz": "text", "health.metrics": "text",
    "awards.download": "CSV", "awards.payments_csv": "CSV", "awards.batch_csv": "CSV", "results.as_json": "JSON",
    "results.as_csv": "CSV", "results.as_picture": "SVG", "reports.disclosures_ics": "calendar",
    "reports.advisory_json": "JSON", "reports.csaf_metadata": "JSON", "reports.csaf_list": "lists",
    "reports.csaf_file": "JSON", "reports.csaf_key": "OpenPGP",
    "accounts.export": "JSON", "challenges.receipt": "JSON", "challenges.agreement_text": "text",
    "selection.wave_mail_html": "the HTML of a mail",
    "kits.numbers_table": "CSV", "kits.return_label": "PDF",
    "selection.table": "CSV", "selection.fairness_table": "CSV", "kits.stock_csv": "CSV", "kits.shipments_csv": "CSV",
    "kits.policies_csv": "CSV",
    "applications.export_table": "CSV", "applications.export_json": "JSON",
    "office_hours.feed": "calendar", "office_hours.now": "JSON", "office_hours.day_now": "JSON",
    "office_hours.commitments_csv": "CSV", "office_hours.answers_csv": "CSV",
    "office_hours.api_slots": "JSON", "office_hours.api_bookings": "JSON",
    "office_hours.fairness_csv": "CSV", "office_hours.round_json": "JSON", "office_hours.round_csv": "CSV",
    "office_hours.staff_round_json": "JSON", "challenges.download": "file",
    "office_hours.host_certificates": "keys", "office_hours.host_certificate": "keys",
    "office_hours.take_question": "file",
    "reports.current_keys": "keys", "reports.current_fingerprints": "JSON", "reports.receipts_key": "keys",
    "reports.key_set_certificates": "keys", "reports.key_set_statement": "text", "reports.key_set_signature": "text",
    "reports.old_receipts_key": "keys", "reports.rewrap_list": "JSON", "reports.rewrap_head": "file",
    "reports.rewrapped_packets": "file", "reports.rewrapped_file": "file", "reports.rewrapped_message": "file",
    "reports.security_txt": "text", "reports.receipt": "JSON", "reports.queue_json": "JSON",
    "reports.queue_csv": "CSV", "reports.promptness_csv": "CSV",
    "reports.known_issues_json": "JSON", "reports.staff_known_json": "JSON", "reports.known_issue": "file",
    "reports.shown_issue": "file", "reports.earlier": "JSON",
    "reports.staff_report": "JSON", "reports.staff_file": "file",
    "reports.message_file": "file", "reports.staff_message_file": "file", "reports.staff_messages": "JSON",
    "reports.certificate_proof": "file",
    "security.confirm_email": "redirect", "security.change_email_confirm": "redirect",
    "security.two_factor_rescue": "shut", "security.wan_delete": "redirect",
}  # fmt: skip
