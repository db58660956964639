"""The codes that can be ordered: those of a Bundle of FHIR ValueSets, and a few that no policy speaks of."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

HCPCS: Final = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT: Final = "http://www.ama-assn.org/go/cpt"

_NAMES: Final = {HCPCS: "HCPCS", CPT: "CPT"}

#: `HCPCS M0076`, `M0076`, with or without the words that the list shows behind it.
_WRITTEN: Final = re.compile(r"(?:([A-Za-z][\w-]*)\s+)?([A-Za-z]?\d[\w.-]*)(?:\s.*)?")


class Orderable(NamedTuple):
    """One code, and the words it is found by."""

    system: str
    code: str
    display: str
    words: str

    @property
    def written(self) -> str:
        """The code as it stands in the form."""
        return f"{_NAMES.get(self.system, self.system)} {self.code}"


#: Codes of everyday orders, in words of our own.
_EVERYDAY: Final = (
    Orderable(CPT, "73721", "MRI of the knee", "MRI of the knee"),
    Orderable(CPT, "99213", "Office visit", "Office visit"),
    Orderable(CPT, "97110", "Therapeutic exercises", "Therapeutic exercises"),
    Orderable(HCPCS, "J1030", "Methylprednisolone acetate, 40 mg", "Methylprednisolone acetate, 40 mg: a drug"),
)


class Catalogue:
    """All codes that can be ordered."""

    def __init__(self, bundle: Any = None) -> None:
        found = {(one.system, one.code): one for one in (*_EVERYDAY, *_read(bundle or {}))}
        self.orderables = sorted(found.values(), key=lambda one: (not one.display, one.written))

    def find(self, written: str) -> Orderable | None:
        """Return what a person wrote as a code; None where it is no code. One that is not listed can be ordered too."""
        matched = _WRITTEN.fullmatch(written.strip())
        if matched is None:
            return None
        system, code = (matched[1] or "").upper(), matched[2].upper()
        for one in self.orderables:
            if one.code == code and system in ("", _NAMES.get(one.system)):
                return one
        uris = {name: uri for uri, name in _NAMES.items()}
        uri = uris.get(system) if system else (CPT if code.isdigit() else HCPCS)
        return Orderable(uri, code, "", "") if uri and re.fullmatch(r"[A-Z]?\d{4,5}[A-Z]?", code) else None


def read_catalogue(path: Path | None) -> Catalogue:
    """Return the catalogue of a file, as `crd export fhir` writes it."""
    return Catalogue(json.loads(path.read_bytes()) if path else None)


def _read(bundle: Any) -> Iterator[Orderable]:
    for entry in bundle.get("entry", ()):
        value_set = entry["resource"]
        if value_set["resourceType"] != "ValueSet" or value_set.get("status") == "retired":
            continue
        for include in value_set["compose"]["include"]:
            for concept in include.get("concept", ()):
                display = concept.get("display", "")
                words = display or f"in {value_set.get('title', 'a policy')}"
                yield Orderable(include["system"], concept["code"], display, words)
