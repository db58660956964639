"""Rules as they travel to other processes and machines: their documents as bytes, loaded where they arrive."""

import hashlib
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from cds_hooks.rules.folders import POLICY, PolicyFiles, find_policies, list_documents
from cds_hooks.rules.loading import (
    Rules,
    bind_payers,
    load_payers,
    load_policy_files,
    load_rules,
    load_vocabulary,
    read_policy_document,
)
from cds_hooks.settings import Settings

_FOLDERS: Final = ("vocabulary", "policies", "payers")


class RulesPackage(NamedTuple):
    """The documents of one set of rules: their paths in the three folders, and their bytes."""

    documents: tuple[tuple[str, bytes], ...]

    @property
    def digest(self) -> str:
        """What tells one set of documents from another."""
        read = hashlib.sha256()
        for name, content in self.documents:
            read.update(f"{name} {len(content)}\n".encode() + content)
        return read.hexdigest()[:16]


def pack_rules(settings: Settings, policies: Path | None = None, payers: Path | None = None) -> RulesPackage:
    """Pack the configured rules, or those with other policies and payers; StartError where they cannot be loaded.

    `policies` is a folder of policies, or a single policy (a file, or its own folder), which stands in for its like.
    """
    found = _find(settings, policies)
    vocabulary = load_vocabulary(settings.vocabulary)  # what is wrong is told where it stands, not where it arrives
    bind_payers(load_payers(payers or settings.payers, vocabulary), load_policy_files(found, vocabulary))
    documents = [("vocabulary", path) for path in list_documents(settings.vocabulary)]
    documents += [("payers", path) for path in list_documents(payers or settings.payers)]
    named = [(f"{folder}/{path.name}", path) for folder, path in documents]
    named += [(f"policies/{one.id}/{POLICY}", one.policy) for one in found.values()]
    return RulesPackage(tuple((name, path.read_bytes()) for name, path in sorted(named)))


def _find(settings: Settings, policies: Path | None) -> dict[str, PolicyFiles]:
    if policies is None:
        return find_policies(settings.policies)
    single = policies / POLICY if (policies / POLICY).is_file() else policies
    if single.is_dir():
        return find_policies(single)
    own = PolicyFiles(read_policy_document(single)["id"], single, is_flat=single.name != POLICY)
    return {**find_policies(settings.policies), own.id: own}


@lru_cache(maxsize=4)
def unpack_rules(package: RulesPackage) -> Rules:
    """Load the rules of a package, once in each process."""
    with tempfile.TemporaryDirectory(prefix="crd-rules-") as folder:
        for name, content in package.documents:
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return load_rules(*(Path(folder, name) for name in _FOLDERS))
