"""Reading JSON so that no two readers could read it differently: bodies off the network, and documents of people.

A body is one object, and what is wrong with it is said without its values; a document has passed its JSON Schema, and
what is wrong is said with file, path and reason.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from cds_hooks.errors import Issue, UnreadableBodyError

if TYPE_CHECKING:
    pass


class DuplicateKeyError(ValueError):
    """A JSON object has a key twice; which value is meant cannot be known. `key` and `path` are fit to be shown."""

    def __init__(self, key: str, path: str) -> None:
        super().__init__(f"Duplicate key `{key}` at {path or 'the top level'}")
        self.path = path


class _WithDuplicate(dict[str, Any]):
    """An object that has a key twice."""

    key = ""


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says; DuplicateKeyError where an object has a key twice, ValueError for other faults.

    NaN and Infinity are faults: they are not JSON.
    """
    twice: list[_WithDuplicate] = []

    def build(members: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(members)
        if len(built) == len(members):
            return built
        marked = _WithDuplicate(built)
        counts = Counter(name for name, _ in members)
        marked.key = next(name for name, count in counts.items() if count > 1)
        twice.append(marked)
        return marked

    document = json.loads(text, object_pairs_hook=build, parse_constant=_refuse_constant)
    if twice:
        raise _duplicate_in(document)
    return document


def _refuse_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


#: How a value is reached: the way to the object or array that it stands in, and its key or number there.
_Way = tuple[Any, str | int] | None


def _duplicate_in(document: Any) -> DuplicateKeyError:
    """Return the error for the outermost object with a key twice: those inside the value that was lost are not here."""
    level: list[tuple[_Way, Any]] = [(None, document)]
    while True:
        for way, value in level:
            if isinstance(value, _WithDuplicate):
                return DuplicateKeyError(_shown(value.key), _path(way))
        level = [((way, key), inner) for way, value in level for key, inner in _inside(value)]


def _inside(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _path(way: _Way) -> str:
    """Return a way as FHIRPath writes it."""
    steps = []
    while way is not None:
        way, key = way
        steps.append(f"[{key}]" if isinstance(key, int) else f".{_shown(key)}")
    return "".join(reversed(steps)).removeprefix(".")


def _shown(key: str) -> str:
    """Return a key as it may be shown: elements of FHIR and of CDS Hooks are named so; anything else may be a name."""
    return key if _PLAIN_KEY.fullmatch(key) else "…"


_PLAIN_KEY: Final = re.compile(r"_?[A-Za-z][A-Za-z0-9.-]{0,63}")


def read_json(body: bytes, max_nesting: int) -> dict[str, Any]:
    """Return the one JSON object of a body; NaN, duplicate keys and deep nesting are refused."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableBodyError(Issue("structure", _say(error, body))) from None
    if not isinstance(document, dict):
        raise UnreadableBodyError(Issue("structure", "the body must be a JSON object"))
    written = _write_again(document, is_small=len(body) <= _SMALL)
    is_flat = len(body) <= _SMALL and written is not None and b"\n" + max_nesting * b"  " not in written
    if not is_flat and _is_deeper(document, max_nesting):
        raise UnreadableBodyError(Issue("too-costly", f"the body is nested deeper than {max_nesting} levels"))
    if written is None or body.count(b":") != written.count(b":") or (_ESCAPE in body and _ESCAPED_COLON.search(body)):
        _refuse_duplicate_keys(body)
    return document


def _write_again(document: dict[str, Any], *, is_small: bool) -> bytes | None:
    """Return a document as JSON, a small one indented by its nesting; None where it cannot be written.

    Two things are told by that at a fifth of the cost of looking at each member. No line is indented so far as one that
    is nested too deep would be (a text has no line breaks). And a key that is lost takes its colon along: where there
    are as many colons as in the body, none was, unless an escaped colon makes up for it.
    """
    try:
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 if is_small else None)
    except orjson.JSONEncodeError:  # deeper than orjson writes
        return None


#: Bytes of a body that may be indented: written so, a large one that is nested deep grows a hundredfold.
_SMALL: Final = 16 * 1024

#: The byte that every escape begins with: looking for one byte takes a tenth of the time that an expression does.
_ESCAPE: Final = ord("\\")

_ESCAPED_COLON: Final = re.compile(rb"\\u003[aA]")


def _say(error: orjson.JSONDecodeError, body: bytes) -> str:
    """Say why a body is not JSON and where, without its text."""
    try:
        body.decode()
    except UnicodeDecodeError as fault:
        begin = body.rfind(b"\n", 0, fault.start)
        line = body.count(b"\n", 0, fault.start) + 1
        where = f"line {line}, byte {fault.start - begin} (byte {fault.start + 1} of the body)"
        return f"the body is not JSON: it must be UTF-8, and is not at {where}"
    return f"the body is not JSON: {error.msg.split(':')[0]} at line {error.lineno}, column {error.colno}"


def _is_deeper(document: dict[str, Any], levels: int) -> bool:
    """Whether objects and arrays are nested deeper than this, the outermost being the first level."""
    level: list[Any] = [document]
    for _ in range(levels):
        values = chain.from_iterable(one.values() if type(one) is dict else one for one in level)
        level = [value for value in values if type(value) is dict or type(value) is list]
        if not level:
            return False
    return True


def _refuse_duplicate_keys(body: bytes) -> None:
    """Raise for a key that an object has twice: orders and codes must not depend on who reads them."""
    try:
        parse_json(body)
    except DuplicateKeyError as error:
        raise UnreadableBodyError(Issue("structure", str(error), error.path or None)) from None


def indent(text: str) -> str:
    """Return a JSON text with line breaks and all else as it is (1.10 stays so); what is no JSON stays as it is."""
    try:
        return msgspec.json.format(text, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return text


def replace_lone_surrogates(body: bytes) -> bytes:
    """Return a JSON text in which each escaped half of a character (`\\ud83d`) is U+FFFD, of the same length.

    Some clients cut notes in the middle of a character. Half of one stands for nothing and cannot be written in UTF-8,
    so no reader can do better, and one must not cost the whole call its answer (Unicode 3.9, U+FFFD substitution).
    """
    if _ESCAPE not in body or not _ESCAPED_SURROGATE.search(body):
        return body
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], body)


_ESCAPED_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPES: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
