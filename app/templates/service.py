"""The use cases of templates: keep one, change it, fill it in, delete it."""

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import category

from beanie import PydanticObjectId

from app.access import require_own
from app.database.document import utc_now
from app.errors import AppError, ErrorCode, bad_input
from app.generations.recipe import UsedTemplate
from app.templates.model import Template, TemplateRevision
from app.templates.wording import filled, variables

NAME_MAX_CHARACTERS = 100
TEXT_MAX_CHARACTERS = 2_000
VALUE_MAX_CHARACTERS = 500
REVISIONS_MAX = 100
_UNSEEN = frozenset({"Cc", "Cs"})
"""Unicode's control characters and halves of surrogate pairs: a name is one line."""

type Values = Sequence[tuple[str, str]]
"""Name and value of each variable, in the order of the argument."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A prompt, and the template that it comes from."""

    text: str
    template: UsedTemplate


async def create(owner_id: PydanticObjectId, name: str, text: str) -> Template:
    """Keep a prompt as a template.

    Raises:
        AppError: BAD_USER_INPUT with the path of the argument at fault.
    """
    wording = _Wording.read(name, text)
    now = utc_now()
    template = Template(
        owner_id=owner_id,
        name=wording.name,
        text=wording.text,
        variables=wording.variables,
        revision=1,
        revisions=(TemplateRevision(number=1, name=wording.name, text=wording.text, created_at=now),),
        created_at=now,
        updated_at=now,
    )
    await template.insert()
    return template


async def update(
    owner_id: PydanticObjectId, template_id: PydanticObjectId, revision: int, name: str | None, text: str | None
) -> Template:
    """Give it another name or text (null: as it is), if `revision` is still its latest.

    Safe to repeat: what says so already is not changed, whichever revision it is.

    Raises:
        AppError: NOT_FOUND; FORBIDDEN for another's; CONFLICT when somebody else has changed it since, or it has as
            many revisions as one may have; BAD_USER_INPUT with the path of the argument at fault.
    """
    template = await owned(owner_id, template_id, "input", "id")
    wording = _Wording.read(template.name if name is None else name, template.text if text is None else text)
    if (wording.name, wording.text) == (template.name, template.text):
        return template
    if template.revision != revision:
        raise _stale(template, revision)
    if revision >= REVISIONS_MAX:
        message = f"It has as many revisions as a template may have ({REVISIONS_MAX}): make a new template of it."
        raise AppError(ErrorCode.CONFLICT, message, path=("input", "id"))
    following = TemplateRevision(number=revision + 1, name=wording.name, text=wording.text, created_at=utc_now())
    revised = await template.revise(following, wording.variables)
    if revised is None:
        raise _stale(await owned(owner_id, template_id, "input", "id"), revision)
    return revised


async def delete(owner_id: PydanticObjectId, template_id: PydanticObjectId) -> None:
    """Delete it with all its revisions; what was made from it stays as it is.

    Raises:
        AppError: NOT_FOUND, or FORBIDDEN when it is another's.
    """
    template = await owned(owner_id, template_id, "input", "id")
    await Template.remove(template.identity)


async def fill(owner_id: PydanticObjectId, template_id: PydanticObjectId, values: Values) -> Filled:
    """The prompt that its latest revision is with these values.

    Raises:
        AppError: NOT_FOUND or FORBIDDEN with the path of the template; BAD_USER_INPUT with that of the variable for
            one that is missing, unknown, given twice or too long.
    """
    template = await owned(owner_id, template_id, "input", "templateId")
    given = _given(template, values)
    if missing := [name for name in template.variables if name not in given]:
        raise bad_input(f"The template needs a value for {_listed(missing)}.", "input", "variables")
    used = UsedTemplate(template_id=template.identity, revision=template.revision)
    return Filled(filled(template.text, given), used)


async def owned(owner_id: PydanticObjectId, template_id: PydanticObjectId, *path: str) -> Template:
    """A template of that owner, without its revisions.

    Raises:
        AppError: NOT_FOUND, or FORBIDDEN when it is another's.
    """
    found = await Template.by_ids([template_id])
    return require_own(owner_id, found.get(template_id), "This template", *path)


@dataclass(frozen=True, slots=True)
class _Wording:
    name: str
    text: str
    variables: tuple[str, ...]

    @classmethod
    def read(cls, name: str, text: str) -> "_Wording":
        """As it is kept.

        Raises:
            AppError: BAD_USER_INPUT with the path of the argument at fault.
        """
        line = " ".join("".join(" " if category(one) in _UNSEEN else one for one in name).split())
        if not 1 <= len(line) <= NAME_MAX_CHARACTERS:
            raise bad_input(f"The name of a template has 1 to {NAME_MAX_CHARACTERS} characters.", "input", "name")
        words = text.strip()
        if not 1 <= len(words) <= TEXT_MAX_CHARACTERS:
            message = f"The text of a template has 1 to {TEXT_MAX_CHARACTERS:,} characters."
            raise bad_input(message, "input", "text")
        return cls(line, words, variables(words, "input", "text"))


def _given(template: Template, values: Values) -> dict[str, str]:
    given = dict[str, str]()
    for place, (name, value) in enumerate(values):
        path = ("input", "variables", str(place))
        if name not in template.variables:
            has = f"it has {_listed(template.variables)}" if template.variables else "it has none"
            raise bad_input(f"The template has no variable `{name[:40]}`: {has}.", *path, "name")
        if name in given:
            raise bad_input(f"The variable `{name}` is given twice.", *path, "name")
        if len(value) > VALUE_MAX_CHARACTERS:
            raise bad_input(f"A value has at most {VALUE_MAX_CHARACTERS} characters.", *path, "value")
        given[name] = value
    return given


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _stale(template: Template, seen: int) -> AppError:
    message = (
        f"This template is at revision {template.revision} by now, and you have seen revision {seen}: read it again, "
        "look at what has changed, and say what you want with the revision that you have read then."
    )
    return AppError(ErrorCode.CONFLICT, message, path=("input", "revision"))
