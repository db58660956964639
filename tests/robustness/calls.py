"""Calls as no client should make them: the examples, changed anywhere and in any way, and sent in any way.

Everything is drawn from one `random.Random`, so a seed tells the whole run, and hypothesis can shrink what it draws.
"""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

from cds_hooks.hooks.services import SERVICES
from tests.fhir.odd_server import BEHAVIOURS
from tests.robustness.wire import Request

_ROOT: Final = Path(__file__).resolve().parents[2]

#: What in the examples is about persons, and what stands for it here; each has a mark in it (properties.py: MARKS).
_MARKED: Final = {
    "Invented": "Zqx7family",
    '"Ida"': '"Zqx7given"',
    **dict.fromkeys(("1971-04-02", "1951-02-20", "1984-09-30", "1990-01-15", "2005-12-15"), "1913-07-09"),
    "pat-1": "zqx7-pat",
    **dict.fromkeys(("EX-4711", "EX-4712", "EX-4713", "EX-4714", "EX-9999"), "zqx7-member"),
    "000-EXAMPLE-1": "zqx7-mrn",
    "prac-1": "zqx7-prac",
    "enc-1": "zqx7-enc",
}

Json = dict[str, Any]


def _read_examples() -> list[Json]:
    texts = [path.read_text() for path in sorted(_ROOT.glob("fhir_examples/*/*/request.json"))]
    for old, new in _MARKED.items():
        texts = [text.replace(old, new) for text in texts]
    calls = [json.loads(text) for text in texts]
    for call in calls:
        token = {"access_token": "zqx7.token", "token_type": "Bearer", "expires_in": 300, "scope": "", "subject": "x"}
        call["fhirAuthorization"] = token
    return calls


EXAMPLES: Final = _read_examples()

_TYPES: Final = (
    *("ServiceRequest", "MedicationRequest", "DeviceRequest", "NutritionOrder", "VisionPrescription", "Appointment"),
    *("CommunicationRequest", "Encounter", "Coverage", "Bundle", "Patient", "Organization", "OperationOutcome", "Zqx7"),
)
_CODES: Final = ("M0076", "m0076 ", "20999", "D9", "2", "0232T", "J3490", "97810", "E0105", "zqx7")
_REFERENCES: Final = (
    *(
        "../../etc/passwd",
        "Patient/zqx7",
        "zqx7 Smith/1",
        "Zqx7/1",
        "zqx7/zqx7/zqx7",
        "#zqx7",
        "#",
        "/",
        "//",
        "a/b/c/d",
    ),
    *(
        "urn:uuid:zqx7",
        "urn:",
        "https://ehr.example.org/fhir/Zqx7/zqx7",
        "Organization/zqx7",
        "Coverage/zqx7/_history/1",
    ),
)
_TEXTS: Final = (
    *(
        "",
        " ",
        "\x00",
        "\ud800",
        "\udfff\ud800",
        "\u202ezqx7",
        "zqx7 \U0001f600",
        "\ufeff",
        "a\u0301" * 50,
        "zqx7" * 3000,
    ),
    *(
        "<script>zqx7</script>",
        "[zqx7](javascript:alert(1))",
        "{{context.patientId}}",
        "%s%n{0}",
        "'; DROP TABLE zqx7;--",
    ),
    *(
        "../../etc/passwd",
        "Patient/zqx7",
        "zqx7 Smith/1",
        "Zqx7/1",
        "#zqx7",
        "#",
        "urn:uuid:zqx7",
        "urn:",
        "/",
        "//",
        "a/b/c/d",
    ),
    *(
        "http://169.254.169.254/",
        "http://[::1",
        "https://ehr.example.org:99999/fhir",
        "file:///etc/passwd",
        "http://zqx7/x",
    ),
    *(
        "1913-07-09",
        "2026-02-30",
        "0000-00-00",
        "9999-12-31T23:59:60Z",
        "2026-11-23T25:61:61+99:99",
        "-0001-01-01",
        "2026",
    ),
    *(
        "2.0",
        "2.2.1",
        "9.9",
        "true",
        "null",
        "1e400",
        "prolotherapy right knee zqx7",
        "no prolotherapy",
        "platelet rich plasma",
    ),
)
_NUMBERS: Final = (0, -1, 1, 2**31, -(2**63), 2**64, 10**40, 1e308, -1e-320, 0.1, 1.10, float("nan"), float("inf"))
_NAMES: Final = (
    "resourceType",
    "id",
    "extension",
    "contained",
    "reference",
    "code",
    "zqx7-7",
    "",
    "_id",
    "__proto__",
    "\x00",
)
_HEADERS: Final = (
    *(("Accept", value) for value in ("*/*", "text/html", "application/fhir+json;q=0.1", "zqx7")),
    *(("X-Request-ID", value) for value in ("zqx7", "", "0af7651916cd43dd8448eb211c80319c", "a" * 5000, "1913070-9")),
    *(
        ("Authorization", value)
        for value in ("Bearer zqx7.zqx7.zqx7", "Basic enF4Nw==", "Bearer", "zqx7", "Bearer \xff")
    ),
    *(("Origin", value) for value in ("https://zqx7.example.org", "null", "")),
    *(("Content-Encoding", value) for value in ("identity", "gzip", "br", "zqx7", "")),
    *(("Cookie", "session=zqx7"), ("User-Agent", ""), ("X-Forwarded-For", "zqx7"), ("X-Zqx7", "zqx7" * 500)),
    *(("Referer", "http://zqx7"), ("If-None-Match", "*"), ("Range", "bytes=0-1"), ("TE", "trailers")),
    *(("X-HTTP-Method-Override", "DELETE"), ("Content-Type", "application/json"), ("Accept-Encoding", "gzip, br")),
)
#: How the odd FHIR server behaves; what takes all the time there is comes seldom.
_SLOW: Final = ("silent", "dripped-body", "dripped-headers", "endless-chunk-size", "endless-pages", "huge", "packed")
_BEHAVIOURS: Final = tuple(
    name + ("/503" if "status" in name else "")
    for name in BEHAVIOURS
    if not name.startswith(("dripped", "slow", "endless", "huge", "batch-huge"))
    and name not in ("redirect", "continue")
    if name not in (*_SLOW, "no-batch-slow", "next-elsewhere", "next-user")
)
_MEDIA_TYPES: Final = (
    *("text/plain", "application/xml", "multipart/form-data; boundary=zqx7", "application/x-www-form-urlencoded", ""),
    *(
        "application/json; charset=utf-16",
        "application/fhir+json",
        "APPLICATION/JSON;zqx7",
        "json",
        "\xff",
        "application/zqx7+json",
    ),
)
_METHODS: Final = ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "ZQX7", "post", "PROPFIND")
_READS: Final = ("/cds-services", "/health", "/ready", "/openapi.json")
_PATHS: Final = (
    *("/", "/zqx7", "/zqx7?name=zqx7", "/cds-services/zqx7", "/cds-services/zqx7/feedback", "/cds-services?zqx7=1"),
    *("/cds-services/order-sign-crd/zqx7", "/cds-services/%00", "/cds-services/%ff%fe", "/cds-services/%2e%2e/health"),
    *(
        "//health",
        "/health/",
        "/./health",
        "/../health",
        "/HEALTH",
        "/cds-services/" + "zqx7" * 1000,
        "/%7bzqx7%7d",
        "/static/x",
    ),
    *(
        "/cds-services/order-sign-crd;zqx7",
        "/cds-services/order-sign-crd%20",
        "/cds-services/order%2Dsign-crd",
        "/favicon.ico",
    ),
)
_NO_HTTP: Final = (
    *(b"", b"\r\n\r\n", b"zqx7\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03zqx7", b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n"),
    *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /zqx7 zqx7 HTTP/1.1\r\n\r\n", b"GET /health HTTP/1.1\r\nzqx7\r\n\r\n"),
    *(b"CONNECT zqx7:1 HTTP/1.1\r\nHost: zqx7\r\n\r\n", b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", b"GET http://[zqx7/ HTTP/1.1\r\n\r\n"),
    *(b"GET /health HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n", b"POST /cds-services/order-sign-crd HTTP/1.1\r\nContent-Length: zqx7\r\n\r\n"),
    b"POST /cds-services/order-sign-crd HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nzqx7",
    b"POST /cds-services/order-sign-crd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzqx7\r\n",
    b"POST /cds-services/order-sign-crd HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{\"hook\": \"zqx7",
    b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X-Zqx7: 1\r\n" * 2000 + b"\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"zqx7" * 100_000 + b"\r\n\r\n",
    b"GET /" + b"zqx7" * 30_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip


def make_request(draw: Random, fhir_servers: str = "") -> Request:
    """Return one request: most are calls of the six hooks that are nearly right, the rest is anything.

    `fhir_servers` is where an odd server runs; some calls bring nothing then, so that it is asked.
    """
    share = draw.randrange(100)
    if share < 60:
        return _hook_call(draw, fhir_servers if share < 5 else "")
    if share < 70:
        return _feedback(draw)
    if share < 85:
        return _odd_text(draw)
    if share < 90:
        method = draw.choice(("GET", "GET", "GET", *_METHODS))
        return Request("read", method, draw.choice(_READS), _headers(draw))
    if share < 94:
        return Request("path", draw.choice(("GET", "POST", *_METHODS)), draw.choice(_PATHS), _headers(draw), b"{}")
    if share < 98:
        method, body = draw.choice(_METHODS), json.dumps(draw.choice(EXAMPLES)).encode()
        return Request("method", method, _path(draw, None), _headers(draw), body)
    return Request("no-http", "", "", body=draw.choice(_NO_HTTP), is_http=False)


def _hook_call(draw: Random, fhir_servers: str) -> Request:
    call = copy.deepcopy(draw.choice(EXAMPLES))
    hook = call["hook"]
    if fhir_servers:
        behaviour = draw.choice(_BEHAVIOURS if draw.randrange(100) else _SLOW)
        call |= {"fhirServer": f"{fhir_servers}/{behaviour}", "prefetch": {}}
    changes = draw.choice((0, 1, 1, 1, 2, 2, 3, 5, 12))
    for _ in range(changes):
        change(call, draw)
    body = json.dumps(call, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")
    return Request(f"changed-{changes}", "POST", _path(draw, hook), _headers(draw), body, draw.random() < 0.1)


def _feedback(draw: Random) -> Request:
    """Return feedback on cards that nobody has, nearly right; the marks are where users write about patients."""
    reports: Json = {"feedback": [copy.deepcopy(draw.choice(_REPORTS)) for _ in range(draw.randrange(4))]}
    changes = draw.choice((0, 0, 1, 1, 2, 5))
    for _ in range(changes):
        change(reports, draw)
    body = json.dumps(reports, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")
    path = f"/cds-services/{draw.choice(SERVICES).id}/feedback"
    return Request(f"feedback-{changes}", "POST", path, _headers(draw), body, draw.random() < 0.1)


_REPORTS: Final[tuple[Json, ...]] = (
    {"card": "zqx7-card", "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"},
    {
        "card": "0b0b0b0b-0000-5000-8000-000000000000",
        "outcome": "overridden",
        "overrideReason": {
            "reason": {"code": "zqx7 reason", "system": "http://zqx7"},
            "userComment": "Zqx7family said so",
        },
        "outcomeTimestamp": "2026-11-23T12:00:00.52Z",
    },
    {
        "card": "c",
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": "zqx7"}],
        "outcomeTimestamp": "2026-11-23T12:00:00Z",
    },
    {
        "card": "c",
        "outcome": "overridden",
        "overrideReason": {"code": "flat"},
        "outcomeTimestamp": "2026-11-23T12:00:00Z",
    },
)


def _odd_text(draw: Random) -> Request:
    call = draw.choice(EXAMPLES)
    body = spoil(json.dumps(call).encode(), draw)
    return Request("text", "POST", _path(draw, call["hook"]), _headers(draw), body, draw.random() < 0.1)


def make_large_request(draw: Random) -> Request:
    """Return a request that takes as much memory as any: those first, and what is taken later is taken for good."""
    call = draw.choice(EXAMPLES)
    return Request("large", "POST", _path(draw, call["hook"]), body=_large(json.dumps(call).encode(), draw))


def _path(draw: Random, hook: str | None) -> str:
    if hook is None or draw.random() < 0.03:
        return f"/cds-services/{draw.choice(SERVICES).id}"
    return f"/cds-services/{hook}-crd"


def _headers(draw: Random) -> tuple[tuple[str, str], ...]:
    odd = [draw.choice(_HEADERS) for _ in range(draw.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, 5)))]
    media_type = draw.choice(_MEDIA_TYPES) if draw.random() < 0.03 else "application/json"
    return (("Content-Type", media_type), *odd)


def change(call: Json, draw: Random) -> None:
    """Change one place of a call, in place; what is drawn may not fit there, and then nothing happens."""
    places = list(_places(call))
    if places:
        draw.choice(_CHANGES)(*draw.choice(places), places, draw)


Place = tuple[Any, Any]
Change = Callable[[Any, Any, list[Place], Random], None]


def _places(node: Any) -> Iterator[Place]:
    """Yield every member and item below a node, as what holds it and its name or number."""
    stack = [node]
    while stack:
        held = stack.pop()
        members = held.items() if isinstance(held, dict) else enumerate(held)
        for name, value in members:
            yield held, name
            if isinstance(value, dict | list) and value:
                stack.append(value)


def _junk(draw: Random) -> Any:
    kind = draw.randrange(10)
    if kind < 4:
        return draw.choice(_TEXTS)
    if kind < 5:
        return draw.choice(_NUMBERS)
    if kind < 6:
        return draw.choice((None, True, False, [], {}, [None], [[]], {"zqx7-7": "zqx7"}, [{}]))
    if kind < 7:
        return {"resourceType": draw.choice(_TYPES), "id": draw.choice(("zqx7", "prolo-1", 7, ""))}
    if kind < 8:
        return {"reference": draw.choice(_TEXTS)}
    if kind < 9:
        return {"coding": [{"system": draw.choice(_TEXTS), "code": draw.choice(_CODES)}], "text": draw.choice(_TEXTS)}
    return _nested(draw.choice((5, 50, 61, 62, 63, 64, 65, 100)))


def _nested(levels: int) -> Any:
    held: Any = "zqx7"
    for level in range(levels):
        held = [held] if level % 2 else {"extension": held}
    return held


def _drop(held: Any, name: Any, _: list[Place], __: Random) -> None:
    del held[name]


def _replace(held: Any, name: Any, _: list[Place], draw: Random) -> None:
    held[name] = _junk(draw)


def _retarget(held: Any, name: Any, places: list[Place], draw: Random) -> None:
    other, place = draw.choice(places)
    held[name] = copy.deepcopy(other[place])


def _repeat(held: Any, name: Any, _: list[Place], draw: Random) -> None:
    if isinstance(held, list):
        held.extend(copy.deepcopy(held[name]) for _ in range(draw.choice((1, 2, 20))))
    else:
        held[name] = [held[name]] * draw.choice((1, 2, 60))


def _rename(held: Any, name: Any, _: list[Place], draw: Random) -> None:
    if isinstance(held, dict):
        held[draw.choice((*_NAMES, f"_{name}", str(name).upper()))] = held.pop(name)


def _add(held: Any, _: Any, __: list[Place], draw: Random) -> None:
    if isinstance(held, dict):
        held[draw.choice(_NAMES)] = _junk(draw)
    else:
        held.insert(draw.randrange(len(held) + 1), _junk(draw))


def _retype(held: Any, name: Any, _: list[Place], draw: Random) -> None:
    value = held[name]
    held[name] = draw.choice(
        (str(value)[:200], [value], {"value": value}, len(str(value)), {name: value}, None, not value)
    )


def _replace_text(held: Any, name: Any, _: list[Place], draw: Random) -> None:
    if isinstance(held[name], str):
        texts = (
            draw.choice(_TEXTS),
            draw.choice(_CODES),
            draw.choice(_TYPES),
            held[name].upper(),
            held[name] + "\u0000",
        )
        held[name] = draw.choice(texts)


def _shuffle(held: Any, _: Any, __: list[Place], draw: Random) -> None:
    if isinstance(held, list):
        draw.shuffle(held)


_CHANGES: Final[tuple[Change, ...]] = (
    *(_drop, _drop, _replace, _replace, _retarget, _retarget, _repeat, _rename),
    *(_add, _retype, _replace_text, _replace_text, _shuffle),
)


def spoil(text: bytes, draw: Random) -> bytes:
    """Return a JSON text that is none any more, or an odd one."""
    return draw.choice(_SPOILERS)(text, draw)


def _cut(text: bytes, draw: Random) -> bytes:
    return text[: draw.randrange(len(text))]


def _insert(text: bytes, draw: Random) -> bytes:
    odd = (
        b"\x00",
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\\u0000",
        b"{",
        b"]",
        b'"',
        b",",
        b":",
        b"\\",
        b"zqx7",
        b"\n",
    )
    place = draw.randrange(len(text))
    return text[:place] + draw.choice(odd) * draw.choice((1, 1, 3)) + text[place + draw.randrange(2) :]


def _flip(text: bytes, draw: Random) -> bytes:
    place = draw.randrange(len(text))
    return text[:place] + bytes((text[place] ^ (1 << draw.randrange(8)),)) + text[place + 1 :]


def _twice(text: bytes, draw: Random) -> bytes:
    """Have one member twice."""
    name = draw.choice((b'"hook": ', b'"context": ', b'"resourceType": ', b'"code": ', b'"patientId": '))
    return text.replace(name, name + draw.choice((b'"zqx7", ', b"{}, ", b"1, ")) + name, 1)


def _literal(text: bytes, draw: Random) -> bytes:
    """Have a number, a constant or a depth that no JSON should have."""
    odd = (
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"9" * 5000,
        b"0x10",
        b"01",
        b"+1",
        b"1.",
        b"tru",
        b"'zqx7'",
        b"[" * 20_000,
        b"/* zqx7 */ 1",
    )
    deep = (b'{"a":' * 300 + b"1" + b"}" * 300, b"[" * 200 + b"]" * 200)
    return text.replace(b'"order', draw.choice((*odd, *deep)) + b', "order', 1)


def _whole(text: bytes, draw: Random) -> bytes:
    """Have another text altogether, or this one in another form."""
    return draw.choice(
        (
            *(b"", b"null", b"[]", b"{}", b'"zqx7"', b"7", b"\xef\xbb\xbf" + text, b"  " + text + b"\n", text + text),
            *(text + b"zqx7", b"[" + text + b"]", text.decode().encode("utf-16"), text.decode().encode("utf-32"), b"\x1f\x8b" + text),
            *(b"zqx7=1&hook=order-sign", b"\x00" * 1000, text.replace(b'"', b"'")),
            _large(text, draw),
        )
    )  # fmt: skip


def _large(text: bytes, draw: Random) -> bytes:
    """Have what takes most memory: deep, long, or of very many parts."""
    return draw.choice(
        (
            *(b"[" * 100_000, b'{"hook":' * 50_000, text.replace(b" ", b" " * 200), b" " * 2_200_000),
            *(b'{"hook": "' + b"zqx7" * 200_000 + b'"}', b'{"zqx7": [' + b"{}," * 100_000 + b"{}]}"),
        )
    )


_SPOILERS: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (
    *(_cut, _cut, _insert, _insert, _insert, _flip, _flip, _flip, _twice, _literal, _literal, _whole),
)
