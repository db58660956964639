"""Reads the vocabulary, the policies and the payers, and checks them against their schemas and each other."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar

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
from cds_hooks.documents import Schema, load_schema, quick_check, read_document
from cds_hooks.errors import StartError
from cds_hooks.file_watch import State, states_of
from cds_hooks.rules.folders import QUESTIONNAIRES, SHIPPED, PolicyFiles, document_paths, find_policies, list_documents
from cds_hooks.rules.questionnaires import load_questionnaires

K = TypeVar("K")
T = TypeVar("T")

#: Files that change while they are read are read so often in all, after a pause in seconds.
_TRIES: Final = 10
_PAUSE: Final = 0.2

#: The documents of the vocabulary that hold words.
_WORDS: Final = ("words", "cues", "plain-words", "withdrawals")
#: The weights of what was learned of labelled orders; a folder of one's own may be without.
_LEARNED: Final = ("learned",)

ALWAYS_CHANGING: Final = "the files are changed all the time, so that no state of them can be read"

#: Gets the bytes of everything that is read.
Note = Callable[[bytes], None]


@dataclass(frozen=True)
class Rules:
    """Everything an answer is decided by: the policies, indexed, and the payers they bind; and the forms they ask for.

    `digest` tells one set of documents from another, whichever process or machine has read them; `files` are their
    states before they were read.
    """

    vocabulary: Vocabulary
    index: PolicyIndex
    payers: PayerDirectory
    digest: str = ""
    questionnaires: Mapping[str, bytes] = field(default_factory=dict, repr=False)
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
    forms = load_questionnaires(policy_folder, digest.update)
    payers = bind_payers(load_payers(payer_folder, vocabulary, digest.update), policies)
    index = PolicyIndex(policies.values(), vocabulary)
    return Rules(vocabulary, index, payers, digest.hexdigest()[:16], forms, files)


def look_at(*folders: Path) -> dict[str, State]:
    """Return the state of every file that `load_rules` would read there; links are followed to what they mean now.

    A folder without a policy.json has the state None until it has one.
    """
    every = [part for folder in folders for part in (folder, folder / QUESTIONNAIRES)]
    return states_of(path for folder in every for path in document_paths(folder))


def load_vocabulary(folder: Path, note: Note | None = None) -> Vocabulary:
    """Load code-systems.json, the lists of words, and what was learned of them where there is such a file."""
    documents = {}
    are_there = [name for name in _LEARNED if (folder / f"{name}.json").is_file()]
    for name in ("code-systems", *_WORDS, *are_there):
        documents[name] = read_document(folder / f"{name}.json", *_schema("vocabulary", name))
        _tell(note, name, documents[name])
    systems = _reading(folder / "code-systems.json", partial(read_code_systems, documents["code-systems"]))
    lists = [documents[name] for name in (*_WORDS, *are_there)]
    return _reading(folder / "words.json", partial(read_vocabulary, systems, *lists))


def load_policies(folder: Path, vocabulary: Vocabulary, note: Note | None = None) -> dict[str, Policy]:
    """Load every policy of a folder, by id; StartError says what is wrong in all files that cannot be read."""
    return load_policy_files(find_policies(folder), vocabulary, note)


def load_policy_files(
    files: Mapping[str, PolicyFiles], vocabulary: Vocabulary, note: Note | None = None
) -> dict[str, Policy]:
    """Load policies from where they are; StartError says what is wrong in all files that cannot be read."""
    policies, faults = read_policies(files, vocabulary, note)
    if faults:
        raise StartError("\n".join(faults))
    return policies


def read_policies(
    files: Mapping[str, PolicyFiles], vocabulary: Vocabulary, note: Note | None = None
) -> tuple[dict[str, Policy], list[str]]:
    """Return the policies that can be read, by id, and of each file that cannot what is wrong in it, a line a fault."""
    return _read_each(files, lambda policy: _load_policy(files[policy], vocabulary, note))


def _read_each(keys: Iterable[K], read: Callable[[K], T]) -> tuple[dict[K, T], list[str]]:
    found, faults = {}, []
    for key in keys:
        try:
            found[key] = read(key)
        except StartError as error:
            faults.append(str(error))
    return found, faults


def _load_policy(files: PolicyFiles, vocabulary: Vocabulary, note: Note | None) -> Policy:
    document = read_policy_document(files.policy)
    _tell(note, "policies", document)
    _check_id(files.policy, document, files.id, "file" if files.is_flat else "folder")
    return _reading(files.policy, partial(read_policy, document, vocabulary))


def read_policy_document(path: Path) -> Any:
    """Return a policy as its author wrote it, once it has passed its schema."""
    return read_document(path, *_schema("policies", "policy"))


def load_payers(folder: Path, vocabulary: Vocabulary, note: Note | None = None) -> dict[Path, Payer]:
    """Load every payer of a folder, by file; StartError says what is wrong in all files that cannot be read.

    Nothing is said of the policies they name.
    """
    paths = list_documents(folder)
    if not paths:
        raise StartError(f"{folder}: no payer files (*.json) here")
    payers, faults = _read_each(paths, lambda path: _load_payer(path, vocabulary, note))
    if faults:
        raise StartError("\n".join(faults))
    defaults = [path.name for path, payer in payers.items() if payer.is_default]
    if len(defaults) != 1:
        raise StartError(f'{folder}: exactly one payer must have "default": true, these have: {defaults}')
    _check_marks(payers)
    return payers


def _load_payer(path: Path, vocabulary: Vocabulary, note: Note | None) -> Payer:
    document = read_document(path, *_schema("payers", "payer"))
    _tell(note, "payers", document)
    _check_id(path, document, path.stem, "file")
    return _reading(path, partial(read_payer, document, vocabulary.code_systems))


def _check_id(path: Path, document: Any, name: str, kind: str) -> None:
    if document["id"] != name:
        raise StartError(f"{path}: $.id: must be the name of the {kind}, {name}")


def bind_payers(payers: Mapping[Path, Payer], policies: Mapping[str, Policy]) -> PayerDirectory:
    """Return the payers once it is known that every policy they name is there."""
    for path, payer in payers.items():
        _check_bindings(path, payer, policies)
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


@cache
def _schema(kind: str, noun: str) -> tuple[Schema, Callable[[Any], bool]]:
    """Return a schema and its quick check; they come with this package and do not change."""
    schema = load_schema(SHIPPED / kind / f"{noun}.schema.json")
    return schema, quick_check(schema)


def _tell(note: Note | None, kind: str, document: Any) -> None:
    """Note what a document says; where an editor finds its schema is no part of that."""
    if note:
        said = {name: value for name, value in document.items() if name != "$schema"}
        note(f"{kind} {json.dumps(said)}\n".encode())


def _reading(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except DocumentError as error:
        raise StartError(f"{path}: {error.path}: {error.reason}") from None
