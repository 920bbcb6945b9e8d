import pytest

from app.api.enums import OrnamentKind as ShownKind
from app.errors import AppError, ErrorCode
from app.ornaments.asked import Asked, ModelType, Role
from app.ornaments.kinds import KINDS
from app.ornaments.model import OrnamentKind
from app.ornaments.service import check
from app.providers.ports.image import ImageTask

_LARGEST = Asked(
    "Make it shine",
    {Role.ORNAMENT: 1, Role.MODEL: 1, Role.POSE: 1, Role.THEME: 4, Role.BACKGROUND: 1},
    "white",
    "ring 18 mm across",
    ModelType.REAL_MODEL,
    ("the ring",),
)


def test_every_kind_has_a_recipe_and_no_recipe_is_without_a_kind() -> None:
    assert set(KINDS) == set(OrnamentKind) == set(ShownKind)


@pytest.mark.parametrize("kind", OrnamentKind)
def test_instruction_joins_a_wish_with_a_full_stop(kind: OrnamentKind) -> None:
    instruction = KINDS[kind].instruction(_LARGEST)
    assert instruction == instruction.strip().rstrip(".")


@pytest.mark.parametrize("kind", OrnamentKind)
def test_kind_sends_the_ornament_and_no_role_twice(kind: OrnamentKind) -> None:
    roles = KINDS[kind].roles
    assert Role.ORNAMENT in roles
    assert len(set(roles)) == len(roles)


def test_local_processing_changes_backgrounds_and_composes_the_rest() -> None:
    replaced = {kind for kind, recipe in KINDS.items() if recipe.task is ImageTask.REPLACE_BACKGROUND}
    assert replaced == {OrnamentKind.WHITE_BACKGROUND, OrnamentKind.BACKGROUND_CHANGE}


def test_measurements_join_the_instruction() -> None:
    for kind in (OrnamentKind.MODEL_WITH_ORNAMENT, OrnamentKind.REAL_MODEL_WITH_ORNAMENT):
        asked = Asked(measurements="ring 18 mm across.")
        assert KINDS[kind].instruction(asked).endswith(". Measurements: ring 18 mm across")
        assert "Measurements" not in KINDS[kind].instruction(Asked())


def test_pose_is_named_by_its_place_among_the_pictures() -> None:
    posed = Asked(pictures={Role.POSE: 1})
    assert "second picture" in KINDS[OrnamentKind.MODEL_WITH_ORNAMENT].instruction(posed)
    assert "third picture" in KINDS[OrnamentKind.REAL_MODEL_WITH_ORNAMENT].instruction(posed)


def test_campaign_names_ornaments_person_and_themes_by_their_place() -> None:
    pictures = {Role.ORNAMENT: 2, Role.MODEL: 1, Role.THEME: 2}
    asked = Asked(pictures=pictures, model_type=ModelType.REAL_MODEL, ornament_names=("a ring", "a chain"))
    instruction = KINDS[OrnamentKind.CAMPAIGN_SHOT_ADVANCED].instruction(asked)
    assert "the person of picture 3" in instruction
    assert "wears a ring (picture 1) and a chain (picture 2)" in instruction
    assert "from picture 4 and 5" in instruction


def test_campaign_of_an_ai_model_counts_no_person() -> None:
    pictures = {Role.ORNAMENT: 1, Role.THEME: 1}
    asked = Asked(pictures=pictures, model_type=ModelType.AI_MODEL, ornament_names=("a ring",))
    instruction = KINDS[OrnamentKind.CAMPAIGN_SHOT_ADVANCED].instruction(asked)
    assert "a model wears a ring (picture 1)" in instruction
    assert "from picture 2" in instruction


_CAMPAIGN = OrnamentKind.CAMPAIGN_SHOT_ADVANCED
_AI, _REAL = ModelType.AI_MODEL, ModelType.REAL_MODEL


@pytest.mark.parametrize(
    ("kind", "asked", "path"),
    [
        (
            OrnamentKind.BACKGROUND_CHANGE,
            Asked("x", {Role.ORNAMENT: 1, Role.BACKGROUND: 1}, "navy"),
            ("input", "backgroundColor"),
        ),
        (OrnamentKind.BACKGROUND_CHANGE, Asked("", {Role.ORNAMENT: 1}), ("input", "prompt")),
        (OrnamentKind.BACKGROUND_CHANGE, Asked("", {Role.ORNAMENT: 1}, "blurple"), ("input", "backgroundColor")),
        (OrnamentKind.WHITE_BACKGROUND, Asked("x" * 2_001, background="white"), ("input", "prompt")),
        (OrnamentKind.MODEL_WITH_ORNAMENT, Asked(measurements="x" * 501), ("input", "measurements")),
        (_CAMPAIGN, Asked(model_type=_AI), ("input", "ornamentImages")),
        (_CAMPAIGN, Asked(pictures={Role.ORNAMENT: 9}, model_type=_AI), ("input", "ornamentImages")),
        (_CAMPAIGN, Asked(pictures={Role.ORNAMENT: 2}, ornament_names=("a",)), ("input", "ornamentNames")),
        (_CAMPAIGN, Asked(pictures={Role.ORNAMENT: 1}, ornament_names=("",)), ("input", "ornamentNames", "0")),
        (
            _CAMPAIGN,
            Asked(pictures={Role.ORNAMENT: 1}, model_type=_REAL, ornament_names=("a",)),
            ("input", "modelImage"),
        ),
        (
            _CAMPAIGN,
            Asked(pictures={Role.ORNAMENT: 1, Role.MODEL: 1}, model_type=_AI, ornament_names=("a",)),
            ("input", "modelImage"),
        ),
        (
            _CAMPAIGN,
            Asked(pictures={Role.ORNAMENT: 1, Role.THEME: 5}, model_type=_AI, ornament_names=("a",)),
            ("input", "themeImages"),
        ),
    ],
)
def test_what_does_not_fit_together_is_said_with_its_path(
    kind: OrnamentKind, asked: Asked, path: tuple[str, ...]
) -> None:
    with pytest.raises(AppError) as caught:
        check(kind, asked)
    assert (caught.value.code, caught.value.path) == (ErrorCode.BAD_USER_INPUT, path)


def test_background_is_a_picture_a_colour_or_in_the_words() -> None:
    for asked in (
        Asked("", {Role.ORNAMENT: 1, Role.BACKGROUND: 1}),
        Asked("", {Role.ORNAMENT: 1}, "navy"),
        Asked("on a beach", {Role.ORNAMENT: 1}),
    ):
        check(OrnamentKind.BACKGROUND_CHANGE, asked)
