"""The forms that policies ask for (DTR), as FHIR Questionnaires in the folder `questionnaires` beside them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from cards import is_id
from cds_hooks.errors import StartError
from cds_hooks.rules.folders import QUESTIONNAIRES, list_documents
from cds_hooks.strict_json import parse_json

#: What a form must say of itself: R4 demands the status, and nobody finds one without its canonical URL.
_REQUIRED: Final = ("id", "url", "status")


def load_questionnaires(policies: Path, note: Callable[[bytes], None] | None = None) -> dict[str, bytes]:
    """Load the forms of a folder of policies, each as JSON by its id; StartError says what is wrong in which file."""
    found: dict[str, bytes] = {}
    for path in list_documents(policies / QUESTIONNAIRES):
        document = _read(path)
        if document["id"] != path.stem:
            raise StartError(f"{path}: $.id: must be the name of the file, {path.stem}")
        found[document["id"]] = orjson.dumps(document)
        if note:
            note(b"questionnaires " + found[document["id"]] + b"\n")
    return found


def _read(path: Path) -> Any:
    try:
        document = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise StartError(f"{path}: cannot be read as JSON in UTF-8") from None
    if not isinstance(document, dict) or document.get("resourceType") != "Questionnaire":
        raise StartError(f"{path}: $.resourceType: must be Questionnaire")
    for name in _REQUIRED:
        if not isinstance(document.get(name), str):
            raise StartError(f"{path}: $.{name}: missing")
    if not is_id(document["id"]):
        raise StartError(f"{path}: $.id: not an id of FHIR")
    return document
