"""What would change if policies that were dropped onto a page were installed: findings, answers and texts."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from cds_hooks.console.policies.draft_files import DraftFile, lay_out, lay_over
from cds_hooks.errors import StartError
from cds_hooks.rules.cases import read_cases, read_orders
from cds_hooks.rules.check import Checked, check_policies
from cds_hooks.rules.data_diff import compare_documents, data_lines
from cds_hooks.rules.diff import Asked, Difference, ask_cases, ask_orders, compare
from cds_hooks.rules.folders import find_policies
from cds_hooks.rules.sources import PolicySet, load_policy_set
from cds_hooks.settings import Settings

#: So many sample orders are asked at most.
_MOST_ORDERS: Final = 2000


class Effect(NamedTuple):
    """What a try came to. `asked_cases` and `asked_orders` say how many were asked; where `is_asked` is False none was.

    `changes` are what the files say otherwise, a line each, and `unseen` the policies of which no answer shows that.
    `faults` are the reasons for that which are no findings of the check.
    """

    ids: tuple[str, ...]
    with_installed_cases: tuple[str, ...]
    checked: Checked | None
    faults: tuple[str, ...]
    cases: Difference
    orders: Difference
    asked_cases: int
    asked_orders: int
    is_asked: bool = True
    changes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


def try_drafts(files: list[DraftFile], orders: bytes, settings: Settings, on: date) -> Effect:
    """Check policies and compare their answers with the installed ones; nothing is left behind.

    They are asked their own cases, each on its day, and on `on` the orders that came along (NDJSON) and those of all
    installed cases.
    """
    installed = find_policies(settings.policies)
    with TemporaryDirectory(prefix="crd-drafts-") as name:
        root = Path(name).resolve()
        drafts = lay_out(files, root / "drafts", installed)
        effect = Effect(drafts.ids, drafts.with_installed_cases, None, (), Difference((), ()), Difference((), ()), 0, 0)
        try:
            effect = effect._replace(checked=_hide(check_policies(drafts.folder, None, settings), drafts.folder))
            lay_over(drafts, root / "all", installed)
            both = (load_policy_set(settings.policies, None, settings), load_policy_set(root / "all", None, settings))
            return _ask(effect, both, _keep(orders, root), on)
        except StartError as error:
            return _tell_faults(effect, [_without(root, line) for line in str(error).splitlines()])


def _tell_faults(effect: Effect, faults: Sequence[str]) -> Effect:
    """Return why nothing could be asked: what the check did not find already, else that its findings are why."""
    said = [flaw.problem for flaw in effect.checked.flaws] if effect.checked else []
    new = [fault for fault in faults if not any(fault.endswith(problem) for problem in said)]
    return effect._replace(faults=tuple(new), is_asked=False)


def _keep(orders: bytes, root: Path) -> Path | None:
    """Write the orders that came along to where they can be read."""
    path = root / "orders.ndjson"
    path.write_bytes(orders)
    return path if orders.strip() else None


def _hide(checked: Checked, folder: Path) -> Checked:
    """Return the findings without the path of a folder that nobody knows."""
    flaws = (
        flaw._replace(file=_without(folder, flaw.file), problem=_without(folder, flaw.problem))
        for flaw in checked.flaws
    )
    return checked._replace(flaws=tuple(flaws), move=None)


def _without(folder: Path, text: str) -> str:
    for prefix in ("drafts/", "all/", ""):
        text = text.replace(f"{folder}/{prefix}", "")
    return text


def _ask(effect: Effect, both: tuple[PolicySet, PolicySet], orders: Path | None, on: date) -> Effect:
    cases = list(ask_cases(*both, only=effect.ids))
    asked = list(_ask_samples(effect, both, on))
    if orders:
        named = ((f"line {number} of your orders", order) for number, order in read_orders(orders))
        asked += ask_orders(named, "", on, *both, only=effect.ids)
    counted = len({one.path for one in asked})
    old, new = both
    data = compare_documents(old.documents, new.documents, new.rules.vocabulary.code_systems, only=effect.ids)
    return effect._replace(
        cases=compare(cases),
        orders=compare(asked),
        asked_cases=len(cases),
        asked_orders=counted,
        changes=tuple(data_lines(data)),
        unseen=compare([*cases, *asked], data).unseen,
    )


def _ask_samples(effect: Effect, both: tuple[PolicySet, PolicySet], on: date) -> Iterator[Asked]:
    yield from ask_orders(_samples(both[0]), "", on, *both, only=effect.ids)


def _samples(installed: PolicySet) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the orders of the installed cases, each once, named by the case that has it."""
    seen: set[str] = set()
    for policy, file in sorted(installed.cases.items()):
        for case in read_cases(file, installed.rules.vocabulary.code_systems):
            if repr(case.order) not in seen and len(seen) < _MOST_ORDERS:
                seen.add(repr(case.order))
                yield f"{policy}: {case.name}", case.order
