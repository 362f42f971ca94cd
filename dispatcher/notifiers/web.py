"""What the notifiers that speak HTTP have in common."""

import re
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from dispatcher.words.errors import SettingsError
from dispatcher.words.sections import Section, Wait

ONE_WORD = re.compile(r"[!-~]+")
"""What can be sent as it is, in an address or a header."""


def _given(token: Any) -> Any:
    """Take an empty token for none: so it comes from a variable that somebody left empty."""
    return None if token == "" else token


def _one_word(token: SecretStr | None) -> SecretStr | None:
    if token is not None and not ONE_WORD.fullmatch(token.get_secret_value()):
        raise ValueError("is no token; it is one word, without spaces and line breaks")
    return token


Token = Annotated[SecretStr | None, BeforeValidator(_given), AfterValidator(_one_word)]
"""What a bot shows that it is one; without it there is none."""


class WebTimeouts(Section):
    """How long each step may take."""

    connect: Wait = Field(timedelta(seconds=10), description="To connect, TLS included.")
    answer: Wait = Field(timedelta(seconds=30), description="For the answer: giving up here leaves it unknown.")


def base_address(text: str) -> str:
    """Check the address that all requests begin with; give it without a slash at its end.

    Raises:
        ValueError: it is no address of the web.

    """
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not text.isprintable() or any(sign.isspace() for sign in text) or parts.query or parts.fragment:
        raise ValueError("is no address of a server; write it like https://api.example.org")
    return text.rstrip("/")


def proxy_for(address: str) -> str | None:
    """Give the proxy that the environment names for an address, with its scheme.

    The library is not asked: aiohttp forgets NO_PROXY, or reads logins from ~/.netrc besides.

    Raises:
        SettingsError: it is of a kind that nobody here speaks to.

    """
    parts = urlsplit(address)
    named = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    if named is None:
        return None
    scheme, separator, _ = named.partition("://")
    if not separator:
        return f"http://{named}"
    if scheme.lower() not in {"http", "https"}:
        raise SettingsError(
            f"the environment names a proxy that begins with {scheme}:// for {parts.hostname}; write one that begins "
            f"with http:// in {parts.scheme}_proxy, or {parts.hostname} in no_proxy"
        )
    return named
