"""Where the commands find policies, a folder or one file that stands in for its like, and where they write new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator

from cards import DocumentError, Policy, PolicyIndex, read_policy
from cds_hooks.errors import StartError
from cds_hooks.rules.cases import load_cases_schema
from cds_hooks.rules.loading import Rules, load_policies, load_rules, load_vocabulary
from cds_hooks.settings import Settings
from cds_hooks.strict_json import load_schema, read_document

_SCHEMAS: Final = Path(__file__).resolve().parents[2] / "cards"


@dataclass(frozen=True)
class Source:
    """A policy of the configured folder twice: ready to be asked, and as its author wrote it, with its words."""

    policy: Policy
    document: Mapping[str, Any]
    words: Mapping[str, Sequence[str]]


def find_source(policy: str, settings: Settings) -> Source:
    """Return a policy of the configured folder; StartError names the known ones where there is none of this id."""
    policies = load_policies(settings.policies, load_vocabulary(settings.vocabulary))
    if policy not in policies:
        raise StartError(f"{settings.policies}: no policy {policy} (known: {', '.join(sorted(policies))})")
    words = read_document(
        settings.vocabulary / "words.json", load_schema(_SCHEMAS / "vocabulary" / "words.schema.json")
    )
    return Source(
        policy=policies[policy],
        document=read_document(settings.policies / f"{policy}.json", _load_policy_schema()),
        words={name: entry["terms"] for name, entry in words["lists"].items()},
    )


def _load_policy_schema() -> Draft202012Validator:
    return load_schema(_SCHEMAS / "policies" / "policy.schema.json")


def load_source(path: Path, settings: Settings) -> Rules:
    """Load the policies of a folder, or the configured ones with a file in the place of that with the same id.

    Vocabulary and payers are the configured ones; the payers need not bind what the folder has.
    """
    configured = load_rules(settings.vocabulary, settings.policies, settings.payers)
    if path == settings.policies:
        return configured
    if path.is_dir():
        policies = load_policies(path, configured.vocabulary)
    else:
        policy = _load_policy(path, configured)
        policies = {**configured.index.policies, policy.id: policy}
    return Rules(configured.vocabulary, PolicyIndex(policies.values(), configured.vocabulary), configured.payers)


def _load_policy(path: Path, configured: Rules) -> Policy:
    """Load a file of any name: a draft is often kept beside the policy it will replace."""
    document = read_document(path, _load_policy_schema())
    try:
        return read_policy(document, configured.vocabulary)
    except DocumentError as error:
        raise StartError(f"{path}: {error.path}: {error.reason}") from None


def find_cases_folder(policies: Path) -> Path:
    """Return the folder of the cases: tests/policies beside the current directory, else `cases` in the policies'."""
    beside = Path.cwd() / "tests" / "policies"
    if beside.is_dir():
        return beside
    return (policies if policies.is_dir() else policies.parent) / "cases"


def write_new(
    folder: Path, policy: Mapping[str, Any], cases_folder: Path, cases: Mapping[str, Any]
) -> tuple[Path, ...]:
    """Write a policy and its cases, both or nothing: StartError if one is wrong or there already."""
    name = f"{policy['id']}.json"
    _refuse_faults(policy, _load_policy_schema())
    _refuse_faults(cases, load_cases_schema())
    documents = {folder / name: policy, cases_folder / name: cases}
    for path in documents:
        if path.exists():
            raise StartError(f"{path}: is there already; nothing was written")
    for path, document in documents.items():
        _write(path, document)
    return tuple(documents)


def _refuse_faults(document: Mapping[str, Any], schema: Draft202012Validator) -> None:
    for fault in schema.iter_errors(document):
        raise StartError(f"{fault.json_path}: {fault.message}; nothing was written")


def _write(path: Path, document: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}") from None
