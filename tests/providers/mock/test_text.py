from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from app.errors import AppError, ErrorCode
from app.providers.mock.text import MockTextModel
from app.providers.ports.text import StructuredAnswer, TextPiece, TextRequest

DREAM = "I fell from a tower. A blue whale sang; then my grandmother caught me!"
DREAMT = set(DREAM.lower().replace(".", "").replace(";", "").replace("!", "").split())


async def filled[Shape: BaseModel](shape: type[Shape], text: str = DREAM) -> Shape:
    updates = [one async for one in MockTextModel().structured(TextRequest("OUR RULES", text, shape))]
    last = updates[-1]
    assert isinstance(last, StructuredAnswer)
    pieces = "".join(one.text for one in updates if isinstance(one, TextPiece))
    assert shape.model_validate_json(pieces) == last.value
    return shape.model_validate(last.value)


async def value_of(annotation: Any, text: str = DREAM, *, name: str = "field") -> Any:
    fields: dict[str, Any] = {name: (annotation, ...)}
    shape: type[BaseModel] = create_model("Shape", **fields)
    return getattr(await filled(shape, text), name)


async def failure(annotation: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await value_of(annotation)
    return caught.value


class Mood(Enum):
    CALM = "calm"
    WILD = "wild"


class Symbol(BaseModel):
    name: str
    meaning: str


class Branch(BaseModel):
    label: str
    children: list["Branch"]
    twin: "Branch | None"


class Endless(BaseModel):
    inner: "Endless"


async def test_strings_are_the_users_own_words() -> None:
    for name in ("narrative", "title", "meaning"):
        words = (await value_of(str, name=name)).lower().replace(".", "").replace(";", "").replace("!", "").split()
        assert words
        assert set(words) <= DREAMT


async def test_names_are_short_and_texts_are_sentences() -> None:
    assert len((await value_of(str, name="title")).split()) <= 4
    assert (await value_of(str, name="narrative")).endswith(("!", "."))


async def test_lists_have_different_items_in_sensible_number() -> None:
    emotions = await value_of(list[str], name="emotions")
    assert len(emotions) == len(set(emotions)) == 3
    symbols = await value_of(list[Symbol], name="symbols")
    assert len({symbol.name for symbol in symbols}) > 1


@pytest.mark.parametrize(
    ("annotation", "least", "most"),
    [
        (Annotated[list[str], Field(min_length=5, max_length=7)], 5, 7),
        (Annotated[list[str], Field(max_length=1)], 1, 1),
        (Annotated[list[int], Field(min_length=1)], 1, 3),
        (tuple[str, int], 2, 2),
        (Annotated[set[str], Field(min_length=2)], 2, 3),
    ],
)
async def test_lists_keep_to_their_lengths(annotation: Any, least: int, most: int) -> None:
    assert least <= len(await value_of(annotation)) <= most


@given(low=st.integers(-1000, 1000), more=st.integers(0, 500), text=st.text(max_size=40))
async def test_integers_stay_in_their_bounds(low: int, more: int, text: str) -> None:
    assert low <= await value_of(Annotated[int, Field(ge=low, le=low + more)], text) <= low + more
    assert low < await value_of(Annotated[int, Field(gt=low, lt=low + more + 2)], text) < low + more + 2
    assert await value_of(Annotated[int, Field(ge=low, multiple_of=7)], text) % 7 == 0


@given(low=st.floats(-1e6, 1e6), more=st.floats(0.01, 1e6), text=st.text(max_size=40))
async def test_numbers_stay_in_their_bounds(low: float, more: float, text: str) -> None:
    assert low <= await value_of(Annotated[float, Field(ge=low, le=low + more)], text) <= low + more
    assert low < await value_of(Annotated[float, Field(gt=low, lt=low + more)], text) < low + more


@given(least=st.integers(0, 300), more=st.integers(0, 300), text=st.text(max_size=200))
async def test_strings_keep_to_their_lengths(least: int, more: int, text: str) -> None:
    value = await value_of(Annotated[str, Field(min_length=least, max_length=max(1, least + more))], text)
    assert least <= len(value) <= max(1, least + more)


@pytest.mark.parametrize(
    "annotation",
    [Mood, Literal["x", "y"], Literal[7], bool, int | None, str | None, None, dict[str, int], Symbol, Any, list[Any]],
)
async def test_kinds_of_all_sorts_are_filled(annotation: Any) -> None:
    await value_of(annotation)  # what does not fit is refused by the shape itself


async def test_what_may_be_null_is_filled() -> None:
    assert await value_of(str | None)
    assert await value_of(Symbol | None)


async def test_shape_that_holds_itself_comes_to_an_end() -> None:
    assert (await filled(Branch)).children


async def test_aliases_are_how_the_document_names_its_fields() -> None:
    class Aliased(BaseModel):
        model_config = ConfigDict(extra="forbid")
        inner: str = Field(alias="innerText")

    assert (await filled(Aliased)).inner


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, Field(pattern=r"^\d{4}$")],
        Annotated[str, Field(json_schema_extra={"format": "email"})],
        Annotated[int, Field(gt=1, lt=2)],
        Annotated[str, AfterValidator(int)],
        Annotated[set[bool], Field(min_length=3)],
        Endless,
    ],
    ids=["pattern", "format", "no number", "validator", "too few", "endless"],
)
async def test_shape_that_words_can_not_fill_says_so(annotation: Any) -> None:
    error = await failure(annotation)
    assert (error.code, error.retryable) == (ErrorCode.PROVIDER_NOT_CONFIGURED, False)
    assert "Shape" in error.message
    assert "OPENAI_API_KEY" in error.message
    assert "grandmother" not in error.message


@given(st.text(max_size=300))
async def test_any_text_fills_the_shape_and_nothing_of_ours_does(text: str) -> None:
    value = await filled(Symbol, text)
    assert value.name
    assert value.meaning
    assert "OUR RULES" not in value.model_dump_json()


@pytest.mark.parametrize("text", ["x" * 50_000, "夢を見た" * 5_000, "a " * 50_000, "." * 50_000])
async def test_long_text_gives_an_answer_of_sensible_length(text: str) -> None:
    assert len((await filled(Symbol, text)).model_dump_json()) < 2_000


async def test_other_text_gives_another_answer() -> None:
    assert await filled(Symbol) != await filled(Symbol, "Bread and butter.")


async def test_invisible_characters_do_not_come_back() -> None:
    value = await value_of(str, "a\u202eb\x00c\u200bd e\ud800f", name="narrative")
    assert value.isprintable()
