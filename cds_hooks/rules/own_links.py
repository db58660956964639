"""Links of policies and payers that lead to this service, which does not have what they lead to.

Cards and coverage information carry them to people and to DTR clients, who would find nothing.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from cards.references import fold_base
from cds_hooks.errors import StartError
from cds_hooks.strict_json import parse_json

Json = Mapping[str, Any]

#: Where forms are read from, below the URL of the service.
_FORMS: Final = "fhir/Questionnaire/"

#: Members of documents that say the canonical URLs of forms: of policies a list, of payers an object by them.
_ASKED, _LINKED = "questionnaires", "questionnaire-links"

#: Where a machine finds itself.
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class DeadLink(NamedTuple):
    """A link that leads nowhere: the file, the JSON path, what is wrong."""

    file: str
    path: str
    problem: str


class Forms(NamedTuple):
    """The forms that the service has, by id, and the URL that it is called by; empty where nobody has said it."""

    by_id: Mapping[str, Json]
    base: str

    def why_dead(self, url: str) -> str | None:
        """Return why a link leads nowhere; None where it leads elsewhere, or to what is there."""
        if not self._is_here(url):
            return None
        path = urlsplit(url).path.removeprefix(urlsplit(self.base).path).strip("/")
        name = path.removeprefix(_FORMS)
        if path != f"{_FORMS}{name}" or "/" in name:
            return f"leads to this service, which has forms at /{_FORMS}ID alone"
        if name not in self.by_id:
            known = ", ".join(sorted(self.by_id)) or "none"
            return f"leads to this service, which has no form {name} (known: {known})"
        return None

    def why_other(self, canonical: str) -> str | None:
        """Return why the form that a canonical URL leads to here is another one; None where it is that."""
        form = self.by_id.get(canonical.rpartition("/")[2])
        if form is None or form["url"] == canonical or not self._is_here(canonical):
            return None
        return f"leads to a form of this service whose own url is {form['url']}"

    def _is_here(self, url: str) -> bool:
        """Tell whether a URL leads to this service: below its own, or to the machine itself where none is said."""
        if not self.base:
            return (urlsplit(url).hostname or "") in _LOOPBACK
        return f"{fold_base(url)}/".startswith(f"{fold_base(self.base)}/")


def read_forms(forms: Mapping[str, bytes], base: str) -> Forms:
    """Return the forms that were loaded, to be asked about links."""
    return Forms({name: json.loads(form) for name, form in forms.items()}, base)


def find_dead_links(path: Path, forms: Forms) -> Iterator[DeadLink]:
    """Yield the links of a policy's or a payer's file that lead nowhere; a file that cannot be read has none here."""
    try:
        document = parse_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError, StartError):
        return
    for where, url, is_form in _links(document, "$"):
        problem = forms.why_dead(url) or (forms.why_other(url) if is_form else None)
        if problem:
            yield DeadLink(str(path), where, f"{url} {problem}")


def _links(value: Any, path: str) -> Iterator[tuple[str, str, bool]]:
    """Yield every link of a document: its path, the URL, and whether it is the canonical URL of a form."""
    if isinstance(value, dict):
        for name, held in value.items():
            where = f"{path}.{name}" if name.isidentifier() else f"{path}['{name}']"
            if name == _ASKED and isinstance(held, list):
                yield from ((f"{where}[{n}]", one, True) for n, one in enumerate(held) if isinstance(one, str))
            elif name == _LINKED and isinstance(held, dict):
                yield from ((f"{where}['{form}']", form, True) for form in held)
                yield from (_of_link(f"{where}['{form}']", link) for form, link in held.items() if _has_url(link))
            else:
                yield from _links(held, where)
    elif isinstance(value, list):
        for number, held in enumerate(value):
            yield from _links(held, f"{path}[{number}]")


def _has_url(link: Any) -> bool:
    return isinstance(link, dict) and isinstance(link.get("url"), str)


def _of_link(path: str, link: Json) -> tuple[str, str, bool]:
    return f"{path}.url", link["url"], False
