"""Values that settings may have: each is checked as it is read, so that a wrong one stops the start."""

import re
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from limits import RateLimitItem, parse
from pydantic import AfterValidator

Network = IPv4Network | IPv6Network


def _existing_folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("no such folder")
    return path.absolute()  # not resolve(): it may be a link that is changed to bring new rules


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("no such time zone") from error
    return name


def _existing_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("no such file")
    return path.absolute()  # not resolve(): Kubernetes replaces what it mounts by changing a link


#: A URL of a server or a service: a path, or the `|version` of a canonical, can be put behind it. `outbound.places` is
#: stricter about those that are called.
_BASE_URL: Final = re.compile(r"https?://[^\s|/?#]+(/[^\s|?#]*)?")


def read_base_url(value: str) -> str:
    """Return a base URL without the slash that some write at its end; ValueError for what is none."""
    if not _BASE_URL.fullmatch(value):
        raise ValueError("not a base URL")
    return value.rstrip("/")


def _base_url(value: str) -> str:
    return read_base_url(value) if value else ""


def _base_urls(value: str) -> str:
    for base in read_list(value):
        read_base_url(base)
    return value


def _origins(value: str) -> str:
    for origin in value.split(","):
        found = _BASE_URL.fullmatch(origin.strip())
        if origin.strip() != "*" and (found is None or found[1]):
            raise ValueError("not an origin")
    return value


def read_list(value: str) -> list[str]:
    """Return what is separated by commas."""
    return [one.strip() for one in value.split(",") if one.strip()]


def _database_url(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("not a URL such as sqlite:////var/lib/crd/crd.sqlite3 or postgresql+psycopg://user@host/name")
    if value.startswith("postgresql") and find_spec("psycopg") is None:
        raise ValueError("PostgreSQL needs the package psycopg: pip install 'crd-server[postgresql]'")
    return value


def read_networks(text: str) -> tuple[Network, ...]:
    """Return addresses or networks that are separated by commas; ValueError where one is neither."""
    return tuple(map(ip_network, read_list(text)))


def read_rate(text: str) -> RateLimitItem | None:
    """Return a rate such as `100/second`, None for `none`; ValueError where it is neither."""
    rate = None if text.strip() == "none" else parse(text)
    if rate is not None and rate.amount < 1:
        raise ValueError("less than one call")
    return rate


def _member_source(value: str) -> str:
    return value if value in ("off", "database") else read_base_url(value)


def _networks(value: str) -> str:
    read_networks(value)
    return value


def _rate(value: str) -> str:
    read_rate(value)
    return value


def _rate_store(value: str) -> str:
    if value != "memory" and not value.startswith(("redis://", "rediss://", "valkey://", "valkeys://")):
        raise ValueError("no such store")
    return value


def _site(value: str) -> str:
    return value if value in ("", "off") else str(_existing_folder(Path(value)))


Folder = Annotated[Path, AfterValidator(_existing_folder)]
File = Annotated[Path, AfterValidator(_existing_file)]
AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
SiteFolder = Annotated[str, AfterValidator(_site)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
BaseUrls = Annotated[str, AfterValidator(_base_urls)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
MemberSource = Annotated[str, AfterValidator(_member_source)]
Networks = Annotated[str, AfterValidator(_networks)]
Origins = Annotated[str, AfterValidator(_origins)]
Rate = Annotated[str, AfterValidator(_rate)]
RateStore = Annotated[str, AfterValidator(_rate_store)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
