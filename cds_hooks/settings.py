"""Settings, read from the environment once at start: each with its unit, its default and what is allowed."""

import os
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime
from difflib import get_close_matches
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from limits import RateLimitItem, parse
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cds_hooks.errors import StartError

_PACKAGED: Final = Path(__file__).resolve().parent.parent / "cards"

PREFIX: Final = "CRD_"

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


def _fhir_servers(value: str) -> str:
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


def _members(value: str) -> str:
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


#: Gives the time in a zone.
Clock = Callable[[ZoneInfo], datetime]


class Settings(BaseSettings):
    """Every setting, as the environment variable `CRD_` plus its name in upper case."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on, 1 to 65535")
    workers: int = Field(1, ge=1, le=256, description="worker processes, 1 to 256")
    threads: int = Field(
        64, ge=1, le=256, description="threads of each worker that answer calls, or wait on FHIR servers, 1 to 256"
    )
    connections: int = Field(
        256, ge=16, le=8192, description="connections that each worker holds at a time; more wait, 16 to 8192"
    )
    header_timeout: float = Field(
        30.0, ge=1, le=60, description="seconds within which the headers of a (next) request must come, 1 to 60"
    )
    body_timeout: float = Field(
        10.0, ge=1, le=120, description="seconds for the body of a request, 1 to 120; see docs/deployment.md"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe log records to write: debug, info, warning or error"
    )
    policies: Folder = Field(_PACKAGED / "policies", description="folder of the policy files")
    payers: Folder = Field(_PACKAGED / "payers", description="folder of the payer files")
    vocabulary: Folder = Field(_PACKAGED / "vocabulary", description="folder of the vocabulary files")
    reload: float = Field(
        1.0,
        ge=0,
        le=3600,
        description="seconds between looks at these folders, whose changes are taken up; 0 reads them at start alone",
    )
    default_version: Literal["2.0", "2.1", "2.2"] = Field(
        "2.0", description="CRD version spoken with clients that request none: 2.0, 2.1 or 2.2"
    )
    fhir_check: Literal["lenient", "strict"] = Field(
        "lenient",
        description="orders that are not valid FHIR R4: lenient reads what can be read, strict answers 422",
    )
    unknown_payer: Literal["tell", "default-policy", "refuse"] = Field(
        "tell",
        description="".join(
            (
                "a payer not in the directory, with clients that speak CRD 2.0: tell says so on the order,",
                " default-policy adds a card of what would hold under the default payer (for demos), refuse",
                " answers 400; CRD 2.1 and 2.2 always refuse",
            )
        ),
    )
    annotate_supporting_hooks: bool = Field(
        default=False,
        description="1 writes coverage information onto orders on supporting hooks (order-select, encounter-*) too",
    )
    unmatched_orders: Literal["annotate", "silent"] = Field(
        "annotate",
        description="orders on primary hooks that no policy speaks of: annotate says so on them, silent says nothing",
    )
    trace: Literal["off", "response"] = Field(
        "off",
        description="the steps of each decision: off keeps them inside, response adds them as an extension",
    )
    fhir_time_budget: float = Field(
        3.0,
        ge=0.1,
        le=5.0,
        description="seconds that all reads from a client's FHIR server may take in one call, 0.1 to 5",
    )
    fhir_servers: Annotated[str, AfterValidator(_fhir_servers)] = Field(
        "", description="base URLs of the FHIR servers that may be read from, separated by commas; empty for any"
    )
    allow_private_fhir_servers: bool = Field(
        default=False,
        description="1 allows FHIR servers at private and loopback addresses, and http there; else refused",
    )
    anonymous_fhir: Literal["refuse", "allow"] = Field(
        "refuse",
        description="calls that name a FHIR server but bring no token: allow reads without one, refuse does not",
    )
    max_fhir_bytes: int = Field(
        4 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="largest answer of a client's FHIR server in bytes, 1 KiB to 256 MiB",
    )
    max_body_bytes: int = Field(
        2 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="largest request body in bytes, 1 KiB to 256 MiB",
    )
    max_nesting: int = Field(64, ge=16, le=100, description="deepest nesting of a request's JSON, 16 to 100 levels")
    max_orders: int = Field(
        500, ge=1, le=10_000, description="most orders, or appointments, of one call, 1 to 10000; more get 413"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="port to serve metrics (Prometheus) on, 1 to 65535; 0 serves none"
    )
    metrics_host: str = Field("127.0.0.1", min_length=1, description="address to serve metrics on")
    otel: Literal["off", "otlp"] = Field(
        "off", description="traces (OpenTelemetry): off, or otlp, sent as the variables OTEL_* say"
    )
    auth: str = Field(
        "none",
        description="".join(
            (
                "how clients prove who they are, tried in order: cds-hooks-jwt, oauth2, none; none alone asks for",
                " no proof",
            )
        ),
    )
    clients: File | None = Field(None, description="file of the registered clients (JSON); see docs/clients.md")
    public_base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "", description="URL under which clients call this service; what tokens are made for (aud)"
    )
    discovery: Literal["open", "closed"] = Field(
        "open", description="who may ask what services there are: open to anybody, closed to registered clients"
    )
    allow_unauthenticated: bool = Field(
        default=False, description="1 lets anybody call at an address that is not loopback: a gateway must authenticate"
    )
    allow_private_jwks: bool = Field(
        default=False, description="1 allows keys of clients at private and loopback addresses; else refused"
    )
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite:///crd.sqlite3",
        description="database of calls, feedback and used tokens, as a URL: SQLite (a file) or PostgreSQL",
    )
    migrations: Literal["start", "command"] = Field(
        "start",
        description="".join(
            (
                "who makes and changes the tables there: start, each service where it is due; command, `crd store",
                " migrate` alone, and the service does not start before",
            )
        ),
    )
    audit: Literal["durable", "written", "queued", "off"] = Field(
        "durable",
        description="".join(
            (
                "when an answer leaves: durable, once its record is on disk; written, once it is written (a machine",
                " that goes down may lose the last moment); queued, at once (a killed process loses what waits); off",
                " keeps nothing",
            )
        ),
    )
    audit_keys: File | None = Field(
        None,
        description="file of keys to encrypt what is kept of calls, the current one first (`crd audit new-key`)",
    )
    audit_days: int = Field(
        0, ge=0, le=36525, description="days after which calls and feedback are deleted; 0 keeps them for good"
    )
    members: Annotated[str, AfterValidator(_members)] = Field(
        "off",
        description="".join(
            (
                "whom the payers insure: off takes the Coverage's word for it; database asks what `crd members load`",
                " has put into CRD_DATABASE_URL; the base URL of a service asks that; see docs/members.md",
            )
        ),
    )
    members_time_budget: float = Field(
        1.0, ge=0.05, le=2.0, description="seconds that all questions about members may take in one call, 0.05 to 2"
    )
    members_token: File | None = Field(
        None, description="file of the bearer token for the service that CRD_MEMBERS names; none sends no token"
    )
    allow_private_members: bool = Field(
        default=False,
        description="1 allows that service at private and loopback addresses, and http there; else refused",
    )
    facts: Literal["on", "off"] = Field(
        "on",
        description="counts of calls, answers, cards and tokens by day, which Insights shows: on, or off for none",
    )
    facts_days: int = Field(
        0, ge=0, le=36525, description="days after which facts are deleted; 0 keeps them for good: they name no patient"
    )
    heed_overrides: int = Field(
        0,
        ge=0,
        le=365,
        description="".join(
            (
                "days for which a card that was overridden with a reason is not shown again on order-select, for the",
                " same patient, order content and policy version; 0 shows it again",
            )
        ),
    )
    console: Literal["local", "login", "off"] = Field(
        "local",
        description="".join(
            (
                "the pages for people, at / of `crd serve`: local shows them to this machine alone, where the service",
                " listens on a loopback address; login to whoever logs in, wherever it listens; off has none",
            )
        ),
    )
    console_key: SecretStr = Field(
        SecretStr(""), description="secret that signs the console's forms; empty draws one at each start"
    )
    console_sign: File | None = Field(
        None,
        description="".join(
            (
                "file of the private key (`crd jwks new`) that the console signs its calls with where CRD_AUTH asks",
                " for tokens; CRD_CONSOLE_ISSUER is then registered with its public key",
            )
        ),
    )
    console_issuer: str = Field("", description="issuer (iss) that the console signs its calls as")
    docs: Annotated[str, AfterValidator(_site)] = Field(
        "",
        description="".join(
            (
                "folder of the documentation site, shown at /docs/ of `crd serve`; empty takes the one that",
                " `make docs` built in this checkout, if it did; off shows none",
            )
        ),
    )
    console_minutes: int = Field(
        30,
        ge=1,
        le=720,
        description="minutes after which a login that is not used ends, 1 to 720; any ends in 12 hours",
    )
    operators: Annotated[Path, AfterValidator(Path.absolute)] | None = Field(
        None, description="file of those who may log in with a password; `crd operators add` makes it"
    )
    oidc_issuer: Annotated[str, AfterValidator(_base_url)] = Field(
        "", description="URL of the OpenID Connect provider that operators log in at; empty for none"
    )
    oidc_client: str = Field("", description="id of this service at that provider (client_id)")
    oidc_secret: SecretStr = Field(
        SecretStr(""), description="its secret there (client_secret); empty for a public client, with PKCE alone"
    )
    oidc_claim: str = Field(
        "roles", min_length=1, description="claim of the ID token that has the roles; a dot leads into an object"
    )
    oidc_readers: str = Field("crd-reader", description="values of that claim, by commas, that make a reader")
    oidc_operators: str = Field("crd-operator", description="values of that claim, by commas, that make an operator")
    cors_origins: Annotated[str, AfterValidator(_origins)] = Field(
        "*",
        description="origins that browsers may call from, separated by commas, or *; listed ones with credentials, too",
    )
    rate: Annotated[str, AfterValidator(_rate)] = Field(
        "200/second", description="calls that each client may make, as in 200/second or 5000/minute, or none for any"
    )
    rate_store: Annotated[str, AfterValidator(_rate_store)] = Field(
        "memory", description="where calls are counted: memory, by each worker for itself, or the URL of a Valkey"
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        "", description="addresses and networks whose X-Forwarded-For is believed, separated by commas"
    )
    tls_certificate: File | None = Field(None, description="file of the certificate chain (PEM) to serve TLS by itself")
    tls_key: File | None = Field(None, description="file of the certificate's private key (PKCS#8 PEM, no password)")
    tls_client_ca: File | None = Field(
        None,
        description="file of the CA (PEM) that clients must have a certificate of (mutual TLS); none asks for none",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="IANA time zone of the calendar day that answers are dated with"
    )
    id_namespace: uuid.UUID = Field(
        uuid.UUID("5f0f4e0c-6e4c-5d57-9d1c-6f7a0a4f2b11"),
        description="UUID under which this deployment derives its ids; give each deployment its own",
    )

    @property
    def may_migrate(self) -> bool:
        """Whether who opens the store may make and change its tables."""
        return self.migrations == "start"

    def today(self, clock: Clock = datetime.now) -> date:
        """Return the calendar day of this deployment, by a clock that gives the time in a zone."""
        return clock(ZoneInfo(self.time_zone)).date()


def read_settings(**overrides: Any) -> Settings:
    """Return the settings of the environment; `overrides` (of a command line) win. StartError names every fault."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise StartError("\n".join(_explain(fault) for fault in error.errors())) from None


def unknown_variables() -> list[str]:
    """Return the `CRD_` variables of the environment that are no setting: a typo, or set by an orchestrator."""
    known = _variables()
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def nearest_setting(name: str) -> dict[str, str]:
    """Return the setting that a misspelt variable may mean, as `did_you_mean`; nothing where none is like it."""
    found = get_close_matches(name, _variables(), n=1, cutoff=0.8)
    return {"did_you_mean": found[0]} if found else {}


def _variables() -> list[str]:
    return [PREFIX + field.upper() for field in Settings.model_fields]


#: The password in a URL, which is nobody's business but the database's.
_PASSWORD: Final = re.compile(r"(://[^:/@]*):[^@]*@")


def _without_password(value: Any) -> str:
    return _PASSWORD.sub(r"\1:***@", str(value))


def describe_settings(settings: Settings) -> list[dict[str, str]]:
    """Return each setting with its value, where that came from, its default and what it means."""
    given = {variable.upper() for variable, value in os.environ.items() if value}
    return [
        {
            "name": PREFIX + name.upper(),
            "value": _without_password(getattr(settings, name)),
            "from": "environment" if PREFIX + name.upper() in given else "default",
            "default": str(field.default),
            "meaning": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]


def _explain(fault: Any) -> str:
    name = str(fault["loc"][0])
    allowed = Settings.model_fields[name].description if name in Settings.model_fields else "not a setting"
    said = fault["msg"].removeprefix("Value error, ")  # pydantic's word for what a validator of ours says
    return f"{PREFIX}{name.upper()}={_without_password(fault['input'])}: {said} ({allowed})"
