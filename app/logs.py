"""Structured logs: one line an event, each with the request id where there is one."""

import json
import logging
import sys
from contextlib import suppress
from typing import Any, override

import orjson
import structlog
from structlog.typing import EventDict, Processor


class _Named(structlog.WriteLogger):
    """Writes lines, and knows whose they are; what can't be written, on a full disk or to nobody, is lost."""

    def __init__(self, name: str = "") -> None:
        super().__init__(sys.stderr)
        self.name = name

    @override
    def msg(self, message: str) -> None:
        """Write one."""
        with suppress(OSError, ValueError):
            super().msg(message)

    debug = info = warning = error = critical = msg


def _add_name(logger: _Named, _: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


_STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)
_OURS: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    _add_name,
    structlog.processors.add_log_level,
    _STAMP,
    structlog.processors.StackInfoRenderer(),
)
_LIBRARIES: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    _STAMP,
    structlog.stdlib.ExtraAdder(),
)
_WITHOUT_LOCALS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Local variables hold prompts, keys and pictures: they are never logged."""

_QUOTING = ("openai", "google_genai", "google", "Cloudinary", "PIL")
"""Libraries that log what they are given, at levels below a warning: keys, prompts and pictures."""


def configure_logs(*, as_json: bool, level: str) -> None:
    """Send all logs, the libraries' included, to stderr: JSON for machines, aligned text for people."""
    renderer = _as_json() if as_json else _as_text()
    structlog.configure(
        processors=[*_OURS, *renderer],
        logger_factory=_Named,  # not by the standard library: a line costs a fifth
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_LIBRARIES,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for noisy in ("uvicorn.error", "pymongo", "asyncio", "multipart", "httpx2", "httpcore2", "streaq", *_QUOTING):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL + 1)  # would quote queries; api.errors logs
    logging.getLogger("coredis").setLevel(logging.CRITICAL)  # a traceback a failed handshake; we log outages ourselves


def logger(name: str) -> Any:
    """A structured logger; its untyped methods take an event in snake case and key-value pairs."""
    return structlog.get_logger(name)


def _as_json() -> tuple[Processor, ...]:
    return (
        structlog.processors.ExceptionRenderer(_WITHOUT_LOCALS),
        structlog.processors.JSONRenderer(serializer=_written),
    )


def _as_text() -> tuple[Processor, ...]:
    colours = sys.stderr.isatty()
    return (structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),)


def _written(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # half a character, or an integer beyond 64 bits
        return json.dumps(event, default=repr)
