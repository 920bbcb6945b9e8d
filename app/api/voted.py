"""What an image has won and lost against its siblings."""

from typing import Self

import strawberry

from app.api.context import Info
from app.api.lineage import spot_of
from app.lineage.votes import Score
from app.ornaments.model import OrnamentImage as Stored


@strawberry.type(description="What votes between siblings say of an image.")
class ImageScore:
    """Shown from the votes; each pair of siblings has one at most."""

    wins: int = strawberry.field(description="How many of its siblings it was found better than.")
    losses: int = strawberry.field(description="How many of its siblings were found better.")
    value: float = strawberry.field(
        description="0 to 1, by which siblings can be ranked: the share of wins, with one win and one loss to begin "
        "with; 0.5 without any vote."
    )

    @classmethod
    def of(cls, score: Score) -> Self:
        """The score that was counted."""
        return cls(wins=score.wins, losses=score.losses, value=round(score.share, 4))


@strawberry.type
class Votable:
    """Fields of an ornament image."""

    document: strawberry.Private[Stored]

    @strawberry.field
    async def score(self, info: Info) -> ImageScore:
        """What `vote` has made of it."""
        return ImageScore.of(await info.context.loaders.scores.load(spot_of(self.document)))
