"""Where the files of policies are: `<id>/policy.json` with its `cases.json`, or all policies flat in one folder.

The flat form, `<id>.json` with `<id>.cases.json`, is what a Kubernetes ConfigMap can hold. Files that begin with a dot
(`.DS_Store`, `.#x.json`, the `..data` of a ConfigMap), schemas, and whatever else editors leave are no rules.
"""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from cds_hooks.errors import StartError

#: The folder of the policies, payers and words that come with this package, and of their schemas.
SHIPPED: Final = Path(__file__).resolve().parents[2] / "cards"

POLICY: Final = "policy.json"
CASES: Final = "cases.json"

#: The folder among those of the policies that holds the forms they ask for.
QUESTIONNAIRES: Final = "questionnaires"

#: Names that end so are JSON, but no rules.
_OTHER_JSON: Final = (".schema.json", ".cases.json")

#: A shell loop over the flat policies of the current folder.
_MOVE: Final = "; ".join(
    (
        "for f in *.json",
        "do id=${f%.json}",
        'case "$id" in *.schema|*.cases) continue;',
        "esac",
        f'mkdir "$id" && mv "$f" "$id/{POLICY}"',
        'for c in "$id.cases.json" "cases/$f"',
        f'do if [ -f "$c" ]; then mv -n "$c" "$id/{CASES}"',
        "fi",
        "done",
        "done",
    )
)


class PolicyFiles(NamedTuple):
    """Where one policy is; `is_flat` where its file lies among those of other policies."""

    id: str
    policy: Path
    is_flat: bool

    def find_cases(self, folder: Path | None = None) -> Path:
        """Return the file of the policy's cases, there or not: beside the policy, or in a folder of cases alone."""
        if folder:
            return _first_present(folder / self.id / CASES, folder / f"{self.id}.json")
        if not self.is_flat:
            return self.policy.with_name(CASES)
        here = self.policy.parent
        return _first_present(here / f"{self.id}.cases.json", here / "cases" / f"{self.id}.json")


def _first_present(first: Path, second: Path) -> Path:
    return second if second.exists() and not first.exists() else first


def is_document(name: str) -> bool:
    """Tell whether a file is one of the rules by its name: not a schema or cases, nor an editor's (`.#x.json`)."""
    return name.endswith(".json") and not name.endswith(_OTHER_JSON) and not name.startswith(".")


def list_documents(folder: Path) -> list[Path]:
    """Return the documents that lie in a folder itself, by name."""
    return sorted(Path(entry.path) for entry in _scan(folder) if is_document(entry.name))


def document_paths(folder: Path) -> Iterator[str]:
    """Yield the path of each document of a folder, and of `policy.json` in each folder in it, there or not."""
    for entry in _scan(folder):
        if is_document(entry.name):
            yield entry.path
        elif _is_folder(entry):
            yield f"{entry.path}{os.sep}{POLICY}"


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return not entry.name.startswith(".") and entry.is_dir()
    except OSError:  # a link to itself
        return False


def find_policies(folder: Path) -> dict[str, PolicyFiles]:
    """Return where each policy of a folder is, by id; StartError if there is none, or one is there in both forms."""
    found: dict[str, PolicyFiles] = {}
    for path in filter(os.path.lexists, document_paths(folder)):
        files = _read_path(Path(path), folder)
        if files.id in found:
            raise StartError(f"{folder}: the policy {files.id} is there twice: {files.id}.json and {files.id}/{POLICY}")
        found[files.id] = files
    if not found:
        raise StartError(f"{folder}: no policies (<id>/{POLICY}) here")
    return dict(sorted(found.items()))


def _read_path(path: Path, folder: Path) -> PolicyFiles:
    is_flat = path.parent == folder
    return PolicyFiles(path.stem if is_flat else path.parent.name, path, is_flat)


def find_own_folder(folder: Path) -> PolicyFiles | None:
    """Return the policy whose own folder this is; None where it is a folder of policies."""
    path = folder / POLICY
    return PolicyFiles(folder.name, path, is_flat=False) if path.is_file() else None


def folders_without_policy(folder: Path) -> list[Path]:
    """Return the folders with JSON in them but no policy.json, by name; `cases` is of the flat form."""
    others = ("cases", QUESTIONNAIRES)
    folders = [Path(entry.path) for entry in _scan(folder) if _is_folder(entry) and entry.name not in others]
    return sorted(path for path in folders if not (path / POLICY).exists() and list_documents(path))


def how_to_move(folder: Path) -> str | None:
    """Return the shell command that gives each flat policy of a folder, and its cases, a folder of its own.

    None where no policy is flat, and where Kubernetes has mounted the folder: the keys of a ConfigMap are flat.
    """
    if not list_documents(folder) or (folder / "..data").exists():
        return None
    return f"cd {shlex.quote(str(folder))} && {_MOVE}"
