"""How a further wish joins the prompts of the versions before it, and how long they may become."""

from typing import Final

from app.errors import bad_input

PROMPT_MAX_CHARACTERS: Final = 2_000
"""Of one wish."""
COMBINED_MAX_CHARACTERS: Final = 16_000
"""What every provider takes, in any script.

OpenAI's Images API takes 32,000 characters (`openai.types.ImageGenerateParams.prompt`), and one beyond Unicode's basic
plane may count as two; the smallest window of a Gemini model that makes pictures is 32,768 tokens, references included
(https://ai.google.dev/gemini-api/docs/models), and in some scripts a character takes more than one.
"""


def combined(*prompts: str) -> str:
    """The prompts, oldest first, joined by a full stop and a space; none of them brings a full stop of its own."""
    return ". ".join(text for prompt in prompts if (text := prompt.strip().rstrip(".").rstrip()))


def check_wish(wish: str) -> None:
    """Look at a wish.

    Raises:
        AppError: BAD_USER_INPUT with its path when it is too long.
    """
    if len(wish) > PROMPT_MAX_CHARACTERS:
        raise bad_input(f"The prompt is too long: at most {PROMPT_MAX_CHARACTERS:,} characters.", "input", "prompt")


def check_combined(*prompts: str, taken_by: str) -> None:
    """Look at the length of what a further version is to be asked for, before a provider refuses it.

    `taken_by` are the operations that make something new of its picture, for the message.

    Raises:
        AppError: BAD_USER_INPUT with the path of the prompt.
    """
    length = len(combined(*prompts))
    if length > COMBINED_MAX_CHARACTERS:
        message = (
            f"With all the wishes before it the instruction would have {length:,} characters, and the models take "
            f"{COMBINED_MAX_CHARACTERS:,}: say it shorter, or start anew from this image's picture ({taken_by} by "
            "its id), which needs none of the wishes that it shows already."
        )
        raise bad_input(message, "input", "prompt")
