"""Structured logs: one line an event, each with the request id where there is one."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import Processor

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)
_WITHOUT_LOCALS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Local variables hold prompts, keys and pictures: they are never logged."""

_QUOTING = ("openai", "google_genai", "google", "Cloudinary", "PIL")
"""Libraries that log what they are given, at levels below a warning: keys, prompts and pictures."""


def configure_logs(*, as_json: bool, level: str) -> None:
    """Send all logs, the libraries' included, to stderr: JSON for machines, aligned text for people."""
    renderer: tuple[Processor, ...] = (
        (structlog.processors.ExceptionRenderer(_WITHOUT_LOCALS), structlog.processors.JSONRenderer())
        if as_json
        else (
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        )
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
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
    return structlog.stdlib.get_logger(name)
