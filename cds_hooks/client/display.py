"""An answer for people to read in a terminal: its cards, and what it writes onto orders."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

Json = Mapping[str, Any]

_COLOURS: Final = {"info": "blue", "warning": "yellow", "critical": "red"}
_VERDICTS: Final = {"covered": "green", "not-covered": "red", "conditional": "yellow"}

_EXTENSION: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

#: Columns of text.
_WIDTH: Final = 100


def show(answer: Json) -> Iterator[str]:
    """Yield the lines of a response; `click.echo` leaves colours out where there is no terminal."""
    for card in answer.get("cards", ()):
        yield from _show_card(card)
        yield ""
    if not answer.get("cards"):
        yield "No card."
    for action in answer.get("systemActions", ()):
        yield from _show_action(action)


def show_refusal(document: Any) -> Iterator[str]:
    """Yield what a response that is no answer says: the issues of its OperationOutcome."""
    issues = document.get("issue", ()) if isinstance(document, dict) else ()
    for issue in issues:
        places = ", ".join(issue.get("expression", ()))
        yield f"  {_plain(issue.get('diagnostics') or issue.get('code'))}{f' ({_plain(places)})' if places else ''}"
    if not issues:
        yield "  Nothing says why."


def _show_card(card: Json) -> Iterator[str]:
    indicator = _plain(card.get("indicator"))
    mark = click.style(f" {indicator.upper()} ", fg="black", bg=_COLOURS.get(indicator, "white"))
    yield f"{mark} {click.style(_plain(card.get('summary')), bold=True)}"
    yield f"  {_plain(card.get('source', {}).get('label'))}"
    for line in _plain(card.get("detail", "")).splitlines():
        yield textwrap.fill(line, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    for link in card.get("links", ()):
        yield f"  {click.style(_plain(link.get('label')), underline=True)}: {_plain(link.get('url'))}"
    for suggestion in card.get("suggestions", ()):
        yield f"  {click.style('may be applied:', fg='cyan')} {_plain(suggestion.get('label'))}"
    reasons = "; ".join(_plain(reason.get("display")) for reason in card.get("overrideReasons", ()))
    if reasons:
        yield textwrap.fill(f"may be overridden: {reasons}", _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _show_action(action: Json) -> Iterator[str]:
    resource = action.get("resource", {})
    name = f"{resource.get('resourceType')}/{resource.get('id')}"
    written = [one for one in resource.get("extension", ()) if one.get("url") == _EXTENSION]
    if not written:
        yield f"{_plain(action.get('type'))} {_plain(name)}: {_plain(action.get('description'))}"
    for one in written:
        yield f"On {_plain(name)}, for the machine:"
        for part in one.get("extension", ()):
            yield from _show_part(part)


def _show_part(part: Json) -> Iterator[str]:
    """Yield what one part says, a detail by its own code; what is more than a code or a text is in the JSON."""
    name, value = part.get("url"), _value_of(part)
    parts = {one.get("url"): _value_of(one) for one in part.get("extension", ())}
    if "code" in parts:
        name, value = parts["code"], parts.get("value")
    if value is not None:
        said = click.style(_plain(value), fg=_VERDICTS.get(str(value)))
        more = f" ({_plain(parts['qualification'])})" if parts.get("qualification") else ""
        yield textwrap.fill(f"{_plain(name)}: {said}{more}", _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _value_of(part: Json) -> Any:
    """Return the value of an extension, of a coding or a concept its words and its code."""
    value = next((item for key, item in part.items() if key.startswith("value")), None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, dict):
        return value
    if "start" in value or "end" in value:
        return f"{value.get('start', '')} to {value.get('end', '')}"
    if "telecom" in value:
        reached = [value.get("name"), *(one.get("value") for one in value["telecom"])]
        return ", ".join(str(one) for one in reached if one)
    coding = next(iter(value.get("coding", ())), value)
    code, words = coding.get("code"), value.get("text") or coding.get("display")
    if "value" in value:
        return " ".join(str(one) for one in (value["value"], value.get("unit")) if one is not None)
    return f"{words} ({code})" if words and code and "coding" not in value else words or code or value.get("reference")


def _plain(value: Any) -> str:
    """Return a text without what would steer a terminal: the answer is another's."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in str("" if value is None else value))
