"""What somebody wants to be different: words of their own, a saved prompt, or both."""

from collections.abc import Sequence
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.api.ids import document_id
from app.api.templates import TYPE_NAME, TemplateVariableInput
from app.errors import bad_input
from app.generations.recipe import UsedTemplate
from app.lineage.wishes import COMBINED_MAX_CHARACTERS, PROMPT_MAX_CHARACTERS, combined
from app.templates.service import fill

PROMPT_WORDS = (
    f"The wish, which joins the prompts before it: at most {PROMPT_MAX_CHARACTERS:,} characters, with a template's "
    f"counted in, and {COMBINED_MAX_CHARACTERS:,} with those before it. Needed without a `templateId`; with one it "
    "comes behind the template's words."
)
TEMPLATE_WORDS = "The id of a `Template` of yours, whose words are the wish."
VARIABLES_WORDS = "A value for each variable of the template, and for nothing else."


@dataclass(frozen=True, slots=True)
class Wish:
    """The words, trimmed, which may be none; and the template that they come from, null without one."""

    text: str
    template: UsedTemplate | None = None


async def wish_of(
    owner_id: PydanticObjectId,
    prompt: str | None,
    template_id: str | None,
    variables: Sequence[TemplateVariableInput] | None,
) -> Wish:
    """What the `prompt`, the `templateId` and the `variables` of an input mean together.

    Raises:
        AppError: BAD_USER_INPUT, NOT_FOUND or FORBIDDEN with the path of the argument at fault.
    """
    own, values = (prompt or "").strip(), [(one.name, one.value) for one in variables or ()]
    if template_id is None:
        if values:
            raise bad_input("`variables` are for a template: say which one as `templateId`.", "input", "variables")
        return Wish(own)
    filled = await fill(owner_id, document_id(template_id, TYPE_NAME, "input", "templateId"), values)
    text = combined(filled.text, own) if own else filled.text.strip()
    if len(text) > PROMPT_MAX_CHARACTERS:
        message = f"What the template comes to is too long: at most {PROMPT_MAX_CHARACTERS:,} characters."
        raise bad_input(message, "input", "variables")
    return Wish(text, filled.template)
