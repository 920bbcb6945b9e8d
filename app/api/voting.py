"""Which of two siblings is better."""

from typing import Annotated

import strawberry

from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.ids import document_id
from app.api.node import INPUT
from app.api.ornaments import TYPE_NAME, OrnamentImage


@strawberry.input(description="Two siblings, of which one is better.")
class VoteInput:
    """What `vote` takes."""

    winner_id: strawberry.ID = strawberry.field(description="The id of the better `OrnamentImage`.")
    loser_id: strawberry.ID = strawberry.field(description="The id of the other one, made from the same image.")


@strawberry.type(description="Both with their scores, or why the vote does not count.")
class VotePayload:
    """What `vote` answers."""

    winner: OrnamentImage | None = strawberry.field(default=None, description="The better one.")
    loser: OrnamentImage | None = strawberry.field(default=None, description="The other one.")
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was changed.")


@strawberry.type
class VoteMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(VotePayload)
    async def vote(self, info: Info, input: Annotated[VoteInput, INPUT]) -> VotePayload | None:
        """Say which of two siblings is better: show them without their names and ask, and `score` ranks them.

        Each pair has one vote: to repeat it changes nothing, and who changes their mind votes again.
        """
        who = viewer(info)
        winner_id = document_id(input.winner_id, TYPE_NAME, "input", "winnerId")
        loser_id = document_id(input.loser_id, TYPE_NAME, "input", "loserId")
        winner, loser = await info.context.services.ornaments.vote(who.user_id, winner_id, loser_id)
        return VotePayload(winner=OrnamentImage.of(winner), loser=OrnamentImage.of(loser))
