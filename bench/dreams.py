"""What pages of the dream journal and its numbers cost: milliseconds of CPU and database commands a request.

One person has 100 dreams, one 1,000 and one 3,000, each with an interpretation and a picture and every third one with
a version, all in one embedded database in a process of its own. Requests go through the whole application but its
socket. The commands are to be as many whatever the number of dreams.
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.accounts.sessions import Client
from app.bootstrap.parts import Parts
from app.database.document import utc_now
from app.dreams.model import Aside, Dream
from app.dreams.versions import DreamVersion
from app.pictures.model import Picture
from bench.engine_parts.pages import Bench, Person
from tests.dreams.dreams import dream_of, illustration_of, interpretation_of
from tests.ornaments.images import picture_of

_SIZES = (100, 1_000, 3_000)
_AT_ONCE = 100
_VERSIONS_EVERY = 3
_ROW = """id status title dreamedAt mood tags canRegenerate interpretation { narrative symbols { name } emotions { name
  intensity } source } picture { url(width: 320) thumbhash } failure { code }"""
_PAGE = f"nodes {{ {_ROW} }} pageInfo {{ hasNextPage endCursor }}"


def _journal(arguments: str, shown: str = _PAGE) -> str:
    return f"{{ viewer {{ dreams({arguments}) {{ {shown} }} }} }}"


_NUMBERS = "dreams weeks { monday dreams } symbols { name dreams } emotions { name dreams intensity }"
_REQUESTS: Mapping[str, str] = MappingProxyType(
    {
        "journal: 20 of all": _journal("first: 20"),
        "journal: 20 of all, and how many they are": _journal("first: 20", f"totalCount {_PAGE}"),
        "journal: 20 with their versions": _journal("first: 20", "nodes { id versions { nodes { id keptAt } } }"),
        "journal: 20 of a status": _journal("first: 20, status: READY"),
        "journal: 20 of a symbol": _journal('first: 20, symbol: "whale"'),
        "journal: 20 with two words": _journal('first: 20, search: "fell sea"'),
        "journal: without a picture (none)": _journal("first: 20, missingPicture: true"),
        "numbers of all": f"{{ viewer {{ dreamStats {{ {_NUMBERS} }} }} }}",
    }
)


async def _joined(parts: Parts, dreams: int) -> Person:
    """A new person with so many dreams, the oldest first, each with its picture."""
    email = f"{dreams}@example.com"
    signed_in = await parts.services.accounts.sign_up(email, "a quiet sea at night", "Ada", Client(None, None))
    owner_id, now = signed_in.user.identity, utc_now()
    pictures = [picture_of(owner_id) for _ in range(dreams)]
    made = [dream_of(owner_id, n, now, illustration=illustration_of(p.identity)) for n, p in enumerate(pictures)]
    versions = [DreamVersion.of(one, Aside(interpretation=interpretation_of()), now) for one in made[::_VERSIONS_EVERY]]
    for start in range(0, dreams, _AT_ONCE):
        await Picture.insert_many(pictures[start : start + _AT_ONCE])
        await Dream.insert_many(made[start : start + _AT_ONCE])
    for start in range(0, len(versions), _AT_ONCE):
        await DreamVersion.insert_many(versions[start : start + _AT_ONCE])
    return Person(dreams, {}, {"Authorization": f"Bearer {signed_in.access_token}"})


def main() -> None:
    """Print the table."""
    Bench("dreams", _SIZES, _REQUESTS, _joined).run()


if __name__ == "__main__":
    main()
