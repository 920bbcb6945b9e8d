"""Dreams as they are stored, made by hand."""

from datetime import datetime, timedelta
from typing import Any

from beanie import PydanticObjectId

from app.database.document import utc_now
from app.dreams.model import Dream
from app.dreams.parts import DreamStatus, Emotion, Illustration, Interpretation, Symbol
from app.providers.ports.model import Source

_SYMBOLS = ("Whale", "sea", "tower", "Door")


def interpretation_of(number: int = 0, **given: Any) -> Interpretation:
    """Of two symbols and a feeling, others for each number."""
    names = (_SYMBOLS[number % 4], _SYMBOLS[(number + 1) % 4])
    made: dict[str, Any] = {
        "source": Source.PROVIDER,
        "provider": "openai",
        "model": "gpt-6-luna",
        "note": None,
        "generation_id": PydanticObjectId(),
        "made_at": utc_now(),
        "narrative": f"A whale sang {number} times.",
        "meaning": "It may mean this or that.",
        "symbols": tuple(Symbol(name=name, meaning="What it is.", key=name.lower()) for name in names),
        "emotions": (Emotion(name="Fear", intensity=(number % 5) / 4, key="fear"),),
        "suggested_title": "The whale",
    }
    return Interpretation(**made | given)


def illustration_of(picture_id: PydanticObjectId | None = None, **given: Any) -> Illustration:
    """That picture, or one that is not there."""
    made: dict[str, Any] = {
        "source": Source.PROVIDER,
        "provider": "openai",
        "model": "gpt-image-2.6-flare",
        "note": None,
        "generation_id": PydanticObjectId(),
        "made_at": utc_now(),
        "picture_id": picture_id or PydanticObjectId(),
    }
    return Illustration(**made | given)


def dream_of(owner_id: PydanticObjectId, number: int = 0, at: datetime | None = None, **given: Any) -> Dream:
    """One that is ready, unless it is said; a day older for each number."""
    now = (at or utc_now()) - timedelta(days=number)
    told: dict[str, Any] = {
        "id": PydanticObjectId(),
        "owner_id": owner_id,
        "idempotency_key": f"{PydanticObjectId()}",
        "asked": "",
        "title": None,
        "text": f"I fell into the sea {number} times.",
        "dreamed_at": now,
        "mood": "calm" if number % 2 else "wild",
        "lucid": None,
        "tags": ("sea",) if number % 3 == 0 else (),
        "interpretation": interpretation_of(number),
        "illustration": illustration_of(),
        "created_at": now,
        "changed_at": now,
    }
    told |= given
    dream = Dream(status=DreamStatus.READY, **told)
    dream.status = dream.parts.status
    return dream
