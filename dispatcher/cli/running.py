"""What the page of a running daemon says, if one runs with these settings."""

import json
from dataclasses import dataclass
from ipaddress import ip_address

import aiohttp

from dispatcher.settings import HealthSettings
from dispatcher.words.health import Health, from_json

PATIENCE = 2.0
"""Seconds for the whole answer."""

_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """What answers at the address of the page.

    Attributes:
        health: what a daemon says; nothing where no daemon does.
        text: who answers instead, in one sentence.
        sound: whether that may be as it is.

    """

    health: Health | None = None
    text: str = ""
    sound: bool = False


async def ask(settings: HealthSettings) -> Found:
    """Ask the daemon that runs with these settings."""
    if settings.port == 0:
        return Found(text="not asked: it has no page, service.health.port is 0", sound=True)
    host = _reachable(settings.host)
    where = f"{host}:{settings.port}"
    try:
        body = await _get(f"http://{where}/health")
        return Found(from_json(json.loads(body)))
    except aiohttp.ClientConnectorDNSError:
        return Found(text=f"there is no machine named {settings.host}; correct service.health.host")
    except aiohttp.ClientConnectorError:
        return Found(text=f"not running (nobody answers at {where})", sound=True)
    except TimeoutError:
        text = f"no answer from {where} within {PATIENCE:g} s: a daemon that hangs, or another program; look at its log"
        return Found(text=text)
    except (aiohttp.ClientError, ValueError, RecursionError):
        text = f"what answers at {where} is no daemon of this version; give service.health.port a port of its own"
        return Found(text=text)


async def _get(address: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address, allow_redirects=False) as answer:
        body = bytearray()
        async for piece in answer.content.iter_any():
            body += piece
            if len(body) > _MOST_BYTES:
                raise ValueError("is longer than any daemon's")
        return bytes(body)


def _reachable(host: str) -> str:
    """Give the address to ask a daemon at that listens on this one, as it is written in front of a port."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:  # it listens on all there are
        return "127.0.0.1" if address.version == 4 else "[::1]"  # noqa: PLR2004 - the versions have these names
    return str(address) if address.version == 4 else f"[{address}]"  # noqa: PLR2004 - likewise
