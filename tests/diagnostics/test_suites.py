"""What the tests of both suites ask and keep."""

from typing import Any

import pytest
from beanie import PydanticObjectId

from app.diagnostics.suites import PROBES, Suite
from app.generations.model import Generation, Status
from app.pictures.model import Picture
from app.providers.ports.model import Source
from tests.diagnostics.conftest import Lab, MakeLab, results_of, statuses_of

_PROVIDERS = ("text-completion", "image-generation", "vision", "image-modification")
_FLOW = ("configuration", "simple-generation", "generation-with-reference", "analysis", "whole-flow")


async def _sizes(ids: list[PydanticObjectId]) -> list[int]:
    found = await Picture.by_ids(ids)
    return [found[one].byte_size for one in ids]


async def test_each_provider_is_asked_once_and_what_it_answered_is_kept(lab: Lab) -> None:
    run = await lab.run(Suite.PROVIDERS)
    assert (run.status, run.failed) == (Status.SUCCEEDED, False)
    assert statuses_of(run) == dict.fromkeys(_PROVIDERS, "PASSED")
    text, image, vision, modification = results_of(run).values()
    assert text.request["text"]["provider"] == "openai"
    assert text.response["text"]["answer"]["answer"]
    assert (text.input_pictures, text.output_pictures) == ([], [])
    assert image.request["image"]["prompt"].startswith("A small red sailing boat")
    assert (len(image.input_pictures), len(image.output_pictures)) == (0, 1)
    assert vision.response["vision"]["text"]
    assert [one["mediaType"] for one in vision.request["vision"]["pictures"]] == ["image/png"]
    assert vision.input_pictures == modification.input_pictures
    assert modification.request["image"]["provider"] == "gemini"
    assert vision.response["vision"]["text"].rstrip(".") in modification.request["image"]["prompt"]
    assert modification.response["image"]["source"] == Source.PROVIDER
    for result in results_of(run).values():
        assert result.duration_ms is not None
        assert all(call["requestId"] for call in result.response.values())
        assert all(size > 0 for size in await _sizes([*result.input_pictures, *result.output_pictures]))


async def test_calls_are_in_the_ledger_with_what_they_used(lab: Lab) -> None:
    run = await lab.run(Suite.PROVIDERS)
    generation = (await Generation.without_events([run.generation_id]))[run.generation_id]
    assert [(call.provider, call.outcome) for call in generation.calls] == [
        ("openai", "SUCCEEDED"),
        ("openai", "SUCCEEDED"),
        ("openai", "SUCCEEDED"),
        ("openai", "SUCCEEDED"),
        ("gemini", "SUCCEEDED"),
    ]
    assert all(call.billable and call.usage for call in generation.calls)
    kept = {one for result in results_of(run).values() for one in (*result.input_pictures, *result.output_pictures)}
    assert set(generation.picture_ids) == kept


async def test_flow_goes_through_the_products_makers(lab: Lab) -> None:
    run = await lab.run(Suite.FULL_FLOW)
    assert statuses_of(run) == dict.fromkeys(_FLOW, "PASSED")
    configuration, simple, reference, analysis, _ = results_of(run).values()
    assert configuration.response["models"]["edit"]["provider"] == "gemini"
    assert configuration.response["isSet"] == {
        "OPENAI_API_KEY": True,
        "GOOGLE_API_KEY": True,
        "CLOUDINARY_URL": False,
    }
    assert configuration.response["database"]["answers"] is True
    assert simple.response["image"]["requestId"]
    assert simple.response["image"]["usage"]
    assert reference.response["vision"]["text"] in reference.request["image"]["prompt"]
    assert reference.request["image"]["references"] == reference.request["vision"]["pictures"]
    assert (len(reference.input_pictures), len(reference.output_pictures)) == (1, 1)
    assert analysis.response["vision"]["text"]


@pytest.mark.parametrize("suite", list(Suite))
async def test_without_a_key_every_test_says_that_no_model_was_asked(bare_lab: Lab, suite: Suite) -> None:
    run = await bare_lab.run(suite)
    assert set(statuses_of(run).values()) == {"PASSED"}
    generation = (await Generation.without_events([run.generation_id]))[run.generation_id]
    assert generation.calls
    assert not any(call.billable for call in generation.calls)
    sources = {call["source"] for result in results_of(run).values() for call in _calls(result.response)}
    assert sources <= {"LOCAL", "MOCK"}
    assert sources


def _calls(response: dict[str, Any] | None) -> list[Any]:
    return [call for name, call in (response or {}).items() if name in {"text", "image", "vision"}]


@pytest.mark.long
async def test_placeholder_of_a_key_fails_the_configuration_and_nothing_else(make_lab: MakeLab) -> None:
    lab = await make_lab(openai_api_key="sk-your-actual-key-here")
    run = await lab.run(Suite.FULL_FLOW)
    assert statuses_of(run) == {**dict.fromkeys(_FLOW, "PASSED"), "configuration": "FAILED"}
    failed = results_of(run)["configuration"]
    assert failed.message is not None
    assert failed.message.startswith("OPENAI_API_KEY holds a placeholder")
    assert failed.response["isSet"]["OPENAI_API_KEY"] is False
    assert (run.status, run.failed) == (Status.SUCCEEDED, True)


def test_every_test_has_a_name_of_its_own_and_words() -> None:
    probes = [probe for suite in Suite for probe in PROBES[suite]]
    assert len({probe.name for probe in probes}) == len(probes)
    assert all(probe.title and probe.about.endswith(".") for probe in probes)
