from typing import Any

from app.generations.recipe import Recipe
from app.ornaments.recipe_difference import Change, RecipeDifference, between


def _recipe(**given: Any) -> Recipe:
    usual: dict[str, Any] = {"task": "ADJUST", "prompts": (), "pictures": (), "provider": "local", "model": "local-1"}
    return Recipe(**usual | given)


def _difference(first: str, second: str, one: Recipe | None = None, other: Recipe | None = None) -> RecipeDifference:
    return between((first, second), one, other)


def test_words_added_and_removed_come_in_their_order() -> None:
    found = _difference("Make it shine. Keep the gold", "Keep the gold. Make it very bright")
    assert (found.added, found.removed) == (("very", "bright"), ("shine",))


def test_case_and_punctuation_are_no_words() -> None:
    found = _difference('Make it "shine"!', "make it shine")
    assert (found.added, found.removed, found.changes) == ((), (), ())


def test_word_that_comes_once_more_is_added_once() -> None:
    assert _difference("shine", "shine, shine and shine").added == ("shine", "and", "shine")


def test_provider_model_and_parameters_that_differ_are_named() -> None:
    one = _recipe(parameters={"kind": "WHITE_BACKGROUND", "background": "white"})
    other = _recipe(provider="gemini", model="painter", parameters={"kind": "WHITE_BACKGROUND", "variation": "2/4"})
    assert _difference("a", "a", one, other).changes == (
        Change("provider", "local", "gemini"),
        Change("model", "local-1", "painter"),
        Change("background", "white", None),
        Change("variation", None, "2/4"),
    )
    assert _difference("a", "a", one, one).changes == ()


def test_unknown_recipe_leaves_the_words() -> None:
    found = _difference("a", "b", None, _recipe())
    assert (found.added, found.removed, found.changes) == (("b",), ("a",), ())
