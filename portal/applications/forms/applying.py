"""The application as a form."""

from collections.abc import Collection, Sequence

from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.fields.core import Field, UnboundField

from portal.accounts.rules import clean_name
from portal.applications.models import Question
from portal.applications.rules import COUNTRIES, LENGTHS, Content, faults, misfits
from portal.applications.rules.questions import ANSWER_LENGTH, Answer, asked_now, parsed
from portal.applications.states import ApplicantKind, QuestionKind
from portal.challenges.models import Scenario
from portal.core.forms import Form


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in (text or "").splitlines() if line.strip()))


def _joined(text: str | None) -> str:
    """Text with the line ends that its length is counted by."""
    return (text or "").replace("\r\n", "\n")


REQUIRED = ("name", "country", "scenario_ids", "experience", "plan", "kit_use", "adult", "permitted", "independent",
            "agrees")  # fmt: skip


def _size(name: str) -> dict[str, int]:
    return {"maxlength": LENGTHS[name]}


class ApplicationForm(Form):
    """What an applicant tells. `complete` in `check` says whether everything must be there.

    The lead's questions are fields of a subclass, which `form_for` makes.
    """

    questions: Sequence[Question] = ()

    version = HiddenField(default="0")
    name = StringField("Your name", render_kw=_size("name") | {"autocomplete": "name"})
    handle = StringField("Handle", description="The name under which you publish, if it is another one.",
                         render_kw=_size("handle"))  # fmt: skip
    affiliation = StringField("Affiliation", description="Company, university or none.",
                              render_kw=_size("affiliation") | {"autocomplete": "organization"})  # fmt: skip
    country = SelectField("Country", description="Where you live, and where a kit would be sent.",
                          choices=lambda: {"": "Choose …", **COUNTRIES}, validate_choice=False)  # fmt: skip
    kind = RadioField("You apply as", choices={"single": "one person", "team": "a team, for which you speak"},
                      default="single")  # fmt: skip
    team = TextAreaField("The others of the team", description="Their e-mail addresses, one a line; nobody is written "
                         "to before the team has a place.")  # fmt: skip
    links = TextAreaField("Links", description="Profile, CVEs, talks, write-ups: one address a line, at most ten.")
    scenario_ids = SelectMultipleField("Scenarios that interest you", coerce=int, validate_choice=False,
                                       widget=widgets.ListWidget(prefix_label=False),
                                       option_widget=widgets.CheckboxInput())  # fmt: skip
    experience = TextAreaField("Experience", description="What you have found and built. At most 4,000 characters.",
                               render_kw={"rows": 8})  # fmt: skip
    plan = TextAreaField("Research plan", description="What you would look at, and how. At most 4,000 characters.",
                         render_kw={"rows": 8})  # fmt: skip
    kit_use = TextAreaField(
        "What you would do with a kit", description="At most 2,000 characters.", render_kw={"rows": 5}
    )
    certificate = TextAreaField("OpenPGP public key", description="Optional. With it, answers to your reports can be "
                                "sealed for you from the first day.",
                                render_kw={"spellcheck": "false"})  # fmt: skip
    adult = BooleanField("I am of age where I live, or have my parents’ written permission.")
    permitted = BooleanField("No export control or sanction forbids that I am sent a kit or paid an award.")
    independent = BooleanField("I do not work for the organisers and have not done so in the past six months.")
    agrees = BooleanField("I have read the rules, and would sign the agreement if I were invited.")

    def offer(self, scenarios: Collection[Scenario]) -> None:
        """The scenarios that can be chosen. What submitting asks for is marked; a draft may lack it."""
        for name in REQUIRED:
            self[name].flags.required = True
        self.offered = {scenario.id for scenario in scenarios}
        self.scenario_ids.choices = {str(scenario.id): f"{scenario.code} {scenario.title}" for scenario in scenarios}

    def content(self) -> Content:
        """What was typed, as the actions take it."""
        return Content(
            name=clean_name(self.name.data or ""), handle=self.handle.data or "",
            affiliation=self.affiliation.data or "", country=self.country.data or "",
            kind=ApplicantKind(self.kind.data or "single"),
            team=_lines(self.team.data) if self.kind.data == "team" else (), links=_lines(self.links.data),
            scenario_ids=frozenset(self.scenario_ids.data or ()), experience=_joined(self.experience.data),
            plan=_joined(self.plan.data), kit_use=_joined(self.kit_use.data), answers=self._answers(),
            certificate=_joined(self.certificate.data),
            adult=self.adult.data, permitted=self.permitted.data, independent=self.independent.data,
            agrees=self.agrees.data,
        )  # fmt: skip

    @property
    def asked(self) -> list[Question]:
        """The questions that are fields."""
        return asked_now(self.questions)

    def _answers(self) -> dict[str, Answer]:
        told = {str(question.id): parsed(question, self[question.field].data or "") for question in self.asked}
        return {number: answer for number, answer in told.items() if answer != ""}

    def answer_fields(self) -> list[Field]:
        """The lead's questions as fields, in their order."""
        return [self[question.field] for question in self.asked]

    def show(self, content: Content, version: int) -> None:
        """Fill in what was saved."""
        for question in self.asked:
            self[question.field].data = str(content.answers.get(str(question.id), ""))
        for name in Content.__dataclass_fields__.keys() - {"answers"}:
            value = getattr(content, name)
            self[name].data = "\n".join(value) if name in ("team", "links") else value
        self.kind.data = content.kind.value
        self.scenario_ids.data = sorted(content.scenario_ids)
        self.version.data = str(version)

    def seen_version(self) -> int:
        """The number of the last saving that this page knew of."""
        told = self.version.data or ""
        return int(told) if told.isascii() and told.isdigit() else -1

    def check(self, *, complete: bool) -> bool:
        """Whether what was typed fits; `complete` asks for everything that submitting asks for."""
        if not self.validate():
            return False
        ask = faults if complete else misfits
        for name, message in ask(self.content(), self.offered, self.asked).items():
            self[name].errors = [*self[name].errors, message]
        return not self.errors


def form_for(questions: Sequence[Question]) -> ApplicationForm:
    """The form of a challenge whose lead asks these questions, or once asked them."""
    asked = asked_now(questions)
    form = _with_fields({question.field: _field(question) for question in asked})
    form.questions = questions
    for question in asked:
        form[question.field].flags.required = question.required
    return form


def _with_fields(fields: "dict[str, UnboundField[Field]]") -> ApplicationForm:
    if not fields:
        return ApplicationForm()
    # WTForms looks through a class for its fields when it is first used, so one is made only where it must be.
    made: type[ApplicationForm] = type("ApplicationFormWithQuestions", (ApplicationForm,), dict(fields))
    return made()


def _field(question: Question) -> "UnboundField[Field]":
    told = {"label": question.label, "description": question.hint}
    if question.kind is QuestionKind.CHOICE:
        choices = {"": "Choose …", **{choice: choice for choice in question.choices}}
        return SelectField(**told, choices=choices, validate_choice=False)  # type: ignore[return-value, arg-type]
    if question.kind is QuestionKind.NUMBER:
        return StringField(**told, render_kw={"inputmode": "decimal", "maxlength": 20})  # type: ignore[return-value, arg-type]
    return TextAreaField(**told, render_kw={"rows": 3, "maxlength": ANSWER_LENGTH})  # type: ignore[return-value, arg-type]
