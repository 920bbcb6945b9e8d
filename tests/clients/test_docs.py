"""docs/api.md holds: its programs print what stands below them, its calls run, and its table names no others."""

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from graphql import FieldNode, GraphQLEnumType, OperationDefinitionNode, parse

from app.settings import Settings
from app.simulator.thread import simulated_providers
from tests.api.operations import SCHEMA
from tests.clients.conftest import HERE, PHOTO
from tests.databases import database_setting
from tests.e2e.client import Client
from tests.e2e.commands import regen
from tests.e2e.server import ROOT, Server, running

_PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
_BLOCKS: Sequence[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", _PAGE, re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_PLACEHOLDER = re.compile(r"<[a-z ]+ id>")
_REPLACED = (
    "POST /dreams/{id}/regenerate",
    "the list of dreams",
    "a dream in detail",
    "POST /imgbackendapp/",
    "POST /imgbackendapp/change_background/",
    "POST /imgbackendapp/generate-model/",
    "POST /imgbackendapp/generate-real-model/",
    "POST /imgbackendapp/generate-campaign-shot/",
    "POST /imgbackendapp/regenerate/",
    "GET /imgbackendapp/user-images/",
    "generate, of the main chat",
    "generate, of a frame",
    "generate, of a context",
    "GET /openai-test",
    "GET /api-generate-test",
)
_GIVES = {
    "UploadOrnament": {"<image id>": "result.id"},
    "RecordDream": {"<dream id>": "dream.id"},
    "CreateProject": {"<project id>": "project.id", "<main chat id>": "project.mainChat.id"},
    "CreateFrame": {"<frame chat id>": "frame.chat.id"},
    "CreateContext": {"<context chat id>": "context.chat.id"},
    "RunDiagnostics": {"<diagnostics id>": "generation.id"},
}
"""Where in a mutation's answer the ids are that calls below it take."""
_ENOUGH_S = 60


def _followed_by(language: str, after: str) -> Iterator[tuple[str, list[str]]]:
    """Each block of a language, and those of another that stand right below it."""
    for number, (one, text) in enumerate(_BLOCKS):
        if one == language:
            below = list[str]()
            for other, more in _BLOCKS[number + 1 :]:
                if other != after:
                    break
                below.append(more)
            yield text, below


_CALLS = [*_followed_by("graphql", "json")]
_PROGRAMS = [(language, *one) for language in ("js", "python") for one in _followed_by(language, "text")]


@dataclass(frozen=True, slots=True)
class Site:
    """A server whose providers are simulated, over that folder and with those settings."""

    server: Server
    folder: Path
    settings: dict[str, str]
    http: httpx2.AsyncClient
    token: str
    """Of somebody for whom the programs work."""

    def nobody(self) -> Client:
        """One for somebody else."""
        return Client(self.http, self.server.sockets_url)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A program with the variables that the page names."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        named = {"URL": self.server.url, "TOKEN": self.token, "PHOTO": str(PHOTO)}
        return subprocess.run(  # noqa: S603 - the page's own programs are what is tested
            command, cwd=HERE, env=kept | named, capture_output=True, text=True, check=False, timeout=_ENOUGH_S
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("data")
    with simulated_providers() as simulator:
        keys = {name: value for name, value in simulator.settings.items() if not name.startswith("CLOUDINARY")}
        settings = {**database_setting(), **keys}
        with running(folder, settings) as server:
            async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
                client = Client(http, server.sockets_url)
                await client.sign_up()
                assert client.token
                yield Site(server, folder, settings, http, client.token)


def test_no_block_of_the_page_is_without_a_test() -> None:
    below_programs = sum(len(printed) for _, _, printed in _PROGRAMS)
    variables = sum(len(given) for _, given in _CALLS)
    scripts = [text for language, text in _BLOCKS if language == "sh"]
    assert len(_PROGRAMS) + below_programs + len(_CALLS) + variables + len(scripts) == len(_BLOCKS)
    assert all(len(printed) == 1 for _, _, printed in _PROGRAMS), "each says what it prints"
    assert all(given for _, given in _CALLS), "each has its variables"


@pytest.mark.parametrize(("language", "code", "printed"), _PROGRAMS)
def test_program_prints_what_the_page_says(site: Site, node: str, language: str, code: str, printed: list[str]) -> None:
    command = (node, "--input-type=module", "-e", code) if language == "js" else (sys.executable, "-c", code)
    done = site.run(*command)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout == printed[0]


@pytest.mark.parametrize("script", [text for language, text in _BLOCKS if language == "sh"])
def test_script_brings_the_id_of_a_picture(site: Site, script: str) -> None:
    done = site.run("sh", "-c", script)
    assert done.returncode == 0, done.stderr + done.stdout
    answer = json.loads(done.stdout)
    picture = answer["data"]["uploadPicture"]["picture"] if "data" in answer else answer
    assert picture["id"]


@pytest.mark.asyncio(loop_scope="session")
async def test_calls_run_as_they_stand_there_and_their_work_ends_well(site: Site) -> None:
    client = site.nobody()
    email = (await client.sign_up())["email"]
    assert regen(site.folder, "admin", "grant", email, **site.settings).returncode == 0
    picture = await client.http.post("/uploads", files={"file": PHOTO.read_bytes()}, headers=client.headers)
    known, answers = {"<picture id>": picture.json()["id"]}, dict[str, Any]()
    for query, text in [(query, text) for query, texts in _CALLS for text in texts]:
        name, data = _name(query), await client.run(query, json.loads(_filled(text, known)))
        answers[name] = next(iter(data.values()))
        if query.startswith("mutation"):
            known |= await _given(client, name, answers[name])
    assert answers["UserImages"]["ornamentImagesPage"]["pagination"] == {"page": 1, "limit": 20, "total": 2, "pages": 1}
    assert answers["UserImages"]["ornamentImagesPage"]["images"][0]["combinedPrompt"].endswith("Add gold accents")
    assert answers["Gallery"]["ornamentImages"]["nodes"][0]["parent"] == {"id": known["<image id>"]}
    assert known["<dream id>"] in {one["id"] for one in answers["Dreams"]["dreams"]["nodes"]}
    assert answers["Dream"]["interpretation"]["narrative"]
    question, answer = answers["Chat"]["messages"]["nodes"]
    assert question["text"] == "A lighthouse at dusk"
    assert [one["image"]["picture"]["url"] != "" for one in answer["images"]] == [True, True]
    assert answer["analysis"]
    assert {one["status"] for one in answers["Diagnostics"]["tests"]} <= {"PASSED", "SKIPPED"}


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: known[found[0]], text)


def _name(query: str) -> str:
    operation = parse(query).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name
    return operation.name.value


async def _given(client: Client, name: str, payload: Any) -> dict[str, str]:
    """The ids that a mutation's answer gives to those after it, once its work has ended."""
    assert payload["errors"] == []
    generation, given = payload.get("generation") or payload.get("dream", {}).get("generation"), dict[str, str]()
    if generation:
        last = (await client.follow(generation["id"]))[-1]
        assert last["type"] == "SUCCEEDED", last
        payload = {**payload, "result": last["generation"]["result"]}
    for placeholder, path in _GIVES.get(name, {}).items():
        found = payload
        for field in path.split("."):
            found = found[field]
        given[placeholder] = found
    return given


def _rows() -> list[list[str]]:
    """The cells of the table from REST."""
    table = _PAGE.partition("\n| endpoint |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.split("\n")[2:]]


def _called() -> set[str]:
    """The fields that the calls ask for, of a root and of the viewer."""
    fields = set[str]()
    for query, _ in _CALLS:
        operation = parse(query).definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        roots = [one for one in operation.selection_set.selections if isinstance(one, FieldNode)]
        below = [one for root in roots if root.name.value == "viewer" for one in _selected(root)]
        fields |= {one.name.value for one in (*roots, *below)}
    return fields


def _selected(field: FieldNode) -> list[FieldNode]:
    selections = field.selection_set.selections if field.selection_set else ()
    return [one for one in selections if isinstance(one, FieldNode)]


def _names_of_the_schema() -> set[str]:
    names = {"errors", "viewer"}
    for kind in SCHEMA.type_map.values():
        names.add(kind.name)
        if isinstance(kind, GraphQLEnumType):
            names |= {*kind.values}
        for name, one in dict[str, Any](getattr(kind, "fields", {})).items():
            names |= {name, *getattr(one, "args", {})}
    return names


def test_every_endpoint_that_is_replaced_has_an_operation_that_was_called() -> None:
    rows = _rows()
    assert [endpoint.strip("`") for endpoint, *_ in rows] == [*_REPLACED]
    called, headings = _called(), {line.lower() for line in re.findall(r"^### (.*)$", _PAGE, re.MULTILINE)}
    for _, _, here, _ in rows:
        named = re.match(r"\[`(?:viewer \{ )?(\w+)(?: \})?`\]\(#(\w+)\)", here)
        assert named, here
        assert named[1] in called
        assert named[2] in headings


def test_table_names_nothing_that_the_schema_does_not_have() -> None:
    codes = [code for _, _, *ours in _rows() for cell in ours for code in _CODE.findall(cell)]
    written = {word for code in codes for word in re.findall(r"\w+", code)}
    assert sorted(written - _names_of_the_schema()) == []


def test_limits_say_the_defaults_of_the_settings() -> None:
    table = _PAGE.partition("\n## Limits\n")[2].partition("\n## ")[0]
    said = {name: int(number.replace(",", "")) for name, number in re.findall(r"`([A-Z_]+)`, (\d[\d,]*)\b", table)}
    defaults = {name.upper(): one.default for name, one in Settings.model_fields.items()}
    known = said.keys() & defaults.keys()
    assert {"ARCHIVE_MAX_MB", "USER_RUNNING_LIMIT", "USER_QUEUED_LIMIT"} <= known
    assert {name: said[name] for name in known} == {name: defaults[name] for name in known}
