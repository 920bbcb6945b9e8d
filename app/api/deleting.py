"""An account is deleted, with all that its owner has."""

from typing import Annotated

import strawberry

from app.api.accounts import TYPE_NAME
from app.api.context import Info, viewer
from app.api.errors import UserError, errors_in
from app.api.ids import global_id
from app.api.node import INPUT


@strawberry.input(description="Proof that it is you who wants it.")
class DeleteAccountInput:
    """What `deleteAccount` takes; without an idempotency key: whoever asks again finds no account any more."""

    password: str | None = strawberry.field(
        default=None,
        description="That of the account, once more. One that an outside issuer keeps has none: call this with an "
        "access token from a log-in there within the last 5 minutes.",
    )


@strawberry.type(description="The account is gone, or why it is not.")
class DeleteAccountPayload:
    """What `deleteAccount` answers."""

    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The `id` of the user that is gone now."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError], description="Why nothing was deleted.")


@strawberry.type
class DeletionMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(DeleteAccountPayload)
    async def delete_account(
        self, info: Info, input: Annotated[DeleteAccountInput, INPUT]
    ) -> DeleteAccountPayload | None:
        """Delete your account with everything that is yours, for good. A wrong password counts as a failed log-in.

        Once this is answered the account does not exist: nobody can log in to it or refresh a session, its address is
        free for a new account, and its access tokens are UNAUTHENTICATED, at other server processes within 5 seconds.
        WebSockets of yours are closed with 4403, which ends what they follow.

        What waits or runs is cancelled, and its calls to providers are broken off. Then your pictures (wherever they
        are stored), images, generations, batches, templates and all else are deleted, within minutes where they are
        few, and whatever happens to the servers meanwhile. What a worker or an upload had on its way is refused, or
        found and deleted, too.

        What stays: for less than two days the account's bare id with the time of this (and a hash of who its issuer
        says it is, against old tokens), so that nothing late slips through; and what your calls cost, within the sums
        of all users.
        """
        who, context = viewer(info), info.context
        await context.services.accounts.delete(who.user_id, input.password, context.client, who.proven_at)
        return DeleteAccountPayload(deleted_id=strawberry.ID(global_id(TYPE_NAME, who.user_id)))
