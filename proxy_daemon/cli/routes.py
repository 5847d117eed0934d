"""Where each API's clients are sent: the upstreams that the daemon gets, and the environment that the command gets.

An address that the environment names already becomes the upstream, so that the command's questions end where they
ended without us. Called by `run.py`; the pytest plugin uses it too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from proxy_daemon.cli.providers import PROVIDERS, STAY_HOME, Provider, Variable
from proxy_daemon.core.upstreams import NAME, Upstream, parse_upstream

TO = "/_llmproxy/to/"
OWN = "LLMPROXY_URL"  # the daemon's address, for programs that set a base URL by themselves
PLACEHOLDER = "llmproxy-placeholder"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_SPOKEN = ("http", "https")
_REGION = re.compile(r"[a-z0-9-]{1,40}")


class WrongAddress(ValueError):
    """The environment names a base URL that cannot be used; one line, without a password."""


@frozen
class Route:
    """The way of one API's clients. ``upstream``: NAME=URL for the daemon, empty where it has that already.

    ``paths``: of each variable, what stands behind the daemon's address.
    """

    provider: Provider
    upstream: str
    paths: Mapping[str, str]


def routes(environ: Mapping[str, str], given: Sequence[str]) -> tuple[Route, ...]:
    """Of all APIs whose place is known. ``given``: `--upstream` as it was given, `NAME=URL` or `URL` for everything.

    Raises `WrongAddress`.
    """
    names = {upstream.partition("=")[0] if _is_named(upstream) else "" for upstream in given}
    found = (_route(provider, environ, names) for provider in PROVIDERS)
    return tuple(route for route in found if route is not None)


def _is_named(upstream: str) -> bool:
    name, separator, _ = upstream.partition("=")
    return bool(separator and NAME.match(name))


def _route(provider: Provider, environ: Mapping[str, str], names: set[str]) -> Route | None:
    said = [each for each in provider.variables if environ.get(each.name, "").strip()]
    if provider.name in names:
        return _at(provider, "", TO + provider.name)
    if not provider.home and not said:  # a variable of Azure's would make of an OpenAI client one of Azure
        return None
    if "" in names:
        return _at(provider, "", "")
    if said:
        return _elsewhere(provider, {each: _place(provider, each, environ[each.name]) for each in said})
    home = provider.home.format(region=_region(environ)) if "{" in provider.home else provider.home
    return _at(provider, f"{provider.name}={home}", TO + provider.name)


def _at(provider: Provider, upstream: str, base: str) -> Route:
    return Route(provider, upstream, {each.name: base + each.path for each in provider.variables})


def _region(environ: Mapping[str, str]) -> str:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        region = environ.get(name, "").strip()
        if region and not _REGION.fullmatch(region):
            raise WrongAddress(f"${name}: {region!r} is no region of AWS, such as us-east-1")
        if region:
            return region
    return "us-east-1"


def _elsewhere(provider: Provider, said: Mapping[Variable, Upstream]) -> Route:
    """The path of an address stays with its client, so that it asks as it did; the upstream has none."""
    first, place = next(iter(said.items()))
    for variable, other in said.items():
        if (other.scheme, other.host, other.port) != (place.scheme, place.host, place.port):
            raise WrongAddress(
                f"${first.name} and ${variable.name} name different hosts: unset one of them,"
                f" or say where to ask: --upstream {provider.name}=URL"
            )
    prefix = place.base_path.removesuffix(first.path)
    paths = {each.name: said[each].base_path if each in said else prefix + each.path for each in provider.variables}
    origin = f"{provider.name}={place.scheme}://{place.host_and_port}"
    return Route(provider, origin, {name: TO + provider.name + path for name, path in paths.items()})


def _place(provider: Provider, variable: Variable, value: str) -> Upstream:
    value = value.strip()
    if provider.name == "ollama" and "://" not in value:
        return _ollama(variable, value)
    return _checked(f"{provider.name}={value}", f"${variable.name}")


def _ollama(variable: Variable, value: str) -> Upstream:
    """Host, port and scheme may be left out (`ollama/_client.py`); a server's 0.0.0.0 is this machine for a client."""
    host = value if value[:1] not in (":", "/", "") else f"127.0.0.1{value}"
    place = _checked(f"ollama=http://{host}", f"${variable.name}")
    has_port = host.partition("/")[0].rpartition("]")[2].rpartition(":")[1]
    place = place if has_port else evolve(place, port=11434)
    return evolve(place, host="127.0.0.1") if place.host in ("0.0.0.0", "::") else place  # noqa: S104  (nobody listens)


def _checked(upstream: str, where: str) -> Upstream:
    try:
        place = parse_upstream(upstream)
    except ValueError as error:
        raise WrongAddress(f"{where}: {error}") from None
    if place.scheme not in _SPOKEN:
        raise WrongAddress(f"{where}: an http or https URL is needed")
    return place


# --- the command's environment ---------------------------------------------------------------------------------------


def environment(environ: Mapping[str, str], found: Sequence[Route], url: str) -> dict[str, str]:
    """All of ``environ``, with the clients sent to the daemon at ``url`` and no proxy on the way to it.

    What they download besides is left out, unless ``environ`` says something about it.
    """
    made = STAY_HOME | dict(environ) | {OWN: url}
    for route in found:
        made |= {name: url + path for name, path in route.paths.items()}
    exempt = _exempt(environ.get("NO_PROXY") or environ.get("no_proxy") or "")
    return made | {"NO_PROXY": exempt, "no_proxy": exempt}


def with_placeholders(environ: Mapping[str, str], found: Sequence[Route]) -> dict[str, str]:
    """With a key for each client that has none: it would not even begin, and nobody looks at it in mode none."""
    groups = [group for route in found for group in route.provider.keys]
    return dict(environ) | {
        group[0]: PLACEHOLDER for group in groups if not any(environ.get(name, "").strip() for name in group)
    }


def trapped(environ: Mapping[str, str], url: str) -> dict[str, str]:
    """With every other address behind a proxy that refuses it: the daemon. What `NO_PROXY` named is no exception."""
    exempt = ",".join(LOOPBACK)
    proxies = {name: url for each in PROXIES for name in (each, each.lower())}
    # Node's own fetch heeds proxies only where this is set (https://nodejs.org/api/cli.html)
    return dict(environ) | proxies | {"NO_PROXY": exempt, "no_proxy": exempt, "NODE_USE_ENV_PROXY": "1"}


def _exempt(value: str) -> str:
    """`*` exempts all, but only where nothing else stands beside it."""
    listed = [each.strip() for each in value.split(",") if each.strip()]
    if "*" in listed:
        return "*"
    return ",".join([*listed, *(each for each in LOOPBACK if each not in listed)])
