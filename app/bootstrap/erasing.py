"""What is erased with an account: each feature has its line."""

from app.accounts.erasers import OwnedRows
from app.accounts.erasing import Erasures
from app.accounts.model import Session, User
from app.archives.erasing import ArchiveEraser
from app.archives.service import Archives
from app.batches.model import Batch
from app.chats.descriptions import PictureDescription
from app.chats.erasing import AuthorEraser
from app.chats.exchange import Exchange
from app.chats.image import ChatImage
from app.chats.model import Chat
from app.costs.erasing import BudgetEraser
from app.dreams.model import Dream
from app.dreams.versions import DreamVersion
from app.generations.erasing import GenerationEraser
from app.generations.lanes import Lane
from app.generations.service import Generations
from app.lineage.promotion import Promotion
from app.lineage.tombstone import Tombstone
from app.lineage.votes import Vote
from app.ornaments.model import OrnamentImage
from app.pictures.erasing import PictureEraser
from app.pictures.stores import Stores
from app.projects.erasing import MembershipEraser
from app.projects.invitation import Invitation
from app.projects.model import Project
from app.settings import Settings
from app.templates.model import Template

_LATE_MIN_S = 60


def erasures_of(settings: Settings, generations: Generations, stores: Stores, archives: Archives) -> Erasures:
    """What has to go first: who starts more, what runs, what is made of it; pictures last."""
    erasers = (
        OwnedRows(User, "_id"),
        OwnedRows(Session, "userId"),
        OwnedRows(Batch),
        GenerationEraser(generations),
        ArchiveEraser(archives),
        OwnedRows(OrnamentImage),
        OwnedRows(Dream),
        OwnedRows(DreamVersion),
        OwnedRows(Project),
        OwnedRows(Invitation),
        OwnedRows(Chat),
        OwnedRows(Exchange),
        OwnedRows(ChatImage),
        MembershipEraser(),
        AuthorEraser(),
        OwnedRows(PictureDescription),
        OwnedRows(Tombstone),
        OwnedRows(Promotion),
        OwnedRows(Vote),
        OwnedRows(Template),
        BudgetEraser(generations.closing.budgets, generations.clock),
        PictureEraser(stores, max(_LATE_MIN_S, settings.provider_timeout_s)),
    )
    return Erasures(Lane, erasers, generations.clock, settings.sweep_every_s)
