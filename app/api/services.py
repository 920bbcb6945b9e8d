"""The use cases, all of them; a module of its own, because workers put them together and show nothing."""

from dataclasses import dataclass

from app.access import Gate
from app.accounts.service import Accounts
from app.archives.service import Archives
from app.batches.service import Batches
from app.chats.entities import Entities
from app.chats.frames import Frames
from app.chats.regenerating import ChatImages
from app.chats.retrying import Missing
from app.chats.service import Chats
from app.diagnostics.service import Diagnostics
from app.dreams.exporting import DreamExports
from app.dreams.service import Dreams
from app.generations.service import Generations
from app.ornaments.comparing import Comparisons
from app.ornaments.exporting import LineageExports
from app.ornaments.import_job import ImportJob
from app.ornaments.importing import LineageImports
from app.ornaments.replaying import Replays
from app.ornaments.service import Ornaments
from app.pictures.library import Pictures
from app.projects.members import Members
from app.projects.service import Projects


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, put together by the composition root; `import_job` mends what a crash left of an import.

    `missing` makes the images that answers lack.
    """

    accounts: Accounts
    generations: Generations
    ornaments: Ornaments
    dreams: Dreams
    pictures: Pictures
    batches: Batches
    replays: Replays
    comparisons: Comparisons
    archives: Archives
    exports: LineageExports
    imports: LineageImports
    import_job: ImportJob
    dream_exports: DreamExports
    chats: Chats
    missing: Missing
    gate: Gate
    chat_images: ChatImages
    projects: Projects
    members: Members
    entities: Entities
    frames: Frames
    diagnostics: Diagnostics
