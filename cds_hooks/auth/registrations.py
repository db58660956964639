"""The registered clients: who may call, how each proves who it is, and what it may do (HK-176, HK-195)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from limits import RateLimitItem

from cds_hooks.auth.jwk import KeySet, Style
from cds_hooks.errors import StartError
from cds_hooks.outbound.places import Place, read_allowed_place, read_place
from cds_hooks.settings import read_rate

Json = Mapping[str, Any]

#: Reads a JWKS file, named as the registration names it; StartError where it has no usable key.
ReadKeys = Callable[[str], KeySet]

#: Those that CDS Hooks recommends (HK-205).
DEFAULT_ALGORITHMS: Final = ("ES384", "RS384")


class RegistrationError(ValueError):
    """Registrations contradict each other, or name keys that cannot be read; says where in the document and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True)
class Trust:
    """What every token of one issuer must be like; `clock_skew` and `longest` (`exp` less `iat`) are in seconds."""

    issuer: str
    algorithms: frozenset[str] = frozenset(DEFAULT_ALGORITHMS)
    urls: tuple[str, ...] = ()
    keys: KeySet = field(default_factory=dict, repr=False)
    style: Style = "jwks"
    audiences: tuple[str, ...] = ()
    clock_skew: float = 60
    longest: float = 3600


@dataclass(frozen=True, slots=True)
class JwtTerms:
    """What a client's CDS Hooks JWTs must be like; empty `tenants` and `subjects` allow any."""

    trust: Trust
    tenants: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    replay: Literal["reject", "observe"] = "reject"


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """What an OAuth 2.0 server's access tokens must be like, and which claim of theirs names the client."""

    trust: Trust
    scopes: frozenset[str] = frozenset()
    client_claim: str = "client_id"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client. Empty `services` and `fhir_servers` allow all that the deployment does.

    `version` is the version of CRD for its calls that request none, `cards_in_doubt` that it gets a card, too, for an
    order that is annotated as one that needs more information.
    """

    id: str
    jwt: JwtTerms | None = None
    oauth2: tuple[str, str] | None = None
    services: frozenset[str] = frozenset()
    fhir_servers: tuple[Place, ...] = ()
    fhir_check: Literal["lenient", "strict"] | None = None
    rate: RateLimitItem | None = None
    version: str | None = None
    cards_in_doubt: bool = False
    anonymous_fhir: Literal["refuse", "allow"] | None = None

    def may_use(self, service_id: str) -> bool:
        """Whether the client may call a service."""
        return not self.services or service_id in self.services

    def may_read_from(self, base: str) -> bool:
        """Whether records may be read from a FHIR server for this client."""
        place = read_place(base)
        return not self.fhir_servers or (place is not None and any(one.holds(place) for one in self.fhir_servers))


class Clients:
    """All registrations of one file, found by what a token says."""

    def __init__(self, clients: Iterable[Client] = (), servers: Iterable[AuthorizationServer] = ()) -> None:
        self.clients = tuple(clients)
        self.servers = {server.trust.issuer: server for server in servers}
        self._by_issuer: dict[str, list[Client]] = {}
        self._by_client_id = {client.oauth2: client for client in self.clients if client.oauth2}
        for client in self.clients:
            if client.jwt:
                self._by_issuer.setdefault(client.jwt.trust.issuer, []).append(client)

    def by_issuer(self, issuer: str, tenant: Any) -> Client | None:
        """Return the client whose tokens have this `iss`; where several share it, the one that lists the tenant."""
        sharing = self._by_issuer.get(issuer, [])
        mine = (client for client in sharing if client.jwt and isinstance(tenant, str) and tenant in client.jwt.tenants)
        return next(mine, sharing[0] if sharing else None)

    def by_client_id(self, issuer: str, client_id: str) -> Client | None:
        """Return the client that has an id at an authorization server."""
        return self._by_client_id.get((issuer, client_id))


def read_clients(document: Json, read_keys: ReadKeys, services: frozenset[str] = frozenset()) -> Clients:
    """Return the registrations of a document that has passed its schema, or raise RegistrationError.

    `services` are the ids that a client may be allowed; none given, none is checked.
    """
    servers = [
        _read_server(server, f"$.authorization-servers[{n}]", read_keys)
        for n, server in enumerate(document.get("authorization-servers", ()))
    ]
    clients = [_read_client(member, f"$.clients[{n}]", read_keys) for n, member in enumerate(document["clients"])]
    _refuse_repeated([server.trust.issuer for server in servers], "$.authorization-servers", "issuer")
    _refuse_repeated([client.id for client in clients], "$.clients", "id")
    _refuse_repeated([client.oauth2 for client in clients if client.oauth2], "$.clients", "oauth2")
    _refuse_shared_tenants(clients)
    for number, client in enumerate(clients):
        _check_names(client, f"$.clients[{number}]", {server.trust.issuer for server in servers}, services)
    return Clients(clients, servers)


def _read_client(document: Json, path: str, read_keys: ReadKeys) -> Client:
    jwt, oauth2 = document.get("jwt"), document.get("oauth2")
    try:
        fhir_servers = tuple(read_allowed_place(base) for base in document.get("fhir-servers", ()))
    except StartError as error:
        raise RegistrationError(f"{path}.fhir-servers", str(error)) from None
    return Client(
        id=document["id"],
        jwt=_read_terms(jwt, f"{path}.jwt", read_keys) if jwt else None,
        oauth2=(oauth2["issuer"], oauth2["client-id"]) if oauth2 else None,
        services=frozenset(document.get("services", ())),
        fhir_servers=fhir_servers,
        fhir_check=document.get("fhir-check"),
        rate=_read_client_rate(document.get("rate"), path),
        version=document.get("version"),
        cards_in_doubt=document.get("cards-in-doubt", False),
        anonymous_fhir=document.get("anonymous-fhir"),
    )


def _read_client_rate(text: str | None, path: str) -> RateLimitItem | None:
    try:
        return read_rate(text) if text else None
    except ValueError:
        raise RegistrationError(f"{path}.rate", "is no rate such as 100/second") from None


def _read_terms(document: Json, path: str, read_keys: ReadKeys) -> JwtTerms:
    return JwtTerms(
        trust=_read_trust(document, tuple(document.get("jku", ())), path, read_keys),
        tenants=frozenset(document.get("tenants", ())),
        subjects=frozenset(document.get("subjects", ())),
        replay=document.get("replay", "reject"),
    )


def _read_server(document: Json, path: str, read_keys: ReadKeys) -> AuthorizationServer:
    urls = (document["jwks-url"],) if "jwks-url" in document else ()
    return AuthorizationServer(
        trust=_read_trust(document, urls, path, read_keys),
        scopes=frozenset(document.get("scopes", ())),
        client_claim=document.get("client-claim", "client_id"),
    )


def _read_trust(document: Json, urls: tuple[str, ...], path: str, read_keys: ReadKeys) -> Trust:
    return Trust(
        issuer=document["issuer"],
        algorithms=frozenset(document.get("algorithms", DEFAULT_ALGORITHMS)),
        urls=urls,
        keys=_read_file_of_keys(document["jwks-file"], path, read_keys) if "jwks-file" in document else {},
        style=document.get("key-document", "jwks"),
        audiences=tuple(document.get("audiences", ())),
        clock_skew=document.get("clock-skew", 60),
        longest=document.get("max-lifetime", 3600),
    )


def _read_file_of_keys(name: str, path: str, read_keys: ReadKeys) -> KeySet:
    try:
        return read_keys(name)
    except StartError as error:
        raise RegistrationError(f"{path}['jwks-file']", str(error)) from None


def _refuse_repeated(values: list[Any], path: str, member: str) -> None:
    twice = [value for value, times in Counter(values).items() if times > 1]
    if twice:
        raise RegistrationError(f"{path}[*].{member}", f"{twice[0]} is a duplicate")


def _refuse_shared_tenants(clients: Iterable[Client]) -> None:
    """Refuse two clients that one token could be of."""
    taken: dict[str, dict[str | None, str]] = {}
    for number, client in enumerate(clients):
        if client.jwt is None:
            continue
        others = taken.setdefault(client.jwt.trust.issuer, {})
        mine = client.jwt.tenants or {None}
        if others and (None in mine or None in others or not mine.isdisjoint(others)):
            reason = f"shares its issuer with {next(iter(others.values()))}: each must list tenants, none twice"
            raise RegistrationError(f"$.clients[{number}].jwt", reason)
        others.update(dict.fromkeys(mine, client.id))


def _check_names(client: Client, path: str, issuers: set[str], services: frozenset[str]) -> None:
    if client.oauth2 and client.oauth2[0] not in issuers:
        raise RegistrationError(f"{path}.oauth2.issuer", "is none of $.authorization-servers[*].issuer")
    unknown = sorted(client.services - services) if services else []
    if unknown:
        raise RegistrationError(f"{path}.services", f"no such service: {', '.join(unknown)}")
