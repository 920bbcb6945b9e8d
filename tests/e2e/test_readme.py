"""The README's words hold: its tour runs as it stands there, its settings are the settings."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.client import Client
from tests.e2e.server import ROOT, Server

_README = (ROOT / "README.md").read_text(encoding="utf-8")
_STEP = re.compile(r"```graphql\n(.*?)```\n+```json\n(.*?)```", re.DOTALL)
_CURL = re.compile(r"```sh\n(curl.*?)```", re.DOTALL)
_PHOTO = ROOT / "tests" / "photos" / "car-1.jpg"


async def _answer(client: Client, query: str, variables: Any) -> Any:
    if query.startswith("subscription"):
        async with client.socket() as socket:
            event: Any = None
            async for event in socket.subscribe(query, variables):
                if _is_ready(event):
                    break  # it goes on until one stops
            return event
    if "upload" in json.dumps(variables):
        file = ("car.jpg", _PHOTO.read_bytes(), "image/jpeg")
        answer = await client.post_file(query, variables, "input.image.upload", file)
        assert "errors" not in answer, answer
        return answer["data"]
    return await client.run(query, variables)


def _is_ready(event: Any) -> bool:
    told: dict[str, Any] = event.get("dreamUpdates", {}).get("dream") or event.get("chatEvents", {})
    answer: dict[str, Any] = told.get("assistantMessage") or told
    return answer.get("status") == "READY"


def _remember(known: dict[str, str], data: Any) -> None:
    """What a person would copy from the answers: the latest ids."""
    payload: dict[str, Any] = next(iter(data.values()))
    assert payload.get("errors", []) == []
    generation: dict[str, Any] = payload.get("generation") or {}
    if "id" in generation:
        known["<generation id>"] = generation["id"]
    if generation.get("result"):
        known["<image id>"] = generation["result"]["id"]
    for name, shown in (("dream", "dream"), ("project", "project"), ("message", "assistantMessage")):
        document: dict[str, Any] = payload.get(shown) or {}
        if "id" in document:
            known[f"<{name} id>"] = document["id"]
    if "frame" in payload:
        known["<chat id>"] = payload["frame"]["chat"]["id"]


async def test_tour_runs_as_it_stands_there(stranger: Client) -> None:
    steps = _STEP.findall(_README)
    names = [query.split()[1].split("(")[0] for query, _ in steps]
    tour = ["SignUp", "UploadOrnament", "GenerationProgress", "RegenerateImage", "MyImages"]
    dreams, film = ["RecordDream", "DreamUpdates"], ["CreateProject", "CreateFrame", "SendMessage", "ChatEvents"]
    assert names == [*tour, *dreams, *film, "RegenerateMessage"]
    by_name = dict(zip(names, steps, strict=True))
    known: dict[str, str] = {}
    data: Any = None
    for name in (*tour[:4], "GenerationProgress", *dreams, *film, "RegenerateMessage", "MyImages"):
        query, variables = by_name[name]
        for placeholder, value in known.items():
            variables = variables.replace(placeholder, value)
        data = await _answer(stranger, query, json.loads(variables))
        if name == "SignUp":
            stranger.token = data["signUp"]["session"]["accessToken"]
        _remember(known, data)
    child, root = data["viewer"]["ornamentImages"]["nodes"]
    assert child["parent"] == {"id": root["id"]}
    assert child["combinedPrompt"] == (
        "Remove the background and replace it with white. Make it shine. Add gold accents"
    )


def test_upload_from_a_script_runs_as_it_stands_there(server: Server, ada_token: str) -> None:
    whole, plain = (_said(command, server, ada_token) for command in _CURL.findall(_README))
    payload = whole["data"]["uploadOrnament"]
    assert payload["generation"]["id"]
    assert payload["errors"] == []
    assert plain["id"]


def _said(command: str, server: Server, token: str) -> Any:
    shell = command.replace("http://127.0.0.1:8000", server.url)
    done = subprocess.run(  # noqa: S602 - the README's own command is what is tested
        shell, shell=True, cwd=ROOT, env={**os.environ, "TOKEN": token}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_settings_table_is_what_the_code_says() -> None:
    command = [sys.executable, str(Path("scripts") / "settings-table"), "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0, "run scripts/settings-table"  # noqa: S603
