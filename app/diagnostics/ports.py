"""What the diagnostics need from outside."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.diagnostics.bench import Bench
from app.generations.model import Generation

type Test = Callable[[Bench], Awaitable[str]]
"""Makes one test and says what came of it, in a sentence.

Raises AppError when it failed.
"""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a server runs on, as JSON without secrets; `problems` are sentences, one for each thing that is wrong."""

    facts: Mapping[str, Any]
    problems: tuple[str, ...] = ()


type Examine = Callable[[], Awaitable[Configuration]]
"""Looks at what this process runs on, at no cost."""


class WholeFlow(Protocol):
    """The whole way of a person through a project, with the use cases that the API calls and nothing else."""

    async def run(self, bench: Bench) -> str:
        """Go it once, for `bench.owner_id`, and say in a sentence what came of it.

        In order: create a project with a context text; create a context and a frame in it; in the frame's chat send
        a message with `with_context`, one image and a reference, which is `bench.takes_sample()`; have its generation
        made; read the chat back and compare it with what was sent; delete the project for ever and see that it is
        gone. What was sent is noted in `bench.request`, what came back in `bench.response`, by the name of each stage,
        and each image with `bench.outputs`, so that its picture outlives the project.

        It runs inside a generation of the same owner, which holds a worker's slot and a place among those few of the
        owner that run at once: the message's generation must not depend on another slot being free.

        Raises:
            AppError: a stage failed; the message begins with the stage's name.
        """
        ...

    async def clear(self, generation: Generation) -> None:
        """Delete for ever what that run's way has left behind, whatever cut it off: a failure, a cancel, a crash.

        It is called at each end of a run, until it has succeeded; nothing stays but the pictures in `bench.outputs`,
        and the message's generation with its ledger. Safe to repeat and to race.

        Raises:
            AppError: something can't be deleted now.
        """
        ...
