"""Reads the vocabulary, the policies and the payers, checks them against their schemas and each other, once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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
from cds_hooks.errors import StartError
from cds_hooks.json_documents import load_schema, read_document

T = TypeVar("T")

_SCHEMAS: Final = Path(__file__).resolve().parent.parent / "cards"


@dataclass(frozen=True)
class Rules:
    """Everything an answer is decided by: the policies, indexed, and the payers they bind."""

    vocabulary: Vocabulary
    index: PolicyIndex
    payers: PayerDirectory


def load_rules(vocabulary_folder: Path, policy_folder: Path, payer_folder: Path) -> Rules:
    """Load all three folders, or raise StartError with the file, the JSON path and the reason; never a part."""
    vocabulary = load_vocabulary(vocabulary_folder)
    policies = load_policies(policy_folder, vocabulary)
    payers = _load_payers(payer_folder, policies, vocabulary)
    return Rules(vocabulary, PolicyIndex(policies.values(), vocabulary), payers)


def load_vocabulary(folder: Path) -> Vocabulary:
    """Load code-systems.json, words.json and cues.json."""
    documents = {}
    for name in ("code-systems", "words", "cues"):
        schema = load_schema(_SCHEMAS / "vocabulary" / f"{name}.schema.json")
        documents[name] = read_document(folder / f"{name}.json", schema)
    systems = _reading(folder / "code-systems.json", partial(read_code_systems, documents["code-systems"]))
    return _reading(folder / "words.json", partial(read_vocabulary, systems, documents["words"], documents["cues"]))


def load_policies(folder: Path, vocabulary: Vocabulary) -> dict[str, Policy]:
    """Load every policy of a folder, by id."""
    documents = _load_folder(folder, "policies", "policy")
    return {
        document["id"]: _reading(path, partial(read_policy, document, vocabulary))
        for path, document in documents.items()
    }


def _load_payers(folder: Path, policies: Mapping[str, Policy], vocabulary: Vocabulary) -> PayerDirectory:
    documents = _load_folder(folder, "payers", "payer")
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


def _load_folder(folder: Path, kind: str, noun: str) -> dict[Path, Any]:
    schema = load_schema(_SCHEMAS / kind / f"{noun}.schema.json")
    paths = sorted(path for path in folder.glob("*.json") if not path.name.endswith(".schema.json"))
    if not paths:
        raise StartError(f"{folder}: no {noun} files (*.json) here")
    documents = {path: read_document(path, schema) for path in paths}
    for path, document in documents.items():
        if document["id"] != path.stem:
            raise StartError(f"{path}: $.id: must be the name of the file, {path.stem}")
    return documents


def _reading(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except DocumentError as error:
        raise StartError(f"{path}: {error.path}: {error.reason}") from None
