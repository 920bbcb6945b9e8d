"""No secret is kept or told of a run, wherever somebody may have put one."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.service import Viewer
from app.accounts.sessions import Client
from app.api.context import Context
from app.api.ids import global_id
from app.api.schema import schema, show_result
from app.bootstrap.diagnostics import secrets_of
from app.database.document import utc_now
from app.diagnostics.bench import Bench
from app.diagnostics.secrets import LIMIT_BYTES, Cleaner
from app.diagnostics.suites import Names, Suite
from app.errors import AppError, ErrorCode
from app.generations.model import Generation
from app.settings import load_settings
from tests.diagnostics.conftest import Lab, MakeLab, results_of
from tests.diagnostics.planted import KNOWN, PLANTED, SENTENCES, everything, leaks


def test_every_planted_secret_is_found_by_the_cleaner() -> None:
    assert leaks(json.dumps(everything())) == list(PLANTED)
    assert leaks(json.dumps(Cleaner((KNOWN,)).clean(everything()))) == []


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentence_loses_its_secret_and_keeps_its_words(sentence: str) -> None:
    clean = Cleaner((KNOWN,)).text(sentence.format(**PLANTED))
    assert leaks(clean) == []
    assert "[removed]" in clean
    assert clean.split()[0].strip('"')[:4] == sentence.split(maxsplit=1)[0][:4]


@pytest.mark.parametrize(
    "harmless",
    [
        {"inputTextTokens": 12, "outputTextTokens": 3, "calls": 1},
        {"isSet": {"OPENAI_API_KEY": True, "GOOGLE_API_KEY": False}},
        {"prompt": "A keyboard and a monkey beside a turkey: the key is old, its token of love is bright."},
        {"model": "gpt-image-2.6-flare", "requestId": "req_0a1b2c3d", "sha256": "ab" * 32, "source": "MOCK"},
        {"message": "Made by basic processing here; its bearer was tired, the token was late."},
        {"text": "See https://example.com/a/b.png for 10:30, a/b and me@example.com.", "durationMs": None},
    ],
)
def test_what_is_no_secret_stays_as_it_is(harmless: dict[str, Any]) -> None:
    assert Cleaner((KNOWN,)).clean(harmless) == harmless


_TEXTS = st.text(max_size=20) | st.integers(0, 90_000).map(lambda length: "ü=" * length)


@pytest.mark.long
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | _TEXTS,
        lambda inner: st.lists(inner, max_size=12) | st.dictionaries(_TEXTS, inner, max_size=12),
        max_leaves=20,
    )
)
def test_what_is_kept_is_json_and_never_too_long(value: Any) -> None:
    kept = Cleaner().clean(value)
    assert len(json.dumps(kept, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= LIMIT_BYTES


def test_what_was_cut_says_so() -> None:
    kept = Cleaner().clean({"text": "word " * 20_000, "list": list(range(100_000)), "short": "stays"})
    assert kept["short"] == "stays"
    assert kept["text"].endswith("[cut: 100,000 characters in all]")
    assert kept["list"][-1] == "… [cut: 100,000 in all]"


@pytest.mark.parametrize("piece", ["a-", "a.", "eyJ-", "key=", "a://", "-----BEGIN PRIVATE KEY----- ", "data:", "sk-"])
def test_text_that_a_provider_made_to_be_slow_is_read_in_time(piece: str) -> None:
    began = time.perf_counter()
    kept = Cleaner().clean({"text": piece * (6_000_000 // len(piece))})
    assert len(json.dumps(kept)) <= LIMIT_BYTES
    assert time.perf_counter() - began < 10


def test_secret_where_a_long_text_is_cut_is_not_told_in_part() -> None:
    text = "data:image/png;base64," + "A" * 20_440 + f" {KNOWN} {KNOWN * 2_000}"
    assert KNOWN[:8] not in Cleaner((KNOWN,)).text(text)


def test_server_knows_its_own_secrets(lab: Lab) -> None:
    url = "mongodb://ada:p%40ss-of-mongo@db.example.com/regen"
    more = {
        "mongodb_url": url,
        "openai_api_key": KNOWN,
        "jwt_secret": "j" * 40,
        "data_dir": lab.parts.settings.data_dir,
    }
    known = secrets_of(load_settings(more))
    assert {KNOWN, "p%40ss-of-mongo", "p@ss-of-mongo", "j" * 40} <= set(known)
    assert (lab.parts.settings.data_dir / "secrets" / "media_url_key").read_text() in known


async def _tells_all(bench: Bench) -> str:
    bench.request.update(everything())
    bench.response.update(everything())
    return " ".join(everything()["said"])


async def _fails_with_all(bench: Bench) -> str:
    bench.request.update(everything())
    raise AppError(ErrorCode.PROVIDER_UNAVAILABLE, " ".join(everything()["said"]))


async def _crashes_with_all(_: Bench) -> str:
    raise RuntimeError(everything())


@pytest.fixture
async def planted_lab(make_lab: MakeLab) -> Lab:
    return await make_lab(openai_api_key=KNOWN, openai_base_url="http://127.0.0.1:1/v1")


async def test_nothing_that_was_planted_is_in_documents_events_answers_or_logs(
    planted_lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    planted = {
        Names.TEXT: _tells_all,
        Names.IMAGE: _fails_with_all,
        Names.VISION: _crashes_with_all,
    }
    job = replace(planted_lab.job, tests={**planted_lab.job.tests, **planted})
    run = await planted_lab.run(Suite.PROVIDERS, job)
    assert [str(one.status) for one in results_of(run).values()][:3] == ["PASSED", "FAILED", "FAILED"]
    stored = await Generation.rows().find_one({"_id": run.generation_id})
    assert stored is not None
    assert "[removed]" in str(stored["steps"])
    assert leaks(str(stored)) == []
    assert leaks(json.dumps(await _answer(planted_lab, run.generation_id), ensure_ascii=False)) == []
    logged = capfd.readouterr()
    assert "diagnostic_crashed" in logged.out + logged.err
    assert leaks(logged.out + logged.err) == []


async def _answer(lab: Lab, generation_id: PydanticObjectId) -> Any:
    query = """query ($id: ID!) { diagnostics(generationId: $id) {
      status tests { name status message request response }
      generation { stage failure { message } attempts { message calls { provider } } } } }"""
    context = Context(
        services=lab.parts.services,
        request_id="r",
        base_url="http://regen.test",
        client=Client(None, None),
        show_result=show_result,
        viewer=Viewer(lab.owner_id, PydanticObjectId(), utc_now() + timedelta(hours=1)),
    )
    result = await schema.execute(query, {"id": global_id("Generation", generation_id)}, context_value=context)
    assert result.errors is None
    assert result.data is not None
    assert len(result.data["diagnostics"]["tests"]) == 4
    return result.data
