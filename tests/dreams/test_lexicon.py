"""The small reading that is made without any key."""

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from pydantic import BaseModel

from app.dreams.lexicon.emotions import EMOTIONS
from app.dreams.lexicon.model import LexiconModel
from app.dreams.lexicon.reading import read
from app.dreams.lexicon.symbols import SYMBOLS
from app.dreams.wording import INSTRUCTIONS, DreamInput, InterpretationAnswer
from app.errors import AppError, ErrorCode
from app.providers.ports.model import Source, Stage
from app.providers.ports.text import StructuredAnswer, TextModel, TextPiece, TextRequest


def _request(dream: str) -> TextRequest[InterpretationAnswer]:
    return TextRequest(INSTRUCTIONS, DreamInput(dream=dream).model_dump_json(), InterpretationAnswer)


async def _answer(dream: str) -> StructuredAnswer[InterpretationAnswer]:
    updates = [one async for one in LexiconModel().structured(_request(dream))]
    last = updates[-1]
    assert isinstance(updates[0], Stage)
    assert isinstance(last, StructuredAnswer)
    pieces = "".join(one.text for one in updates if isinstance(one, TextPiece))
    assert InterpretationAnswer.model_validate_json(pieces) == last.value
    return last


def test_lexicon_is_decent_and_its_meanings_are_sentences() -> None:
    assert len({one.name for one in SYMBOLS}) == len(SYMBOLS) >= 60
    assert 8 <= len(EMOTIONS) <= 12
    assert all(one.meaning.endswith(".") and one.meaning[:1].isupper() for one in SYMBOLS)
    assert all(word == word.lower() for one in SYMBOLS for word in one.words)


@pytest.mark.parametrize(
    ("dream", "symbols", "emotion"),
    [
        ("I was flying over the sea, so happy!", {"flying", "sea"}, "joy"),
        ("Ich hatte Angst, denn ein Wolf verfolgte mich durch den Wald.", {"chase", "forest"}, "fear"),
        ("J'étais seule dans une maison, et j'avais peur du serpent.", {"house", "snake"}, "fear"),
        ("Estaba triste: mi casa estaba en el océano.", {"house", "sea"}, "sadness"),
    ],
)
async def test_symbols_and_feelings_are_found_in_several_languages(dream: str, symbols: set[str], emotion: str) -> None:
    value = (await _answer(dream)).value
    assert {one.name for one in value.symbols} >= symbols
    assert emotion in {one.name for one in value.emotions}


def test_what_is_named_more_often_is_stronger() -> None:
    emotions = dict(read("I was afraid, afraid, afraid, and a little sad.").emotions)
    assert 0 < emotions["sadness"] < emotions["fear"] < 1


def _plainly_counted(text: str, lexicon: Mapping[str, Sequence[str]]) -> list[tuple[str, int]]:
    """What a reading finds that compares each word with each stem."""
    counted = Counter[str]()
    for word in text.split():
        for name, stems in lexicon.items():
            if any(word == stem[:-1] if stem.endswith("=") else word.startswith(stem) for stem in stems):
                counted[name] += 1
    return counted.most_common()


@pytest.mark.parametrize("seed", range(20))
def test_reading_finds_what_a_comparison_with_each_stem_finds_in_the_same_order(seed: int) -> None:
    chance, symbols = random.Random(seed), {one.name: one.words for one in SYMBOLS}  # noqa: S311 - words, no secrets
    stems = [stem for known in (symbols, EMOTIONS) for words in known.values() for stem in words]
    said = [chance.choice(stems).rstrip("=") + chance.choice(("", "", "s", "x")) for _ in range(60)]
    reading = read(" ".join(said))
    known_symbols = _plainly_counted(" ".join(said), symbols)
    known_emotions = _plainly_counted(" ".join(said), EMOTIONS)
    assert [one.name for one in reading.symbols] == [name for name, _ in known_symbols[:7]]
    assert list(reading.emotions) == [(name, round(times / (times + 1), 2)) for name, times in known_emotions[:5]]


def test_longest_dream_is_read_at_once() -> None:
    chance, letters = random.Random(0), "abcdefghijklmnopqrst"  # noqa: S311 - the same
    for text in ("sea " * 5_000, "a " * 10_000, " ".join("".join(chance.choices(letters, k=4)) for _ in range(4_000))):
        begun_s = time.process_time()
        read(text[:20_000])
        assert time.process_time() - begun_s < 0.4  # ten times what it takes


async def test_dream_of_unknown_words_is_said_to_be_one() -> None:
    value = (await _answer("Xyzzy plugh.")).value
    assert (value.symbols, value.emotions) == ([], [])
    assert "knows none of the words" in value.meaning


async def test_answer_says_what_it_is_and_is_the_same_each_time() -> None:
    model: TextModel = LexiconModel()
    assert (model.name, model.source) == ("local", Source.LOCAL)
    one, other = await _answer("A whale sang."), await _answer("A whale sang.")
    assert one == other
    assert "no AI model" in (one.note or "")
    assert "OPENAI_API_KEY" in (one.note or "")


async def test_anything_but_a_dream_is_beyond_it() -> None:
    class Otter(BaseModel):
        name: str

    with pytest.raises(AppError) as no_dream:
        [one async for one in LexiconModel().structured(TextRequest("", "no JSON", InterpretationAnswer))]
    with pytest.raises(AppError) as other_shape:
        [one async for one in LexiconModel().structured(TextRequest("", _request("a").text, Otter))]
    assert no_dream.value.code is other_shape.value.code is ErrorCode.PROVIDER_NOT_CONFIGURED
