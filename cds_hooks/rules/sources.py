"""Where the commands find policies, a folder or one file that stands in for its like, and where they write new ones."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from cards import PayerDirectory, Policy, PolicyIndex
from cds_hooks.documents import Schema, load_schema, read_document, tell_faults
from cds_hooks.errors import StartError
from cds_hooks.rules.cases import ANY_PAYER, load_cases_schema
from cds_hooks.rules.folders import CASES, POLICY, SHIPPED, PolicyFiles, find_policies
from cds_hooks.rules.loading import (
    Rules,
    load_policies,
    load_policy_files,
    load_vocabulary,
    read_policy_document,
)
from cds_hooks.settings import Settings

#: What editors check a policy and its cases against; a new policy names them by their place one folder up.
_EDITOR_SCHEMAS: Final = ("policy.schema.json", "policy-cases.schema.json")

#: Folders of these names belong to an installation, which its next update replaces.
_INSTALLED: Final = {"site-packages", "dist-packages"}


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
    words = read_document(settings.vocabulary / "words.json", load_schema(SHIPPED / "vocabulary" / "words.schema.json"))
    return Source(
        policy=policies[policy],
        document=read_policy_document(find_policies(settings.policies)[policy].policy),
        words={name: entry["terms"] for name, entry in words["lists"].items()},
    )


class PolicySet(NamedTuple):
    """Policies ready to be asked, the cases file of each that has one, and the documents of all."""

    rules: Rules
    cases: Mapping[str, Path]
    documents: Mapping[str, Mapping[str, Any]]


def load_policy_set(path: Path, cases_folder: Path | None, settings: Settings) -> PolicySet:
    """Load the policies of a folder, or the configured ones with a single policy in the place of that with its id.

    A single policy is a file of any name, or a folder with a policy.json; without cases it has those of its like. The
    vocabulary is the configured one.
    """
    vocabulary = load_vocabulary(settings.vocabulary)
    single = path / POLICY if path.is_dir() and (path / POLICY).is_file() else path
    files = find_policies(path if single.is_dir() else settings.policies)
    cases = _find_cases(files, cases_folder)
    if single.is_file():
        policy = PolicyFiles(read_policy_document(single)["id"], single, is_flat=single.name != POLICY)
        files[policy.id] = policy
        cases |= _find_cases({policy.id: policy}, cases_folder)
    index = PolicyIndex(load_policy_files(files, vocabulary).values(), vocabulary)
    documents = {one.id: read_policy_document(one.policy) for one in files.values()}
    return PolicySet(Rules(vocabulary, index, PayerDirectory((ANY_PAYER,))), cases, documents)


def _find_cases(files: Mapping[str, PolicyFiles], folder: Path | None) -> dict[str, Path]:
    return {one.id: path for one in files.values() if (path := one.find_cases(folder)).exists()}


def write_new(folder: Path, policy: Mapping[str, Any], cases: Mapping[str, Any]) -> tuple[Path, ...]:
    """Write a policy and its cases into a folder of their own, both or nothing; schemas beside it if there are none.

    All that was written is returned. StartError where a document is wrong, something is there already, or the folder is
    part of an installation.
    """
    _refuse_installed(folder)
    _refuse_faults(policy, load_schema(SHIPPED / "policies" / _EDITOR_SCHEMAS[0]))
    _refuse_faults(cases, load_cases_schema())
    documents = {folder / policy["id"] / POLICY: policy, folder / policy["id"] / CASES: cases}
    for path in (folder / f"{policy['id']}.json", *documents):
        if path.exists():
            raise StartError(f"{path}: is there already; nothing was written")
    for path, document in documents.items():
        _write(path, document)
    schemas = [folder / name for name in _EDITOR_SCHEMAS if not (folder / name).exists()]
    for path in schemas:
        shutil.copyfile(SHIPPED / "policies" / path.name, path)
    return (*documents, *schemas)


def _refuse_installed(folder: Path) -> None:
    if SHIPPED in folder.resolve().parents and _INSTALLED & set(SHIPPED.parts):
        raise StartError(f"{folder}: belongs to the installed package, whose next update would remove the policy")


def _refuse_faults(document: Mapping[str, Any], schema: Schema) -> None:
    for path, reason in tell_faults(document, schema):
        raise StartError(f"{path}: {reason}; nothing was written")


def _write(path: Path, document: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}") from None
