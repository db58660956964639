"""Policies that somebody drops onto a page: JSON files or a zip of folders, laid out as a folder of policies.

They are written into a folder that is gone with the request; nothing of them is installed.
"""

import codecs
import io
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import orjson

from cds_hooks.rules.folders import CASES, POLICY, PolicyFiles

#: What a zip may hold: more is no folder of policies that somebody tries on a page.
_MOST_FILES: Final = 2000
_MOST_BYTES: Final = 64 * 1024 * 1024

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")


class DraftError(ValueError):
    """What was dropped cannot be taken; the text says why."""


class DraftFile(NamedTuple):
    """A JSON file that was dropped: in which folder of a zip (empty: none), its name, and what is in it."""

    folder: str
    name: str
    content: bytes

    @property
    def is_cases(self) -> bool:
        """Tell whether it holds cases, by its name."""
        return self.name == CASES or self.name.endswith(f".{CASES}")


class Drafts(NamedTuple):
    """A folder of policies, the ids in it, and those of them whose cases are the installed ones."""

    folder: Path
    ids: tuple[str, ...]
    with_installed_cases: tuple[str, ...]


def read_files(dropped: Iterable[tuple[str, bytes]]) -> list[DraftFile]:
    """Return the JSON files among what was dropped, those in zips among them; DraftError where there are none."""
    found: list[DraftFile] = []
    for name, content in dropped:
        if name.lower().endswith(".zip"):
            found += _unzip(name, content)
        elif _is_wanted(name):
            found.append(DraftFile("", name, content))
    if not any(not file.is_cases for file in found):
        raise DraftError("No policy here: drop a policy.json, with its cases.json, or a zip of policy folders.")
    return found


def _is_wanted(name: str) -> bool:
    return name.endswith(".json") and not name.endswith(".schema.json") and not name.startswith(".")


def _unzip(name: str, content: bytes) -> Iterator[DraftFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_FILES or sum(entry.file_size for entry in entries) > _MOST_BYTES:
                raise DraftError(f"{name}: more than {_MOST_FILES} files, or {_MOST_BYTES // 2**20} MB.")
            for entry in entries:
                path = PurePosixPath(entry.filename.replace("\\", "/"))
                if _is_wanted(path.name) and "__MACOSX" not in path.parts:
                    yield DraftFile(path.parent.name, path.name, archive.read(entry))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError):
        raise DraftError(f"{name}: not a zip that can be opened.") from None


def lay_out(files: Iterable[DraftFile], folder: Path, installed: dict[str, PolicyFiles]) -> Drafts:
    """Write policies into folders of their own, each with its cases: those that came along, else the installed ones."""
    policies: dict[str, DraftFile] = {}
    cases: list[DraftFile] = []
    for file in files:
        if file.is_cases:
            cases.append(file)
        else:
            policies[_policy_id(file)] = file
    for id_, file in policies.items():
        _write(folder / id_ / POLICY, file.content)
    for file in cases:
        if owner := _owner(file, policies):
            _write(folder / owner / CASES, file.content)
    borrowed = tuple(id_ for id_ in policies if _borrow_cases(folder / id_ / CASES, installed.get(id_)))
    return Drafts(folder, tuple(sorted(policies)), borrowed)


def _policy_id(file: DraftFile) -> str:
    """Return the name of the folder for a policy: the one it was in, else the id it says itself."""
    said = _member(file.content, "id")
    for name in (file.folder, said, file.name.removesuffix(".json")):
        if isinstance(name, str) and _ID.fullmatch(name) and name != "policies":
            return name
    return "policy"


def _owner(file: DraftFile, policies: dict[str, DraftFile]) -> str | None:
    named = file.folder or file.name.removesuffix(f".{CASES}")
    if named in policies:
        return named
    return next(iter(policies)) if len(policies) == 1 else None


def _member(content: bytes, name: str) -> Any:
    try:
        document = orjson.loads(content.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError:
        return None
    return document.get(name) if isinstance(document, dict) else None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _borrow_cases(path: Path, installed: PolicyFiles | None) -> bool:
    if path.exists() or installed is None or not installed.find_cases().exists():
        return False
    shutil.copyfile(installed.find_cases(), path)
    return True


def lay_over(drafts: Drafts, folder: Path, installed: dict[str, PolicyFiles]) -> None:
    """Fill a folder with the installed policies, the drafts in the place of those with their ids."""
    for id_, files in installed.items():
        if id_ not in drafts.ids:
            _link(files.policy, folder / id_ / POLICY)
            _link(files.find_cases(), folder / id_ / CASES)
    for id_ in drafts.ids:
        _link(drafts.folder / id_, folder / id_)


def _link(source: Path, path: Path) -> None:
    if source.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(source.resolve())
