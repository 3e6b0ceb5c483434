# SPDX-License-Identifier: Apache-2.0
"""Logs: one JSON object a line on stderr, from our own loggers and from every library's.

Built on the standard ``logging`` alone: importing structlog costs 250 ms a process (it pulls in
rich), which is a quarter of the second in which a node has to serve again after a restart.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from typing import Any, TextIO

import orjson

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "crit": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "emerg": logging.CRITICAL,
}
"""Kong's names of log levels; ``notice`` and ``info`` are the same here."""

_NAMES = {"WARNING": "warn", "CRITICAL": "crit"}


class Logger:
    """A named logger: ``log.info("release applied", hash=…)``; keywords become fields."""

    __slots__ = ("_fields", "_logger")

    def __init__(self, logger: logging.Logger, fields: dict[str, Any] | None = None) -> None:
        self._logger = logger
        self._fields = fields or {}

    def bind(self, **fields: Any) -> Logger:
        """Return a logger that adds these fields to each of its lines."""
        return Logger(self._logger, {**self._fields, **fields})

    def debug(self, event: str, **fields: Any) -> None:
        """Log what only helps while looking for a mistake."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Log what a normal day brings."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Log what works, but not as it should."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Log what failed; ``exc_info=error`` adds that exception's traceback."""
        self._log(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """Log a failure with the traceback of the exception at hand."""
        self._log(logging.ERROR, event, {"exc_info": True, **fields})

    def _log(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            trace = fields.pop("exc_info", None)
            extra = {"fields": {**self._fields, **fields}}
            self._logger.log(level, "%s", event, extra=extra, exc_info=trace)


def get_logger(name: str) -> Logger:
    """Return the logger of this name; names are dotted, ours begin with ``gateway.``."""
    return Logger(logging.getLogger(name))


class JsonFormatter(logging.Formatter):
    """One JSON object: time, level, logger, event, the fields given, those of the process."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__()
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": _NAMES.get(record.levelname, record.levelname.lower()),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
            **self._fields,
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return orjson.dumps(line, default=_text, option=orjson.OPT_NON_STR_KEYS).decode(
            errors="replace"
        )


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def configure_logs(level: str, stream: TextIO | None = None, **fields: Any) -> None:
    """Send all logs of ``level`` (a Kong name) and above to ``stream``, stderr by default.

    ``fields`` go into every line of this process: which role, which worker. May be called again.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(fields))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(LEVELS[level])
    # Chatty below warning, and of no use to operators.
    for name in ("asyncio", "aiohttp", "sqlalchemy"):
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
