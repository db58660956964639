"""An answer for people to read in a terminal: its cards, and what it writes onto orders.

In a terminal it is laid out for its width, in colour; elsewhere a paragraph is a line of plain text, for scripts to
search.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

Json = Mapping[str, Any]

_COLOURS: Final = {"info": "bold white on blue", "warning": "bold black on yellow", "critical": "bold white on red"}
_VERDICTS: Final = {
    **dict.fromkeys(("covered", "no-auth", "satisfied"), "green"),
    **dict.fromkeys(("conditional", "auth-needed", "performpa"), "yellow"),
    "not-covered": "red",
}

_EXTENSION: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

#: Columns of text, however wide a terminal is; of the names of what is said for the machine.
_WIDTH: Final = 100
_NAMES: Final = 22

#: What looks like HTML is text, as in the console.
_READER: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class Paragraph(NamedTuple):
    """Something that is said, and what stands before it; an address is never broken, so that it can be copied."""

    text: Text
    name: Text = Text()
    indent: int = 2
    names: int = 0
    kind: Literal["words", "markdown", "address"] = "words"


def open_terminal() -> Console:
    """Return where answers are written; colours are left out where there is no terminal, and with NO_COLOR."""
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = min(console.width, _WIDTH)
    return console


def write(console: Console, paragraphs: Iterable[Paragraph]) -> None:
    """Write what `show` and `show_refusal` return."""
    for one in paragraphs:
        if not console.is_terminal:
            said = Text(" ").join(part for part in (one.name, one.text) if part)
            lines = said.split("\n", allow_blank=True) if said else [said]
            console.print(*(Text(" " * one.indent * bool(line)) + line for line in lines), sep="\n", soft_wrap=True)
        elif one.kind == "address":
            console.print(_Laid(one._replace(text=one.name, name=Text())))
            console.print(Text(" " * (one.indent + 2)) + one.text, soft_wrap=True)
        else:
            console.print(_Laid(one))


class _Laid(NamedTuple):
    """A paragraph as it is laid out in a terminal: indented, what is said beside its name."""

    of: Paragraph

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update(width=max(options.max_width - self.of.indent, 20))
        for line in console.render_lines(self._content(), inner, pad=False):
            parts = _trim(line)
            yield Segment(" " * self.of.indent if parts else "")
            yield from (Segment(_plain(part.text), part.style) for part in parts)
            yield Segment.line()

    def _content(self) -> Table | Markdown | Text:
        if self.of.kind == "markdown":
            rendered = Markdown("", hyperlinks=False)
            rendered.parsed = _READER.parse(self.of.text.plain)
            return rendered
        if not self.of.name:
            return self.of.text
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(min_width=self.of.names, no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(self.of.name, self.of.text)
        return table


def _trim(line: list[Segment]) -> list[Segment]:
    """Return a line without the spaces at its end, which would be copied with it."""
    end = len(line)
    while end and not line[end - 1].text.strip() and not (line[end - 1].style or Style()).bgcolor:
        end -= 1
    return [*line[: end - 1], Segment(line[end - 1].text.rstrip(), line[end - 1].style)] if end else []


def show(answer: Json) -> list[Paragraph]:
    """Return what a response says; AttributeError or TypeError where it is not as CDS Hooks has it."""
    said = [one for card in answer.get("cards", ()) for one in (*_show_card(card), _BLANK)]
    said += [] if said else [Paragraph(Text("No card."), indent=0)]
    said += [one for action in answer.get("systemActions", ()) for one in (*_show_action(action), _BLANK)]
    return said[:-1] if said[-1] is _BLANK else said


#: What is said of a refusal that has no body; a 401 is one on purpose, so that nobody can try out what is registered.
_NO_REASON: Final = "Nothing says why."
_NO_CAUSE: Final = "The service does not tell callers why: its log has the cause (docs/clients.md says what to do)."


def show_refusal(document: Any, status: int) -> Iterator[Paragraph]:
    """Yield what a response that is no answer says: the issues of its OperationOutcome, or where its cause is found."""
    issues = document.get("issue", ()) if isinstance(document, dict) else ()
    for issue in issues:
        places = ", ".join(issue.get("expression", ()))
        said = f"{_plain(issue.get('diagnostics') or issue.get('code'))}{f' ({_plain(places)})' if places else ''}"
        yield Paragraph(Text(said))
    if not issues:
        yield Paragraph(Text(_NO_CAUSE if status == 401 else _NO_REASON))


_BLANK: Final = Paragraph(Text(), indent=0)


def _show_card(card: Json) -> Iterator[Paragraph]:
    indicator = _plain(card.get("indicator"))
    mark = Text(f" {indicator.upper()} ", _COLOURS.get(indicator, "reverse"))
    yield Paragraph(Text(_plain(card.get("summary")), "bold"), mark, indent=0)
    yield Paragraph(Text(_plain(card.get("source", {}).get("label")), "dim"))
    if card.get("detail"):
        yield from (_BLANK, Paragraph(Text(_plain(card["detail"])), kind="markdown"), _BLANK)
    for link in card.get("links", ()):
        url = _plain(link.get("url"))
        yield Paragraph(Text(url, "underline"), Text(f"{_plain(link.get('label'))}:"), kind="address")
    for suggestion in card.get("suggestions", ()):
        yield Paragraph(Text(_plain(suggestion.get("label"))), Text("may be applied:", "cyan"))
    reasons = "; ".join(_plain(reason.get("display")) for reason in card.get("overrideReasons", ()))
    if reasons:
        yield Paragraph(Text(reasons), Text("may be overridden:", "cyan"))


def _show_action(action: Json) -> Iterator[Paragraph]:
    resource = action.get("resource", {})
    name = _plain(f"{resource.get('resourceType')}/{resource.get('id')}")
    written = [one for one in resource.get("extension", ()) if one.get("url") == _EXTENSION]
    if not written:
        said = f"{_plain(action.get('type'))} {name}: {_plain(action.get('description'))}"
        yield Paragraph(Text(said), indent=0)
    for one in written:
        yield Paragraph(Text(f"On {name}, for the machine:", "bold"), indent=0)
        for part in one.get("extension", ()):
            yield from _show_part(part)


def _show_part(part: Json) -> Iterator[Paragraph]:
    """Yield what one part says, a detail by its own code; what is more than a code or a text is in the JSON."""
    name, value = part.get("url"), _value_of(part)
    parts = {one.get("url"): _value_of(one) for one in part.get("extension", ())}
    if "code" in parts:
        name, value = parts["code"], parts.get("value")
    if value is not None:
        said = Text(_plain(value), _VERDICTS.get(str(value), ""))
        if parts.get("qualification"):
            said.append(f" ({_plain(parts['qualification'])})", "not bold")
        yield Paragraph(said, Text(f"{_plain(name)}:", "cyan"), names=_NAMES)


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
