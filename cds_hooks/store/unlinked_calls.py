"""The calls that no link has named yet, as a verification goes through links and calls in the order of time."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from cds_hooks.store.call_digests import Page

#: Of those that links have named, as many are known for a while.
_KEPT = 2000


class UnlinkedCalls:
    """Digests of calls by the names that links have for them; empty where a call cannot be opened.

    Calls are read as far as a link needs. `tell_damaged` is called with the name of what cannot be opened, and why.
    """

    def __init__(self, pages: Iterator[Page], tell_damaged: Callable[[bytes, str], None]) -> None:
        self._pages = pages
        self._tell_damaged = tell_damaged
        self._read_until = b""
        self._held: dict[bytes, bytes] = {}
        #: Those that were taken last, and before: a commit that failed was repeated, and had come through.
        self._taken: dict[bytes, bytes | None] = {}
        self._taken_before: dict[bytes, bytes | None] = {}
        #: How many calls were read.
        self.read = 0

    def take(self, names: Sequence[bytes]) -> Sequence[bytes | None]:
        """Return the digests of the calls of one link; None for a call that is not there."""
        last = max(names)
        while self._read_until < last and self._hold_page():
            pass
        held = self._held
        digests = [held.pop(name, None) for name in names]
        if None in digests:
            digests = [self._find_taken(name, digest) for name, digest in zip(names, digests, strict=True)]
        self._taken.update(zip(names, digests, strict=True))
        if len(self._taken) > _KEPT:
            self._taken_before, self._taken = self._taken, {}
        return digests

    def rest(self) -> Iterable[bytes]:
        """Return the names of the calls that no link has named."""
        while self._hold_page():
            pass
        return self._held

    def _find_taken(self, name: bytes, digest: bytes | None) -> bytes | None:
        """Return a digest that was held; else the one of a call that was taken before, by this link or another."""
        if digest is None:
            digest = self._taken.get(name)
        if digest is None:
            digest = self._taken_before.get(name)
        self._taken[name] = digest
        return digest

    def _hold_page(self) -> bool:
        """Read some more calls; tell whether there were any."""
        page = next(self._pages, None)
        if page is None:
            return False
        self._held.update(page.pairs())
        self._read_until = page.last or self._read_until
        self.read += len(page)
        for name, why in page.damaged.items():
            self._tell_damaged(name, why)
        return True
