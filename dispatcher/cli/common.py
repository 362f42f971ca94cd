"""What the commands share."""

from pathlib import Path
from typing import Annotated

import typer

from dispatcher.config import setup
from dispatcher.settings import Settings

Config = Annotated[
    Path | None, typer.Option("--config", help="The configuration [default: dispatcher.yml where there is one].")
]
"""An option that may stand before the command or after it."""


def read_settings(context: typer.Context, config: Path | None) -> Settings:
    """Read the configuration.

    Args:
        context: knows what was said before the command.
        config: what was said after it.

    Raises:
        SettingsError: it is wrong.

    """
    return setup(file_path=config or context.obj)
