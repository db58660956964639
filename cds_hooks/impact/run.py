"""One run from files to a report: begun, gone on with where it was stopped, and finished.

While it runs, the folder of the report holds `.work`: what is done so far, with what patients' records say. It is for
its owner alone, and is removed with the key of the hashes when the report is written.
"""

import shutil
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from cds_hooks.errors import StartError
from cds_hooks.impact.figures import Figures, count_figures, open_answers, write_answers, write_cube, write_set_aside
from cds_hooks.impact.report import Heading, render_report
from cds_hooks.impact.work import Work

_WORK: Final = ".work"
_STATE: Final = "state.json"

#: What a report consists of; a folder with anything else is not written into.
REPORT: Final = "report.html"
_FILES: Final = frozenset({REPORT, "figures.json", "figures.parquet", "answers.parquet", "set-aside.csv", _WORK})


class Run(NamedTuple):
    """A run: what is to be done, the folder of the report, and whether a run that was stopped goes on."""

    work: Work
    out: Path
    goes_on: bool

    @property
    def folder(self) -> Path:
        """Where the work is done."""
        return self.out / _WORK


def begin(out: Path, work: Work) -> Run:
    """Make the folder of a report, or find in it a run of the same work that was stopped; that one's key and day count.

    StartError where the folder holds something else.
    """
    others = sorted(path.name for path in out.iterdir() if path.name not in _FILES) if out.is_dir() else []
    if others or (out.exists() and not out.is_dir()):
        raise StartError(f"{out}: not empty, and no report: {', '.join(others[:3])}")
    folder = out / _WORK
    before = _read_state(folder / _STATE)
    if before and before.get("digest") == work.digest:
        key = bytes.fromhex(before["key"]) if before["key"] else None
        return Run(work._replace(key=key, today=date.fromisoformat(before["today"])), out, goes_on=True)
    shutil.rmtree(folder, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    state = {"digest": work.digest, "key": work.key.hex() if work.key else None, "today": work.today.isoformat()}
    (folder / _STATE).write_bytes(orjson.dumps(state))
    return Run(work, out, goes_on=False)


def _read_state(path: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return state


def finish(run: Run, *, all_texts: bool = False) -> Figures:
    """Count the answers, write the report and remove what it was made from."""
    work = run.work
    with open_answers(run.folder, work.orders) as db:
        figures = count_figures(db, all_texts=all_texts)
        write_answers(db, run.out / "answers.parquet", with_days=work.key is None)
        write_cube(db, run.out / "figures.parquet")
        write_set_aside(db, run.out / "set-aside.csv")
    (run.out / "figures.json").write_bytes(orjson.dumps(figures.to_json(), option=orjson.OPT_INDENT_2))
    heading = Heading(
        made_on=work.today.isoformat(),
        rules=work.rules.digest,
        baseline=work.baseline.digest if work.baseline else None,
        asked_on=work.terms.on.isoformat() if work.terms.on else None,
        files=len({part.url for part in work.orders}),
        has_ids=work.key is None,
        has_all_texts=all_texts,
    )
    (run.out / REPORT).write_text(render_report(figures, heading), encoding="utf-8")
    shutil.rmtree(run.folder)
    return figures
