"""The Arrow schemas of what is asked and what is answered: the same on one machine and on a cluster."""

from typing import Final

import pyarrow as pa

#: Kinds of rows: an order; a line that is set aside with its reason; and, as the last of each range, how many lines it
#: had, which turns the places of other rows into line numbers of whole files.
ORDER: Final = "order"
SET_ASIDE: Final = "set-aside"
LINES: Final = "lines"

#: A row of what is asked: where it stands (the range of a file, and the line in that range from 1), the folder it came
#: from, the order as its own bytes, and the records it rests on: coverages, payers, the patient. `fault` says why a
#: line is set aside.
ASKED: Final = pa.schema(
    [
        ("range", pa.int32()),
        ("line", pa.int64()),
        ("kind", pa.string()),
        ("fault", pa.string()),
        ("folder", pa.string()),
        ("order", pa.binary()),
        ("records", pa.list_(pa.binary())),
    ]
)

#: What is answered to one order under one set of policies; a baseline's columns begin with `was_`.
VERDICT: Final = (
    ("verdict", pa.string()),
    ("covered", pa.string()),
    ("pa_needed", pa.string()),
    ("doc_needed", pa.string()),
    ("basis", pa.string()),
    ("problem", pa.string()),
    ("payer", pa.string()),
    ("policy", pa.string()),
    ("version", pa.string()),
    ("strength", pa.string()),
    ("code", pa.string()),
    ("alert", pa.bool_()),
    ("text", pa.string()),
)

#: What an order is counted by besides its answer. Ids are hashes unless asked for.
_ABOUT: Final = (
    ("range", pa.int32()),
    ("line", pa.int64()),
    ("kind", pa.string()),
    ("fault", pa.string()),
    ("id", pa.string()),
    ("patient", pa.string()),
    ("clinician", pa.string()),
    ("type", pa.string()),
    ("client", pa.string()),
    ("site", pa.string()),
    ("day", pa.date32()),
    ("month", pa.string()),
)

#: A row of the answers. `was_*` is None without a baseline.
ANSWERED: Final = pa.schema([*_ABOUT, *VERDICT, *((f"was_{name}", kind) for name, kind in VERDICT)])

#: How many columns say what an order is, before its answer.
ABOUT_COLUMNS: Final = len(_ABOUT)
