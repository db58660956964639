"""Reads the vocabulary, the policies and the payers, and checks them against their schemas and each other."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar

from jsonschema import Draft202012Validator

from cards import (
    DocumentError,
    Payer,
    PayerDirectory,
    Policy,
    PolicyIndex,
    Vocabulary,
    read_code_systems,
    read_payer,
    read_policy,
    read_vocabulary,
)
from cds_hooks.errors import StartError
from cds_hooks.file_watch import State, states_of
from cds_hooks.strict_json import load_schema, quick_check, read_document

T = TypeVar("T")

#: Files that change while they are read are read so often in all, after a pause in seconds.
_TRIES: Final = 10
_PAUSE: Final = 0.2

ALWAYS_CHANGING: Final = "the files are changed all the time, so that no state of them can be read"

#: Gets the bytes of everything that is read.
Note = Callable[[bytes], None]

_SCHEMAS: Final = Path(__file__).resolve().parents[2] / "cards"


@dataclass(frozen=True)
class Rules:
    """Everything an answer is decided by: the policies, indexed, and the payers they bind.

    `digest` tells one set of documents from another, whichever process or machine has read them; `files` are their
    states before they were read.
    """

    vocabulary: Vocabulary
    index: PolicyIndex
    payers: PayerDirectory
    digest: str = ""
    files: Mapping[str, State] = field(default_factory=dict, repr=False)


class RulesError(StartError):
    """The rules cannot be loaded; `files` are the states of their files before they were read."""

    def __init__(self, reason: str, files: Mapping[str, State]) -> None:
        super().__init__(reason)
        self.files = files


def load_rules(vocabulary_folder: Path, policy_folder: Path, payer_folder: Path) -> Rules:
    """Load all three folders, or raise RulesError with the file, the JSON path and the reason; never a part.

    Files that change while they are read are read again: else there could be old ones beside new ones.
    """
    folders = (vocabulary_folder, policy_folder, payer_folder)
    for _ in range(_TRIES):
        files = look_at(*folders)
        try:
            found: Rules | RulesError = _load(folders, files)
        except StartError as error:
            found = RulesError(str(error), files)
        if look_at(*folders) == files:
            break
        time.sleep(_PAUSE)
    else:
        found = RulesError(f"{policy_folder}: {ALWAYS_CHANGING}", files)
    if isinstance(found, RulesError):
        raise found
    return found


def _load(folders: tuple[Path, Path, Path], files: Mapping[str, State]) -> Rules:
    vocabulary_folder, policy_folder, payer_folder = folders
    digest = hashlib.sha256()
    vocabulary = load_vocabulary(vocabulary_folder, digest.update)
    policies = load_policies(policy_folder, vocabulary, digest.update)
    payers = _load_payers(payer_folder, policies, vocabulary, digest.update)
    return Rules(vocabulary, PolicyIndex(policies.values(), vocabulary), payers, digest.hexdigest()[:16], files)


def look_at(*folders: Path) -> dict[str, State]:
    """Return the state of every file that `load_rules` would read there; links are followed to what they mean now."""
    return states_of(entry.path for folder in folders for entry in _scan(folder) if is_document(entry.name))


def is_document(name: str) -> bool:
    """Tell whether a file is one of the rules by its name: not a schema, nor what editors put beside it (`.#x`)."""
    return name.endswith(".json") and not name.endswith(".schema.json") and not name.startswith(".")


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def load_vocabulary(folder: Path, note: Note | None = None) -> Vocabulary:
    """Load code-systems.json, words.json and cues.json."""
    documents = {}
    for name in ("code-systems", "words", "cues"):
        documents[name] = read_document(folder / f"{name}.json", *_schema("vocabulary", name))
        _tell(note, name, documents[name])
    systems = _reading(folder / "code-systems.json", partial(read_code_systems, documents["code-systems"]))
    return _reading(folder / "words.json", partial(read_vocabulary, systems, documents["words"], documents["cues"]))


def load_policies(folder: Path, vocabulary: Vocabulary, note: Note | None = None) -> dict[str, Policy]:
    """Load every policy of a folder, by id."""
    documents = _load_folder(folder, "policies", "policy", note)
    return {
        document["id"]: _reading(path, partial(read_policy, document, vocabulary))
        for path, document in documents.items()
    }


def _load_payers(folder: Path, policies: Mapping[str, Policy], vocabulary: Vocabulary, note: Note) -> PayerDirectory:
    documents = _load_folder(folder, "payers", "payer", note)
    payers = {
        path: _reading(path, partial(read_payer, document, vocabulary.code_systems))
        for path, document in documents.items()
    }
    defaults = [path.name for path, payer in payers.items() if payer.is_default]
    if len(defaults) != 1:
        raise StartError(f'{folder}: exactly one payer must have "default": true, these have: {defaults}')
    for path, payer in payers.items():
        _check_bindings(path, payer, policies)
    _check_marks(payers)
    return PayerDirectory(tuple(payers.values()))


def _check_bindings(path: Path, payer: Payer, policies: Mapping[str, Policy]) -> None:
    known = ", ".join(sorted(policies))
    for number, policy in enumerate(payer.policies):
        if policy not in policies:
            raise StartError(f"{path}: $.policies[{number}]: no policy {policy} (known: {known})")
    for member, named in (("policy-links", payer.policy_links), ("policy-contacts", payer.policy_contacts)):
        for policy in named:
            if policy not in payer.policies:
                raise StartError(f"{path}: $.{member}['{policy}']: not a policy that binds this payer")


def _check_marks(payers: Mapping[Path, Payer]) -> None:
    """Refuse two payers with one identifier or name: a Coverage would be recognised as neither."""
    owners: dict[Any, Path] = {}
    for path, payer in payers.items():
        for mark in (*payer.identifiers, *payer.names):
            if mark in owners:
                raise StartError(f"{path}: $.recognised-by: {mark} is recognised as {owners[mark].name} already")
            owners[mark] = path


def _load_folder(folder: Path, kind: str, noun: str, note: Note | None) -> dict[Path, Any]:
    paths = sorted(path for path in folder.glob("*.json") if is_document(path.name))
    if not paths:
        raise StartError(f"{folder}: no {noun} files (*.json) here")
    documents = {path: read_document(path, *_schema(kind, noun)) for path in paths}
    for path, document in documents.items():
        _tell(note, kind, document)
        if document["id"] != path.stem:
            raise StartError(f"{path}: $.id: must be the name of the file, {path.stem}")
    return documents


@cache
def _schema(kind: str, noun: str) -> tuple[Draft202012Validator, Callable[[Any], bool]]:
    """Return a schema and its quick check; they come with this package and do not change."""
    schema = load_schema(_SCHEMAS / kind / f"{noun}.schema.json")
    return schema, quick_check(schema)


def _tell(note: Note | None, kind: str, document: Any) -> None:
    if note:
        note(f"{kind} {json.dumps(document)}\n".encode())


def _reading(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except DocumentError as error:
        raise StartError(f"{path}: {error.path}: {error.reason}") from None
