"""Where the orders are: files, folders and object stores, cut into ranges that are read side by side.

Files without compression are cut at line ends; a compressed one is read in one piece.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, Final, NamedTuple

import fsspec
import zstandard

from cds_hooks.errors import StartError

#: Endings of FHIR bulk data, and of its compressed forms with what reads them.
_NDJSON: Final = (".ndjson", ".jsonl")
_COMPRESSED: Final = {".gz": "gzip", ".zst": "zstd"}

#: Bytes of a range: as many ranges as keep all cores busy, but none too small or too large to be worth it.
_LEAST: Final = 1 << 20
_MOST: Final = 32 << 20
_RANGES: Final = 64

#: What is raised of a file that is damaged, or cannot be read on.
READ_ERRORS: Final = (OSError, EOFError, ValueError, zlib.error, zstandard.ZstdError)

#: Bytes read at once, and the longest line that is read: FHIR servers send none that are near it.
_CHUNK: Final = 1 << 20
LONGEST_LINE: Final = 4 << 20


class DataFile(NamedTuple):
    """A file of resources; `stamp` changes when it does."""

    url: str
    size: int
    stamp: str

    @property
    def compression(self) -> str | None:
        """How the file is compressed, by its name."""
        return next((how for ending, how in _COMPRESSED.items() if self.url.endswith(ending)), None)


class FileRange(NamedTuple):
    """The lines of a file that begin at a byte from `start` to before `end`; a negative `end` means all of it."""

    number: int
    url: str
    start: int
    end: int
    size: int
    compression: str | None

    @property
    def folder(self) -> str:
        """The name of the folder that the file lies in."""
        return self.url.rpartition("/")[0].rpartition("/")[2]


def find_files(places: Iterable[str]) -> list[DataFile]:
    """Return the NDJSON files of some files, folders and URLs, each once; StartError where there is none."""
    found: dict[str, DataFile] = {}
    for place in places:
        files = list(_files_of(place))
        if not files:
            raise StartError(f"{place}: no NDJSON here (files that end in {', '.join(_NDJSON)}, also .gz or .zst)")
        found.update((file.url, file) for file in files)
    return sorted(found.values())


def _files_of(place: str) -> Iterator[DataFile]:
    try:
        system, path = fsspec.core.url_to_fs(place)
        is_folder = system.isdir(path)
        listed = list(system.find(path, detail=True).values()) if is_folder else [system.info(path)]
    except (OSError, ValueError, ImportError) as error:
        raise StartError(f"{place}: cannot be read: {type(error).__name__}") from None
    for info in listed:
        if not is_folder or _is_ndjson(info["name"]):
            yield DataFile(system.unstrip_protocol(info["name"]), int(info["size"] or 0), _stamp(info))


def _is_ndjson(name: str) -> bool:
    plain = next((name.removesuffix(ending) for ending in _COMPRESSED if name.endswith(ending)), name)
    return plain.endswith(_NDJSON)


def _stamp(info: dict[str, Any]) -> str:
    return str(next((info[key] for key in ("mtime", "ETag", "etag", "LastModified") if info.get(key)), ""))


def cut(files: Sequence[DataFile]) -> list[FileRange]:
    """Cut files into ranges, numbered in the order of files and bytes."""
    step = min(_MOST, max(_LEAST, sum(file.size for file in files) // _RANGES))
    ranges: list[FileRange] = []
    for file in files:
        for start in range(0, max(1, file.size), step) if file.compression is None else (0,):
            end = -1 if file.compression else min(start + step, file.size)
            size = file.size if file.compression else end - start
            ranges.append(FileRange(len(ranges), file.url, start, end, size, file.compression))
    return ranges


def digest(parts: Iterable[Any]) -> str:
    """Return what tells one plan of work from another, in a few characters."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]


def read_lines(part: FileRange) -> Iterator[bytes | None]:
    """Yield the lines of a range, empty ones too; None for one that is too long to be read."""
    is_zstd = part.compression == "zstd"
    with fsspec.open(part.url, "rb", compression=None if is_zstd else part.compression) as stream:
        if is_zstd:
            yield from _split(_ZstdReader(stream), 0, part.end)
            return
        if part.start:
            stream.seek(part.start - 1)  # the line that goes on here belongs to the range before
            _skip_line(stream)
        yield from _split(stream, stream.tell() if part.start else 0, part.end)


class _ZstdReader:
    """Reads frames of zstd; EOFError where the last one is not whole, which zstandard's own reader passes over."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._has_begun = False

    def read(self, size: int) -> bytes:
        """Return the next bytes, as many as come of up to `size` compressed ones; none at the end."""
        while chunk := self._stream.read(size >> 4):
            if found := self._decompress(chunk):
                return found
        if self._has_begun:
            raise EOFError("the file ends within a frame")
        return b""

    def _decompress(self, chunk: bytes) -> bytes:
        found = b""
        while chunk:
            found += self._frame.decompress(chunk)
            self._has_begun = not self._frame.eof
            chunk = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        return found


def _skip_line(stream: IO[bytes]) -> None:
    while (piece := stream.readline(_CHUNK)) and not piece.endswith(b"\n"):
        pass


def _split(stream: "IO[bytes] | _ZstdReader", begun: int, end: int) -> Iterator[bytes | None]:
    """Yield the lines that begin before `end`; `begun` is where the first one does."""
    rest, dropped = b"", 0
    while chunk := stream.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if 0 <= end <= begun:
                return
            yield None if dropped else line
            begun, dropped = begun + dropped + len(line) + 1, 0
        if len(rest) > LONGEST_LINE:
            dropped, rest = dropped + len(rest), b""
    if (rest or dropped) and not 0 <= end <= begun:
        yield None if dropped else rest
