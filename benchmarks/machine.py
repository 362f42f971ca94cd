"""The machine, and the versions of what was measured."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("pika", "celery", "dramatiq", "taskiq", "taskiq-aio-pika", "faststream", "aiosmtplib", "aiormq", "uvloop")


def look(rabbitmq: str, command: str) -> dict[str, str]:
    """Describe what is measured on, and what."""
    seen = {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "Linux": platform.release(),
        "Python": platform.python_version(),
        "RabbitMQ": rabbitmq,
        "command": command,
        "day": time.strftime("%Y-%m-%d"),
    }
    for library in LIBRARIES:
        try:
            seen[library] = version(library)
        except PackageNotFoundError:
            continue
    return seen


def sentence(seen: dict[str, str]) -> str:
    """Say it in a sentence."""
    versions = ", ".join(f"{name} {seen[name]}" for name in ("RabbitMQ", "Python", *LIBRARIES) if name in seen)
    return f"{seen['cores']} cores of {seen['processor']}; {versions}. {seen['day']}, `{seen['command']}`."


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
