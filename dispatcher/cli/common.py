"""What the commands share."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dispatcher.config import setup
from dispatcher.settings import Settings

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Door:
    """What was said before the command.

    Attributes:
        config: the configuration, if one was named.

    """

    config: Path | None

    def settings(self) -> Settings:
        """Read the configuration; raise `SettingsError` where it is wrong."""
        return setup(file_path=self.config)


def run_async(main: Coroutine[Any, Any, Result]) -> Result:
    """Run on uvloop where it exists."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
