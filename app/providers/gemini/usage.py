"""What a call to Gemini used."""

from collections.abc import Sequence

from google.genai import types

from app.costs.usage import Unit, Usage


def usage_of(answer: types.GenerateContentResponse) -> Usage:
    """What an answer with a picture used, by its `usageMetadata`; the picture and the call alone where it has none.

    Tokens of the input without a kind count as text: Google's prices of both are the same. Those of the output
    without a kind count as the picture.
    """
    told = answer.usage_metadata
    used = {Unit.PICTURES: 1, Unit.CALLS: 1}
    if told is None:
        return used
    cached = max(0, told.cached_content_token_count or 0)
    given = max(0, (told.prompt_token_count or 0) - cached)
    seen = min(given, _of_pictures(told.prompt_tokens_details) - _of_pictures(told.cache_tokens_details))
    drawn = _of_pictures(told.candidates_tokens_details)
    written = max(0, (told.candidates_token_count or 0) - drawn) if told.candidates_tokens_details else 0
    if not told.candidates_tokens_details:
        drawn = max(0, told.candidates_token_count or 0)
    tokens = {
        Unit.INPUT_TEXT_TOKENS: given - max(0, seen),
        Unit.INPUT_IMAGE_TOKENS: max(0, seen),
        Unit.CACHED_INPUT_TOKENS: cached,
        Unit.OUTPUT_TEXT_TOKENS: written + max(0, told.thoughts_token_count or 0),
        Unit.OUTPUT_IMAGE_TOKENS: drawn,
    }
    return used | {unit: count for unit, count in tokens.items() if count}


def _of_pictures(counts: Sequence[types.ModalityTokenCount] | None) -> int:
    """How many of the tokens are of pictures."""
    pictures = (one for one in counts or () if one.modality is types.MediaModality.IMAGE)
    return sum(max(0, one.token_count or 0) for one in pictures)
