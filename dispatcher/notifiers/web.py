"""What the notifiers that speak HTTP have in common."""

from urllib.parse import urlsplit


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
