"""The journal: the viewer's dreams by filters, in pages, and what they are about."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Self

import strawberry
from beanie import PydanticObjectId

from app.api.connections import After, CountedConnection, First, Listing, Page
from app.api.context import Info
from app.api.dreams import Dream, keys_of, listed
from app.api.enums import DreamStatus
from app.api.selections import selected
from app.dreams import listing
from app.dreams import stats as stored
from app.dreams.interpreting import as_key
from app.errors import bad_input
from app.labels import SEARCH_MAX_CHARACTERS, SEARCH_MAX_WORDS, as_tag, as_words
from app.moments import as_moment

_Status = Annotated[DreamStatus | None, strawberry.argument(description="Only those that have come this far.")]
_Mood = Annotated[str | None, strawberry.argument(description="Only those of this mood, in upper or lower case.")]
_Tag = Annotated[str | None, strawberry.argument(description="Only those with this tag, in upper or lower case.")]
_Symbol = Annotated[
    str | None, strawberry.argument(description="Only those with this symbol, by its name in upper or lower case.")
]
_Search = Annotated[
    str | None,
    strawberry.argument(
        description="Only those in whose text, title or narrative each of these words occurs, in upper or lower case, "
        f"also within a longer word. At most {SEARCH_MAX_WORDS} words of {SEARCH_MAX_CHARACTERS} characters together."
    ),
]
_From = Annotated[
    datetime | None, strawberry.argument(name="from", description="Only those dreamed at this moment or later.")
]
_To = Annotated[datetime | None, strawberry.argument(name="to", description="Only those dreamed before this moment.")]
_MissingPicture = Annotated[
    bool | None, strawberry.argument(description="True: only those without a picture; false: only those with one.")
]
_Trashed = Annotated[bool, strawberry.argument(description="True: only those in the trash; false: only the others.")]


@strawberry.type(description="A page of the journal.")
class DreamConnection(CountedConnection[Dream]):
    """Newest first."""


@strawberry.type(description="How many dreams there were in a week.")
class DreamWeek:
    """Weeks begin on Monday, UTC."""

    monday: date = strawberry.field(description="The day that it began on.")
    dreams: int = strawberry.field(description="How many.")


@strawberry.type(description="A symbol that dreams have in common.")
class CommonSymbol:
    """Counted once a dream."""

    name: str = strawberry.field(description="Its name, as the latest of them has it.")
    dreams: int = strawberry.field(description="In how many dreams it is.")


@strawberry.type(description="A feeling that dreams have in common.")
class CommonEmotion:
    """Counted once a dream."""

    name: str = strawberry.field(description="Its name, as the latest of them has it.")
    dreams: int = strawberry.field(description="In how many dreams it is.")
    intensity: float = strawberry.field(description="How strong it is in them on average, 0 to 1.")


@strawberry.type(description="What the dreams of a time are about; those in the trash are left out.")
class DreamStats:
    """Counted when it is asked for."""

    dreams: int = strawberry.field(description="How many there are.")
    weeks: list[DreamWeek] = strawberry.field(description="The weeks with dreams in them, oldest first.")
    symbols: list[CommonSymbol] = strawberry.field(description="The 10 commonest ones, the commonest first.")
    emotions: list[CommonEmotion] = strawberry.field(description="The 10 commonest ones, the commonest first.")

    @classmethod
    def of(cls, stats: stored.Stats) -> Self:
        """The same, as clients see it."""
        return cls(
            dreams=stats.dreams,
            weeks=[DreamWeek(monday=one.monday, dreams=one.dreams) for one in stats.weeks],
            symbols=[CommonSymbol(name=one.name, dreams=one.dreams) for one in stats.symbols],
            emotions=[
                CommonEmotion(name=one.name, dreams=one.dreams, intensity=one.intensity or 0) for one in stats.emotions
            ],
        )


@strawberry.type
class Journal:
    """Fields of the viewer."""

    owner_id: strawberry.Private[PydanticObjectId]

    @strawberry.field
    async def dreams(  # noqa: PLR0913 - the arguments of the schema
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        status: _Status = None,
        mood: _Mood = None,
        tag: _Tag = None,
        symbol: _Symbol = None,
        search: _Search = None,
        since: _From = None,
        until: _To = None,
        missing_picture: _MissingPicture = None,
        trashed: _Trashed = False,
    ) -> DreamConnection:
        """The viewer's dreams, those that were written down last first.

        Cursors stay good while dreams come and go, and whatever the filters.
        """
        owner_id, asked = self.owner_id, selected(info).nodes
        page = Page(Listing("dreams", owner_id), first, after)
        _check_times(since, until)
        wanted = listing.Wanted(
            status=status,
            mood=None if mood is None else as_tag(mood, "mood"),
            tag=None if tag is None else as_tag(tag, "tag"),
            symbol=None if symbol is None else as_key(symbol),
            since=since,
            until=until,
            words=as_words(search or "", "search"),
            missing_picture=missing_picture,
            trashed=trashed,
        )
        found = await listing.dreams(owner_id, wanted, page.stretch, keys_of(asked))
        shown = [(one.document.identity, one) for one in await listed(found, asked)]
        return DreamConnection.of(shown, page, partial(listing.count, owner_id, wanted))

    @strawberry.field
    async def dream_stats(self, since: _From = None, until: _To = None) -> DreamStats:
        """What the viewer's dreams of that time are about; of all of them, unless it is said."""
        _check_times(since, until)
        return DreamStats.of(await stored.stats(self.owner_id, since, until))


def _check_times(since: datetime | None, until: datetime | None) -> None:
    """Refuse what is no moment that a dream can have, and what no moment is between."""
    for argument, moment in (("from", since), ("to", until)):
        if moment is not None:
            as_moment(moment, argument)
    if since and until and since >= until:
        raise bad_input("Nothing can be as late as `from` and earlier than `to`.", "to")
