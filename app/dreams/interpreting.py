"""From a text model's answer to the interpretation that is kept: bounded, and without what can't be seen."""

from datetime import datetime

from beanie import PydanticObjectId

from app.dreams.parts import Emotion, Interpretation, Symbol
from app.dreams.wording import EmotionAnswer, InterpretationAnswer, SymbolAnswer, cut
from app.labels import plain, written
from app.making.chosen import Chosen
from app.providers.ports.text import StructuredAnswer

_PROSE, _SENTENCES, _NAME, _TITLE = 6_000, 500, 80, 120  # characters
_SYMBOLS, _EMOTIONS = 12, 8


def interpretation_of(
    answer: StructuredAnswer[InterpretationAnswer], by: Chosen, generation_id: PydanticObjectId, at: datetime
) -> Interpretation:
    """What is kept of an answer."""
    value = answer.value
    return Interpretation(
        source=answer.source,
        provider=by.provider,
        model=answer.model,
        note=answer.note,
        generation_id=generation_id,
        made_at=at,
        narrative=cut(written(value.narrative), _PROSE),
        meaning=cut(written(value.meaning), _PROSE),
        symbols=tuple(_symbol(one) for one in value.symbols[:_SYMBOLS]),
        emotions=tuple(_emotion(one) for one in value.emotions[:_EMOTIONS]),
        suggested_title=cut(plain(value.title), _TITLE),
    )


def as_key(name: str) -> str:
    """The name of a symbol or a feeling as it is looked for."""
    return plain(name).lower()


def _symbol(answer: SymbolAnswer) -> Symbol:
    name = cut(plain(answer.name), _NAME)
    return Symbol(name=name, meaning=cut(written(answer.meaning), _SENTENCES), key=as_key(name))


def _emotion(answer: EmotionAnswer) -> Emotion:
    name = cut(plain(answer.name), _NAME)
    return Emotion(name=name, intensity=round(answer.intensity, 3), key=as_key(name))
