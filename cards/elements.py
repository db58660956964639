"""Reading a resource element by element: its codes, its words, and as faults what is not as FHIR R4 has it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from cards.coding import CodeSystems, Coding
from cards.references import find_contained, is_usable_id, literal_reference

Json = Mapping[str, Any]

#: CRD 2.2 `ext-billing-options`: servers SHALL consider it if sent (billopt-3).
BILLING_OPTIONS: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options"

#: Elements of R5's CodeableReference, which stands where R4 has a CodeableConcept.
_CODEABLE_REFERENCE: Final = ("concept", "reference")


class Place(Enum):
    """Where in an order a text stands; the value says it to a person."""

    CODE_TEXT = "the order's name"
    DISPLAY = "a code's display"
    ORDER_DETAIL = "a detail of the order"
    NOTE = "the order's note"
    INSTRUCTION = "the order's instruction to the patient"
    REASON = "the order's reason"
    SITE = "the order's body site"
    DOSAGE = "the order's dosage"
    BARE_CODE = "a code that has no system"


class Fault(NamedTuple):
    """Something in an order that is not as FHIR R4 has it: `path` is a FHIRPath, `problem` names no value."""

    path: str
    problem: str


class OrderCoding(NamedTuple):
    """A complete code (system and code) of the order and its FHIRPath."""

    coding: Coding
    path: str


class OrderText(NamedTuple):
    """Words of the order, as written, and their FHIRPath; of a note also when it was written, as the order says."""

    place: Place
    text: str
    path: str
    time: str | None = None

    def __repr__(self) -> str:
        """Tell no time where there is none: the names of answers are made of what was read of an order."""
        named = zip(self._fields, self, strict=True)
        return f"OrderText({', '.join(f'{name}={value!r}' for name, value in named if value is not None)})"


class Reading:
    """Collects codes, texts and faults while a resource is read; `resolve` finds what its references name."""

    __slots__ = ("_code_systems", "_resolve", "codings", "faults", "missing", "reasons", "texts")

    def __init__(self, code_systems: CodeSystems, resolve: Callable[[str], Json | None] | None = None) -> None:
        self._code_systems = code_systems
        self._resolve = resolve
        self.codings: list[OrderCoding] = []
        self.reasons: list[Coding] = []
        self.texts: list[OrderText] = []
        self.faults: list[Fault] = []
        self.missing: list[str] = []

    def objects(self, value: Any, path: str) -> Sequence[tuple[Json, str]]:
        """Return the objects of a repeating element; one object instead of a list is read, and is a fault."""
        if isinstance(value, list):
            found = [(item, f"{path}[{index}]") for index, item in enumerate(value) if isinstance(item, dict)]
            if len(found) != len(value):
                self.faults.append(Fault(path, "must hold objects only"))
            return found
        if value is not None:
            self.faults.append(Fault(path, "must be an array"))
        return [(value, path)] if isinstance(value, dict) else []

    def values(self, holder: Json, steps: Sequence[str], path: str) -> Iterator[tuple[Any, str]]:
        """Yield what stands at the end of some steps down from an object; `*` marks a repeating element."""
        name = steps[0].removesuffix("*")
        value, here = holder.get(name), f"{path}.{name}"
        if value is None:
            return
        if steps[0] != name:
            found: Sequence[tuple[Any, str]] = self.objects(value, here)
        elif len(steps) == 1 or isinstance(value, dict):
            found = [(value, here)]
        else:
            self.faults.append(Fault(here, "must be an object"))
            return
        for item, item_path in found:
            if len(steps) == 1:
                yield item, item_path
            else:
                yield from self.values(item, steps[1:], item_path)

    def string(self, value: Any, path: str) -> str | None:
        """Return a string, or nothing and a fault."""
        if value is None or isinstance(value, str):
            return value
        self.faults.append(Fault(path, "must be a string"))
        return None

    def identity(self, value: Any, path: str) -> str | None:
        """Return a resource's id; one that is none cannot be referred to, and is a fault."""
        text = self.string(value, path)
        if text is not None and not is_usable_id(text):
            self.faults.append(Fault(path, "does not have the form of an id"))
            return None
        return text

    def boolean(self, value: Any, path: str) -> bool:
        """Return a boolean; what is none is false, and a fault."""
        if value is not None and not isinstance(value, bool):
            self.faults.append(Fault(path, "must be true or false"))
        return value is True

    def references(self, value: Any, path: str) -> tuple[str, ...]:
        """Return the literal references of a repeating Reference."""
        found = (literal_reference(item) for item, _ in self.objects(value, path))
        return tuple(reference for reference in found if reference)

    def text(self, value: Any, path: str, place: Place, time: Any = None) -> None:
        """Keep a text of the order if there is one; a `time` that is no string is as if there were none."""
        words = self.string(value, path)
        if words and not words.isspace():
            self.texts.append(OrderText(place, words, path, time if isinstance(time, str) else None))

    def concept(self, value: Any, path: str, place: Place) -> None:
        """Read a CodeableConcept: its text, every coding, and the billing options on it."""
        if not isinstance(value, dict):
            self._not_a_concept(value, path, place)
            return
        for element in _CODEABLE_REFERENCE:
            if element in value:
                self.faults.append(Fault(f"{path}.{element}", "is of a CodeableReference of FHIR R5; R4 is read"))
        if "text" in value:
            self.text(value["text"], f"{path}.text", place)
        if "coding" in value:
            for coding, coding_path in self.objects(value["coding"], f"{path}.coding"):
                self._coding(coding, coding_path, place)
        if place is Place.CODE_TEXT and "extension" in value:
            self.billing_options(value["extension"], f"{path}.extension")

    def _not_a_concept(self, value: Any, path: str, place: Place) -> None:
        if value is None:
            return
        self.faults.append(Fault(path, "must be an object"))
        if isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    self.concept(item, f"{path}[{index}]", place)

    def _coding(self, value: Json, path: str, place: Place) -> None:
        system, code = value.get("system"), value.get("code")
        if not isinstance(system, str) or not isinstance(code, str):
            system, code = self.string(system, f"{path}.system"), self.string(code, f"{path}.code")
        if code and not code.isspace():
            self._code(system, code, path, place)
        if "display" in value:
            display = Place.DISPLAY if place is Place.CODE_TEXT else place
            self.text(value["display"], f"{path}.display", display)

    def _code(self, system: str | None, code: str, path: str, place: Place) -> None:
        """Keep a code; without a system it is none, but words that may equal a code of a policy."""
        if not system or system.isspace():
            if place in (Place.CODE_TEXT, Place.ORDER_DETAIL):
                self.texts.append(OrderText(Place.BARE_CODE, self._code_systems.bare(code), f"{path}.code"))
            return
        codings = self._code_systems.readings(system, code)
        if place is Place.REASON:
            self.reasons.extend(codings)
        elif place is not Place.SITE:
            self.codings.extend(OrderCoding(coding, path) for coding in codings)

    def billing_options(self, value: Any, path: str) -> None:
        """Read the codes that the client expects to bill (CRD 2.2, billopt-3)."""
        for extension, extension_path in self.objects(value, path):
            if extension.get("url") == BILLING_OPTIONS:
                concept = extension.get("valueCodeableConcept")
                self.concept(concept, f"{extension_path}.value", Place.ORDER_DETAIL)

    def display(self, reference: Any, path: str) -> None:
        """Keep the words that a Reference has for what it refers to."""
        if isinstance(reference, dict):
            self.text(reference.get("display"), f"{path}.display", Place.DISPLAY)

    def record(self, reference: Any, resource: Json) -> Json | None:
        """Return the record that a Reference names, contained or beside; one that did not come is `missing`."""
        literal = literal_reference(reference)
        if literal is None:
            return None
        if literal.startswith("#") and (contained := find_contained(literal, resource)) is not None:
            return contained
        found = self._resolve(literal) if self._resolve else None
        if found is None and not literal.startswith("#"):
            self.missing.append(literal)
        return found
