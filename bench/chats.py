"""What pages of a chat's messages cost: milliseconds of CPU and database commands a request.

One person has a chat of 100 messages, one of 1,000 and one of 3,000, all in one embedded database in a process of its
own. The branch that is shown goes through nine others, and every fifth answer has another one beside it. Each message
is guided by a picture and has an image. Requests go through the whole application but its socket. The commands are to
be as many whatever the number of messages, and wherever the page lies.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from beanie import PydanticObjectId

from app.accounts.sessions import Client
from app.api.connections import Listing
from app.api.ids import global_id
from app.api.positions import Numbers
from app.bootstrap.parts import Parts
from app.chats.exchange import Analysis, Exchange, Fork, Reference, Segment, place_of
from app.chats.image import ChatImage
from app.chats.model import Chat, ChatKind
from app.database.document import utc_now
from app.pictures.model import Picture
from app.providers.ports.model import Source
from bench.engine_parts.pages import Bench, Person
from tests.chats.exchanges import exchange_of, image_of
from tests.chats.rooms import chat_of, project_of
from tests.ornaments.images import picture_of

_SIZES = (100, 1_000, 3_000)
_STRETCHES = 10
_SIBLINGS_EVERY = 5
_AT_ONCE = 100
_ROW = "id role text status createdAt images { index status image { id picture { url(width: 320) thumbhash } } }"
_NESTED = f"""{_ROW} prompt wish imageCount contextImages {{ imageId picture {{ url(width: 80) }} }} authorId
  analysis {{ text source remembered picture {{ id }} }} branchCount branchIndex branches {{ id text }}"""


def _page(arguments: str, row: str = _ROW, shown: str = "") -> str:
    page = f"{shown} nodes {{ {row} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}"
    middle = ", $middle: String!" if "$middle" in arguments else ""
    return f"""query ($chat: ID!{middle}) {{ node(id: $chat) {{ ... on Chat {{
      messages({arguments}) {{ {page} }} }} }} }}"""


_REQUESTS: Mapping[str, str] = MappingProxyType(
    {
        "messages: the last 20": _page("last: 20"),
        "messages: the last 20, and how many they are": _page("last: 20", shown="totalCount"),
        "messages: 20 before the middle": _page("last: 20, before: $middle"),
        "messages: 20 after the middle": _page("first: 20, after: $middle"),
        "messages: the first 20": _page("first: 20"),
        "messages: the last 20 with all in them": _page("last: 20", _NESTED),
        "messages: the last 100 with all in them": _page("last: 100", _NESTED),
    }
)


def _told(chat: Chat, count: int, picture: Picture) -> tuple[list[Exchange], PydanticObjectId]:
    """So many exchanges on the way that is shown, and those beside them; and the branch that it ends with."""
    reference = Reference(picture_id=picture.identity, sha256=picture.sha256)
    said = Analysis(picture_id=picture.identity, text="A sea in a storm.", source=Source.PROVIDER, model="m")
    guided = {"references": (reference,), "analyses": (said,)}
    shown, beside = list[Exchange](), list[Exchange]()
    above, branch_id, length = list[Segment](), chat.identity, count // _STRETCHES
    for position in range(count):
        given = dict[str, object](guided)
        if position and position % length == 0:
            above.append(Segment(branch_id=branch_id, until=position))
            branch_id = PydanticObjectId()
            given |= {"id": branch_id, "fork": Fork(above=tuple(above), used_at=utc_now())}
        given |= {"branch_id": branch_id, "place": place_of(branch_id, position)}
        shown.append(exchange_of(chat, position, shown[-1].identity if shown else None, **given))
        if position % _SIBLINGS_EVERY == 0:
            beside.append(_beside(chat, shown[-1], above, guided))
    return [*shown, *beside], branch_id


def _beside(chat: Chat, other: Exchange, above: Sequence[Segment], guided: Mapping[str, object]) -> Exchange:
    """Another answer to the same message."""
    begin, identity = above[-1].until if above else 0, PydanticObjectId()
    own = Segment(branch_id=other.branch_id, until=other.position)
    fork = Fork(above=(*above, own) if other.position > begin else tuple(above), used_at=utc_now())
    given = {"id": identity, "branch_id": identity, "place": place_of(identity, other.position), "fork": fork}
    given |= {"question_id": other.question_id, **guided}
    return exchange_of(chat, other.position, other.parent_id, **given)


async def _joined(parts: Parts, messages: int) -> Person:
    """A new person whose chat shows so many messages."""
    email = f"{messages}@example.com"
    signed_in = await parts.services.accounts.sign_up(email, "a quiet sea at night", "Ada", Client(None, None))
    project = project_of(signed_in.user.identity)
    chat = chat_of(project, ChatKind.MAIN)
    guide = picture_of(project.owner_id)
    exchanges, chat.branch_id = _told(chat, messages // 2, guide)
    pictures = [picture_of(project.owner_id) for _ in exchanges]
    made = zip(exchanges, pictures, strict=True)
    images = [image_of(exchange, picture.identity, PydanticObjectId()) for exchange, picture in made]
    for document in (project, chat, guide):
        await document.insert()
    for start in range(0, len(exchanges), _AT_ONCE):
        await Picture.insert_many(pictures[start : start + _AT_ONCE])
        await Exchange.insert_many(exchanges[start : start + _AT_ONCE])
        await ChatImage.insert_many(images[start : start + _AT_ONCE])
    everything = Numbers(Listing("messages", chat.identity, newest_first=False), 1, None)
    middle = everything.edges([(messages // 2, None)])[0].cursor
    variables = {"chat": global_id("Chat", chat.identity), "middle": middle}
    return Person(messages, variables, {"Authorization": f"Bearer {signed_in.access_token}"})


def main() -> None:
    """Print the table."""
    Bench("messages", _SIZES, _REQUESTS, _joined).run()


if __name__ == "__main__":
    main()
