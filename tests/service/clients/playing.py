"""Plays clients: each with the token and the bodies that it really sends, against a service that runs."""

import json
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import requests
from markdown_it import MarkdownIt

from cds_hooks.store.calls import CARD, digest_of
from cds_hooks.store.database import connect
from cds_hooks.store.tables import FEEDBACK
from tests.auth.tokens import jwk, jwks, sign
from tests.cds_hooks.store.reading import store_of

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[2] / "docs" / "clients.md"

#: What clients were told the service is called; `aud` of their tokens begins so.
PUBLIC = "https://payer.example.com/crd"
DISCOVERY = "/cds-services"
SELECT = f"{DISCOVERY}/order-select-crd"
SIGN = f"{DISCOVERY}/order-sign-crd"
DISPATCH = f"{DISCOVERY}/order-dispatch-crd"
BOOK = f"{DISCOVERY}/appointment-book-crd"

EXTENSION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

#: GitHub-flavoured Markdown with HTML and bare links, as the sandbox renders a card's detail.
GFM = MarkdownIt("gfm-like", {"html": True})

MODES = ("none", "registered")

#: The keys of each client, and the files of those that are not fetched.
FILES = {
    "cds-hooks-sandbox": ("sandbox.json", jwks(jwk("P-384#sandbox", kid="sandbox-1"))),
    "br-provider": ("br-provider.json", jwks(jwk("2048#br-provider", kid="br-1"))),
}

#: Where the sandbox publishes its key, out of reach for a test.
SANDBOX_JKU = "https://sandbox.cds-hooks.org/.well-known/jwks.json"

#: Returns the Authorization header for a URL.
Authorize = Callable[[str], str]


class Calls(NamedTuple):
    """Calls of one client to one service; without `authorize` it sends no token."""

    service: Any
    authorize: Authorize | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 (never changed)

    def get(self, path: str = DISCOVERY) -> requests.Response:
        """Ask for the services; `path` stands behind the base URL as the client writes it."""
        return requests.get(self.service.base + path, headers=self._headers(path), timeout=60, allow_redirects=False)

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        """Send a hook call, or feedback."""
        headers = {"Content-Type": "application/json", **self._headers(path)}
        url = self.service.base + path
        return requests.post(url, json.dumps(body), headers=headers, timeout=60, allow_redirects=False)

    def preflight(self, path: str, origin: str, asked: str, method: str = "POST") -> requests.Response:
        """Ask as a browser does before it lets a page call from another origin."""
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": asked,
        }
        return requests.options(self.service.base + path, headers=headers, timeout=60, allow_redirects=False)

    def _headers(self, path: str) -> dict[str, str]:
        token = {"Authorization": self.authorize(PUBLIC + path)} if self.authorize else {}
        return {"Accept": "application/json", **self.headers, **token}


def bearer(algorithm: str, kind: str, header: dict[str, str], lifetime: int, **claims: Any) -> Authorize:
    """Return how a client signs a new token for each URL; `lifetime` in seconds."""

    def authorize(url: str) -> str:
        now = int(time.time())
        payload = {"aud": url, "iat": now, "exp": now + lifetime, "jti": secrets.token_hex(16), **claims}
        return f"Bearer {sign(payload, algorithm, kind, **header)}"

    return authorize


def body(name: str) -> dict[str, Any]:
    """Return a request body by the name of its file."""
    return json.loads((HERE / "bodies" / f"{name}.json").read_text(encoding="utf-8"))


def preset(name: str) -> dict[str, Any]:
    """Return a registration as docs/clients.md has it, or the whole document for a gateway or an OAuth 2.0 client."""
    snippets = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    for document in map(json.loads, snippets):
        if name in {one["id"] for one in document.get("clients", [document])}:
            return document
    raise LookupError(name)


def order_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the first draft order of a call."""
    return request["context"]["draftOrders"]["entry"][0]["resource"]


def information(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of the last coverage information on a resource, by name."""
    written = [one for one in resource.get("extension", ()) if one["url"] == EXTENSION]
    parts = written[-1]["extension"] if written else ()
    return {part["url"]: value for part in parts for name, value in part.items() if name.startswith("value")}


def assert_readable(card: dict[str, Any]) -> None:
    """A card reads well as plain text and as Markdown: no HTML, no table, nothing that a page would run."""
    detail = card["detail"]
    assert not re.search(r"[<>]|\|\s*-{3}|javascript:", detail), detail
    tokens = [token.type for token in GFM.parse(detail)]
    inline = {child.type for token in GFM.parse(detail) for child in token.children or ()}
    assert "html_block" not in tokens
    assert "table_open" not in tokens
    assert not inline & {"html_inline", "image", "code_inline"}, inline
    assert 1 <= len(card["summary"]) < 140
    assert all(link["url"].startswith("https://") for link in card.get("links", ()))


def medplum_token(**changed: Any) -> str:
    """Return a token as a Medplum server makes it: for its own client, not for this service."""
    registered = preset("medplum-example-clinic")["clients"][0]["oauth2"]
    claims = {
        "login_id": "l",
        "client_id": registered["client-id"],
        "sub": "u",
        "username": "u",
        "scope": "openid",
        "profile": "Practitioner/p",
    }
    make = bearer("RS256", "2048#medplum", {"kid": "medplum-1"}, 3600, iss=registered["issuer"], **claims | changed)
    return make(registered["client-id"])


def kept(service: Any, card: str) -> list[Any]:
    """Return the feedback on a card that a service has stored."""
    engine = connect(store_of(service), each_alone=True)
    with engine.connect() as connection:
        rows = list(connection.execute(FEEDBACK.select().where(FEEDBACK.c.card == digest_of(CARD, card))))
    engine.dispose()
    return rows
