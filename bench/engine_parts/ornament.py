"""The commands of a real ornament: a photo's image and its regeneration, with a Gemini that is on this machine."""

import asyncio
from pathlib import Path

from beanie import PydanticObjectId

from app.bootstrap.parts import Parts, assemble
from app.bootstrap.process import working
from app.generations.following import progress
from app.generations.lanes import Lane
from app.generations.model import Generation
from app.ornaments.asked import Asked, Role
from app.ornaments.model import OrnamentKind
from app.settings import load_settings
from bench.engine_parts.commands import Commands, show
from tests.faults.provider import serving_gemini

_PHOTO = Path(__file__).parent.parent.parent / "tests" / "photos" / "car-1.jpg"
_SWEEP_S = 60
_LOOK_S = 0.02


async def regenerated(folder: Path, commands: Commands) -> None:
    """Print the list, from the use case's call to the settled end; what a follower reads is left out."""
    with serving_gemini() as gemini:
        own = {"data_dir": folder, "mongodb_url": None, "redis_url": None, "sweep_every_s": _SWEEP_S}
        parts = assemble(load_settings(own | {name.lower(): value for name, value in gemini.settings.items()}))
        async with working(parts):
            owner_id = PydanticObjectId()
            picture = await parts.services.pictures.accept(owner_id, _PHOTO.read_bytes())
            asked = Asked("Make it shine", {Role.ORNAMENT: 1}, "white")
            first = await parts.services.ornaments.make(
                owner_id, OrnamentKind.WHITE_BACKGROUND, asked, {Role.ORNAMENT: [picture]}, None
            )
            await _done(parts, first)
            commands.take()
            second = await parts.services.ornaments.regenerate(owner_id, first.result_id, "Add gold accents", None)
            await _done(parts, second)
            sent = commands.take(lambda one: bool(one.by) and "progress" not in one.by)
            show("regenerate with Gemini, from the use case's call to the end", sent)


async def _done(parts: Parts, generation: Generation) -> None:
    """Wait until it has ended and its owner's lane is empty."""
    async for _ in progress(parts.hub, generation.owner_id, generation.identity, 0):
        pass
    while (lane := await Lane.get(generation.owner_id)) and lane.busy:  # noqa: ASYNC110 - only the database knows
        await asyncio.sleep(_LOOK_S)
