"""Where a sentence ends, by its punctuation."""

import re
from typing import Final

#: The word that stands for the end of a sentence.
STOP: Final = "¶"

#: `.` and `!` end a sentence before anything but a lower-case letter; `12.5`, `prev. inj.` and `Dr. A. X` do not.
_SENTENCE_END: Final = re.compile(
    r"[.!;](?:(?<=;)|(?<!\b[A-Za-z].)(?<!\b[DdMm][Rr].)(?<!\b[Pp]t.)(?=[\"\u201d]?\s+[^a-z\s]|\s*¶|\s*\Z))"
)

#: `.` before a lower-case letter ends one behind a word that is not often shortened: "no fever. ok to book".
_LOWER_END: Final = re.compile(r"(?:(?<=[A-Za-z0-9]{3})|(?<=[0-9)]))\.(?=\s+[a-z])")
#: A side before a new statement: "insertional, L. Cancel the ...", "laxity L. Plan: ...".
_SIDE_END: Final = re.compile(
    r"(?:(?<=, [LR])\.(?=\s+[A-Z][a-z])|(?<=[a-z] [LR])\.(?=\s+[A-Z][\w ]{0,25}:)|(?<=\bb/l)\.(?=\s+[A-Z]))"
)
_LAST_WORD: Final = re.compile(r"[A-Za-z0-9]+\Z")
_LONGEST_WORD: Final = 12
_SHORTENED: Final = frozenset(
    [
        "prev",
        "inj",
        "injs",
        "approx",
        "lig",
        "ligs",
        "sched",
        "temp",
        "appt",
        "pts",
        "mos",
        "wks",
        "hrs",
        "min",
        "max",
        "cont",
        "rec",
        "recs",
        "est",
        "ext",
        "int",
        "med",
        "meds",
        "lat",
        "ant",
        "post",
        "bilat",
        "prox",
        "dist",
        "inf",
        "sup",
        "sig",
        "req",
        "ref",
        "auth",
        "ins",
        "dept",
        "univ",
        "nos",
        "fig",
        "incl",
        "esp",
        "etc",
        "def",
        "avg",
        "orig",
        "tent",
        "conc",
        "sol",
        "tab",
        "tabs",
        "caps",
        "alt",
        "neg",
        "pos",
        "proc",
        "doc",
        "eval",
        "hosp",
        "surg",
        "tend",
        "rad",
        "uln",
        "cerv",
        "lumb",
        "thor",
        "sacr",
        "trop",
        "sesp",
        "izq",
        "der",
        "aprox",
        "adm",
        "pte",
        "tto",
        "incr",
        "decr",
        "hist",
        "info",
        "resp",
        "spec",
        "tech",
        "vol",
        "unk",
        "yrs",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "phys",
        "ther",
        "periph",
        "percut",
        "intraart",
        "subacrom",
        "quad",
        "ham",
        "glut",
        "gastroc",
        "tib",
        "fib",
        "fem",
        "hum",
        "scap",
    ]
)
#: Behind these a number is that of an item: "1. prolotherapy".
_BEFORE_ITEM: Final = ("", " ", "\n", ":", "(")


def end_sentences(text: str) -> str:
    """Return a text with a `STOP` in the place of each sign that ends a sentence."""
    text = _SENTENCE_END.sub(STOP, text)
    if " L. " in text or " R. " in text or "b/l. " in text:
        text = _SIDE_END.sub(STOP, text)
    return _LOWER_END.sub(_end_before_lower_case, text) if ". " in text else text


def _end_before_lower_case(found: re.Match[str]) -> str:
    text, end = found.string, found.start()
    last = _LAST_WORD.search(text, max(0, end - _LONGEST_WORD), end)
    if last is None:
        return STOP
    is_item = last[0].isdigit() and text[max(0, last.start() - 1) : last.start()] in _BEFORE_ITEM
    return found[0] if is_item or last[0].lower() in _SHORTENED else STOP
