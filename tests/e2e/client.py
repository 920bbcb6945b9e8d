"""A GraphQL client as a front-end developer's would behave: HTTP, uploads, subscriptions."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
from websockets.asyncio.client import ClientConnection, connect

SIGN_UP = """mutation ($input: SignUpInput!) { signUp(input: $input) {
  session { accessToken accessTokenExpiresAt refreshToken } viewer { user { id email name } }
  errors { code message path } } }"""
UPLOAD = """mutation ($input: UploadOrnamentInput!) { uploadOrnament(input: $input) {
  generation { id status queuePosition } errors { code message path retryable retryAfterSeconds } } }"""
REGENERATE = """mutation ($input: RegenerateImageInput!) { regenerateImage(input: $input) {
  generation { id status } errors { code message path retryable } } }"""
CANCEL = """mutation ($input: CancelGenerationInput!) { cancelGeneration(input: $input) {
  generation { id status cancelRequestedAt endedAt } errors { code message path } } }"""
RETRY = """mutation ($input: RetryGenerationInput!) { retryGeneration(input: $input) {
  generation { id status retryOf { id } } errors { code message path } } }"""
PROGRESS = """subscription ($id: ID!, $after: Int) { generationProgress(id: $id, after: $after) {
  sequence type stage percent message generation { status failure { code message } result { id } } } }"""
PASSWORD = "a quiet sea at night"

SSE = "text/event-stream"
APOLLO = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"

type Json = Any


@dataclass
class Client:
    """One person with their tokens; `tries` is how often a request is sent that is answered with UNAVAILABLE."""

    http: httpx2.AsyncClient
    sockets_url: str
    token: str | None = None
    session: dict[str, str] = field(default_factory=dict[str, str])
    tries: int = 1

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def post(self, query: str, variables: Json = None) -> Json:
        """The whole answer."""
        body: dict[str, Json] = {"query": query, "variables": variables or {}}
        return await self._sent(lambda: self.http.post("/graphql", json=body, headers=self.headers))

    async def run(self, query: str, variables: Json = None) -> Json:
        """The data of an answer without errors."""
        answer = await self.post(query, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def post_file(self, query: str, variables: Json, path: str, file: tuple[str, bytes, str]) -> Json:
        """The whole answer to a multipart request with one file."""
        return await self.post_files(query, variables, {path: file})

    async def post_files(self, query: str, variables: Json, files: Mapping[str, tuple[str, bytes, str]]) -> Json:
        """The whole answer to a multipart request; `files` are by the path of their variable."""
        places = {str(number): [f"variables.{path}"] for number, path in enumerate(files)}
        parts = {"operations": json.dumps({"query": query, "variables": variables}), "map": json.dumps(places)}
        numbered = {str(number): file for number, file in enumerate(files.values())}
        headers = {**self.headers, "GraphQL-Require-Preflight": "true"}
        return await self._sent(lambda: self.http.post("/graphql", data=parts, files=numbered, headers=headers))

    async def _sent(self, send: Callable[[], Awaitable[httpx2.Response]]) -> Json:
        answer: Json = None
        for number in range(self.tries):
            answer = (await send()).json()
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            if codes != {"UNAVAILABLE"}:
                break
            await asyncio.sleep(number / 2)
        return answer

    async def sign_up(self) -> Json:
        """A new account, whose token is sent from now on."""
        email = f"{uuid4().hex}@example.com"
        variables = {"input": {"email": email, "password": PASSWORD, "name": "Ada"}}
        payload = (await self.run(SIGN_UP, variables))["signUp"]
        assert payload["errors"] == []
        self.session = payload["session"]
        self.token = self.session["accessToken"]
        return payload["viewer"]["user"]

    async def upload(self, photo: bytes, name: str = "photo.jpg", **input: Json) -> Json:
        """The payload of `uploadOrnament`."""
        variables = {"input": {"image": {"upload": None}, **input}}
        answer = await self.post_file(UPLOAD, variables, "input.image.upload", (name, photo, "image/jpeg"))
        assert "errors" not in answer, answer
        return answer["data"]["uploadOrnament"]

    async def regenerate(self, image_id: str, prompt: str, **input: Json) -> Json:
        """The payload of `regenerateImage`."""
        variables = {"input": {"imageId": image_id, "prompt": prompt, **input}}
        return (await self.run(REGENERATE, variables))["regenerateImage"]

    async def cancel(self, generation_id: str) -> Json:
        """The payload of `cancelGeneration`."""
        return (await self.run(CANCEL, {"input": {"id": generation_id}}))["cancelGeneration"]

    async def retry(self, generation_id: str, **input: Json) -> Json:
        """The payload of `retryGeneration`."""
        return (await self.run(RETRY, {"input": {"id": generation_id, **input}}))["retryGeneration"]

    @asynccontextmanager
    async def socket(self) -> AsyncGenerator["Socket"]:
        """An acknowledged graphql-transport-ws socket."""
        async with connect(self.sockets_url, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]
            socket = Socket(connection)
            await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {self.token}"}})
            assert (await socket.receive())["type"] == "connection_ack"
            yield socket

    @asynccontextmanager
    async def stream(self, accept: str, query: str, **fields: Json) -> AsyncGenerator[httpx2.Response]:
        """An operation whose answer comes in pieces over HTTP, as soon as it has begun."""
        headers, body = {**self.headers, "accept": accept}, {"query": query, **fields}
        async with self.http.stream("POST", "/graphql", json=body, headers=headers) as response:
            yield response

    async def streamed(self, accept: str, query: str, **fields: Json) -> str:
        """All that such an answer brings, once it has ended."""
        async with self.stream(accept, query, **fields) as response:
            return (await response.aread()).decode()

    async def follow(self, generation_id: str, after: int = 0) -> list[Json]:
        """All events of a generation to its end."""
        async with self.socket() as socket:
            variables = {"id": generation_id, "after": after}
            return [data["generationProgress"] async for data in socket.subscribe(PROGRESS, variables)]

    async def finished(self, payload: Json) -> str:
        """The id of what a mutation's generation made."""
        assert payload["errors"] == [], payload
        last = (await self.follow(payload["generation"]["id"]))[-1]
        assert last["type"] == "SUCCEEDED", last
        result: str = last["generation"]["result"]["id"]
        return result


@dataclass
class Socket:
    """Messages of the protocol, one operation at a time."""

    connection: ClientConnection

    async def send(self, message: Json) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Json:
        return json.loads(await self.connection.recv())

    async def subscribe(self, query: str, variables: Json) -> AsyncIterator[Json]:
        """The data of each event until it is complete."""
        identity = uuid4().hex
        payload = {"query": query, "variables": variables}
        await self.send({"type": "subscribe", "id": identity, "payload": payload})
        while (message := await self.receive())["type"] == "next":
            assert "errors" not in message["payload"], message
            yield message["payload"]["data"]
        assert message["type"] == "complete", message
