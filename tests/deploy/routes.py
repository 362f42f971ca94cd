"""What routes.yml and the labels of compose files say, in one form; and what must not stand in either."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

DAEMON = 8070
"""The port of the daemon's page, which nobody may reach through a proxy without a login."""

ROUTERS = "traefik.http.routers."


class Route(NamedTuple):
    """One router, and the port of the page that it leads to."""

    rule: str
    entry_points: tuple[str, ...]
    middlewares: tuple[str, ...]
    port: int | None


def of_file(http: Mapping[str, Any]) -> dict[str, Route]:
    """Give the routes of a file: what is below `http`."""
    return {name: Route(*_router(router), _port(http, router)) for name, router in http["routers"].items()}


def _router(router: Mapping[str, Any]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return router["rule"], tuple(router["entryPoints"]), tuple(router.get("middlewares", ()))


def _port(http: Mapping[str, Any], router: Mapping[str, Any]) -> int | None:
    service = http.get("services", {}).get(router["service"])
    return urlsplit(service["loadBalancer"]["servers"][0]["url"]).port if service else None


def of_compose(path: Path) -> dict[str, Route]:
    """Give the routes that the labels of a compose file make."""
    services = yaml.safe_load(path.read_text())["services"].values()
    return {name: route for service in services for name, route in _of_labels(service.get("labels", {}))}


def _of_labels(labels: Mapping[str, str]) -> Iterator[tuple[str, Route]]:
    """Read the labels of one container, by the rules of Traefik's Docker provider.

    Letters are capital or not as one likes, lists have commas, and a container's one service is its router's.
    """
    told = {key.lower(): value for key, value in labels.items() if key.startswith("traefik.")}
    if told.pop("traefik.enable", "false") != "true":
        return
    (port,) = [told.pop(key) for key in list(told) if key.endswith(".loadbalancer.server.port")]
    for name in sorted({key.split(".")[3] for key in told if key.startswith(ROUTERS)}):
        of_it = [key for key in told if key.startswith(f"{ROUTERS}{name}.")]
        options = {key.rpartition(".")[2]: told.pop(key) for key in of_it}
        entry_points, middlewares = (tuple(options.pop(key).split(",")) for key in ("entrypoints", "middlewares"))
        # What compose and the box share is mounted as a file, whose names have this behind them elsewhere.
        shared = tuple(middleware.removesuffix("@file") for middleware in middlewares)
        yield name, Route(options.pop("rule"), entry_points, shared, int(port))
        assert options == {}, f"the labels of {name} say what no route of ours says: {options}"
    assert told == {}, f"labels that make no route: {told}"


def open_doors(routes: Mapping[str, Route], middlewares: Mapping[str, Any]) -> list[str]:
    """Name each route that leads to the daemon's page without asking for a login."""
    asks = {name for name, middleware in middlewares.items() if "basicAuth" in middleware}
    return [
        f"The route {name} leads to the daemon's page without a login: add one of {', '.join(sorted(asks)) or 'none'}."
        for name, route in routes.items()
        if route.port == DAEMON and not asks & set(route.middlewares)
    ]


def secrets_and_doors(static: Mapping[str, Any], dynamic: Mapping[str, Any]) -> list[str]:
    """Name what a file that lies in a repository must not have: passwords, and Traefik's own pages."""
    http = dynamic["http"]
    found = [
        f"The middleware {name} has its users in the file: name a usersFile instead."
        for name, middleware in http.get("middlewares", {}).items()
        if "users" in middleware.get("basicAuth", {})
    ]
    found += [
        f"The route {name} leads to {router['service']}, which is Traefik's own page."
        for name, router in http.get("routers", {}).items()
        if router["service"].endswith("@internal") and router["service"] != "noop@internal"
    ]
    return found + (["`api` switches Traefik's dashboard on: leave it out."] if "api" in static else [])
