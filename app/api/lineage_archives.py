"""A tree of images leaves the server as an archive, and comes in again."""

from typing import Annotated, Any

import strawberry
from starlette.datastructures import UploadFile
from strawberry.file_uploads import Upload

from app.api.context import Info, viewer
from app.api.errors import errors_in
from app.api.generations import Generation
from app.api.ids import document_id
from app.api.keys import KEY_WORDS, keyed
from app.api.node import INPUT
from app.api.ornament_making import StartedGeneration
from app.api.ornaments import TYPE_NAME
from app.errors import bad_input


@strawberry.input(description="Which tree leaves the server.")
class ExportLineageInput:
    """What `exportLineage` takes."""

    image_id: strawberry.ID = strawberry.field(
        description="The id of an `OrnamentImage` of yours: the whole tree that it belongs to is exported."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.input(description="An archive that comes in.")
class ImportLineageInput:
    """What `importLineage` takes."""

    archive: Upload = strawberry.field(
        description="A zip file that `exportLineage` of any Regen has made, by the GraphQL multipart request "
        "specification; as large as this server takes (ARCHIVE_MAX_MB), and of 1,000 versions at most."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY_WORDS)


@strawberry.type(description="The work that was started, or why it was not.")
class ExportLineagePayload(StartedGeneration):
    """What `exportLineage` answers."""


@strawberry.type(description="The work that was started, or why it was not.")
class ImportLineagePayload(StartedGeneration):
    """What `importLineage` answers."""


@strawberry.type
class LineageArchiveMutation:
    """Fields of the mutation root."""

    @strawberry.mutation
    @errors_in(ExportLineagePayload)
    async def export_lineage(
        self, info: Info, input: Annotated[ExportLineageInput, INPUT]
    ) -> ExportLineagePayload | None:
        """Make a zip of a whole tree: all pictures as they were stored, `lineage.json`, and how each was made.

        Those in the trash are in it. The generation's `result` is an `Archive`. It calls no provider and costs nothing.
        """
        who, call, services = viewer(info), await keyed(input), info.context.services
        generation = await services.generations.known(who.user_id, call.key, call.asked)
        if generation is None:
            image_id = document_id(input.image_id, TYPE_NAME, "input", "imageId")
            generation = await services.exports.start(who.user_id, image_id, call.key, call.asked)
        return ExportLineagePayload(generation=Generation.of(generation))

    @strawberry.mutation
    @errors_in(ImportLineagePayload)
    async def import_lineage(
        self, info: Info, input: Annotated[ImportLineageInput, INPUT]
    ) -> ImportLineagePayload | None:
        """Read an exported tree back: all of it or nothing, under new ids, as the viewer's own.

        The generation's `result` is the root, or the first of what is left below it. What is wrong with the archive as
        a whole is said at once, what is wrong with a picture by the generation's failure. Each import of the same
        archive makes another tree.
        """
        who, call, services = viewer(info), await keyed(input), info.context.services
        given: Any = input.archive
        if not isinstance(given, UploadFile):
            message = "Send the archive as a multipart request (GraphQL multipart request specification)."
            raise bad_input(message, "input", "archive")
        generation = await services.generations.known(who.user_id, call.key, call.asked)
        if generation is None:
            generation = await services.imports.start(who.user_id, given.file, call.key, call.asked)
        return ImportLineagePayload(generation=Generation.of(generation))
