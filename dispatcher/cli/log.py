"""How the log of a command looks: for a person on a terminal, JSON lines otherwise. Always on standard error."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from dispatcher.cli.lines import LineHandler
from dispatcher.cli.redact import redact, tame, visible

QUIET = ("aio_pika", "aiohttp", "aiormq", "asyncio", "httpcore", "httpx", "pamqp", "slack_sdk", "telegram")
"""Libraries whose news we give ourselves, in sentences rather than in tracebacks."""


class _Redacting(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return tame(redact(super().format(record)))


def _visible_event(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep what was put into a sentence from commanding the terminal; of values the renderer itself does that."""
    line["event"] = visible(str(line.get("event", "")))
    return line


def set_up_log(*, pretty: bool | None = None, level: str = "INFO", others: bool = False) -> None:
    """Send the log of the package and of its libraries to standard error.

    Args:
        pretty: for a person; by default when standard error is a terminal.
        level: the least level to show.
        others: other processes write there too.

    """
    if pretty is None:
        pretty = sys.stderr.isatty()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if pretty else "iso", utc=not pretty),
        structlog.processors.UnicodeDecoder(),
    ]
    last: list[Any] = (
        # Not the usual traceback: that one shows all variables, parameters and passwords among them.
        [_visible_event, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if pretty
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = (
        logging.StreamHandler(sys.stderr)
        if pretty
        else LineHandler(sys.stderr, structlog.contextvars.get_contextvars, shared=others)
    )
    handler.setFormatter(
        _Redacting(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
