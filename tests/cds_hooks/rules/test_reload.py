"""A running service takes up changed policies, payers and words, all of them or none, and no call has two sets."""

import gc
import json
import os
import re
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from cards.payer_directory import Payer
from cards.policy import Policy
from cds_hooks import app as application
from cds_hooks.app import check_start, create_app
from cds_hooks.rules import loading, reload
from cds_hooks.rules.loading import RulesError, load_rules
from cds_hooks.rules.reload import RuleReloader, read_rules
from cds_hooks.settings import read_settings
from cds_hooks.telemetry.logs import flush
from tests.waiting import wait_until

pytest_plugins = ["tests.fhir.fixtures"]

SHIPPED = Path(__file__).resolve().parents[3] / "cards"
SIGN = "/cds-services/order-sign-crd"
FOLDERS = ("policies", "payers", "vocabulary")


class Rules:
    """A deployment's own folders, changed as people and orchestrators do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.policy = root / "policies" / "evicore-cmm-204" / "policy.json"
        self.policies = root / "policies"
        self.payer = root / "payers" / "example-health-plan.json"
        for name in FOLDERS:
            shutil.copytree(SHIPPED / name, root / name)

    @property
    def variables(self) -> dict[str, str]:
        """The settings that name the folders."""
        return {f"CRD_{name.upper()}": str(self.root / name) for name in FOLDERS}

    def mark(self, number: int) -> None:
        """Change a policy and the payer it binds, so that an answer tells which set it has each from."""
        for path, member, value in ((self.policy, "publisher", f"Mark{number} Policies"), (self.payer, "name", f"Mark{number} Plan")):  # fmt: skip
            document = json.loads(path.read_text())
            path.write_text(json.dumps({**document, member: value}))


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> Rules:
    return Rules(tmp_path / "rules")


def marks(text: str) -> set[str]:
    return set(re.findall(r"Mark\d+", text))


def events(log: str, event: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if f'"event":"{event}"' in line]


# --- a start ---------------------------------------------------------------------------------------------------------


def test_a_worker_has_the_rules_of_the_check_before_its_start(
    files: Rules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is forked from the process that checked them need not read them again, nor keep them twice."""
    settings = read_settings(
        **{name: files.root / name for name in FOLDERS}, reload=0, database_url=f"sqlite:///{tmp_path}/crd.sqlite3"
    )
    check_start(settings)
    with monkeypatch.context() as patched:
        patched.delattr(application, "read_rules")
        assert create_app(settings).extensions["crd.rules"].current().index.policies
    assert not application._checked


def test_a_worker_that_starts_later_reads_files_that_changed_since(files: Rules, tmp_path: Path) -> None:
    settings = read_settings(
        **{name: files.root / name for name in FOLDERS}, reload=0, database_url=f"sqlite:///{tmp_path}/crd.sqlite3"
    )
    check_start(settings)
    files.mark(1)

    rules = create_app(settings).extensions["crd.rules"].current()

    assert "Mark1 Plan" in [payer.name for payer in rules.payers.payers]


# --- one process looks ----------------------------------------------------------------------------------------------


@pytest.fixture(name="watch")
def _watch(files: Rules, monkeypatch: pytest.MonkeyPatch) -> RuleReloader:
    """A watch whose looks the test makes itself."""
    monkeypatch.setattr(reload, "_STILL", 0.01)
    settings = read_settings(**{name: files.root / name for name in FOLDERS}, reload=0)
    return RuleReloader(settings, read_rules(settings))


def rename_over(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def change_member(path: Path, **changed: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def rename_over_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


FAULTS: list[tuple[Callable[[Rules], Any], str]] = [
    (lambda f: f.policy.write_text("{"), "evicore-cmm-204/policy.json: line 1, column 2: not JSON"),
    (lambda f: f.policy.write_text(""), "evicore-cmm-204/policy.json: line 1, column 1: not JSON"),
    (lambda f: f.policy.write_text(f.policy.read_text()[:2000]), "evicore-cmm-204/policy.json: line"),
    (lambda f: f.policy.write_text("[" * 200_000), "evicore-cmm-204/policy.json: nested too deep"),
    (lambda f: f.policy.write_bytes(b"\xff\xfe"), "evicore-cmm-204/policy.json: 'utf-8' codec"),
    (lambda f: change_member(f.policy, reviewed="soon"), "evicore-cmm-204/policy.json: $.reviewed"),
    (lambda f: change_member(f.policy, id="other"), "$.id: must be the name of the folder"),
    (lambda f: change_member(f.payer, policies=["no-such"]), "example-health-plan.json: $.policies[0]: no policy no-such"),
    (lambda f: change_member(f.payer, default=False), "exactly one payer must have"),
    (lambda f: f.policy.unlink(), "no policy evicore-cmm-204"),
    (lambda f: f.payer.unlink(), "exactly one payer must have"),
    (lambda f: [path.unlink() for path in f.policies.glob("*/policy.json")], "no policies (<id>/policy.json) here"),
    (lambda f: shutil.rmtree(f.root / "policies"), "no policies (<id>/policy.json) here"),
    (lambda f: shutil.rmtree(f.root), "code-systems.json: [Errno 2]"),
    (lambda f: (f.root / "vocabulary" / "words.json").write_text("{}"), "words.json: $"),
    (lambda f: (f.policies / "dangling.json").symlink_to("nowhere"), "dangling.json: [Errno 2]"),
    (lambda f: rename_over_link(f.policy), "evicore-cmm-204/policy.json: [Errno 2]"),
    (lambda f: (f.policies / "folder.json").mkdir(), "folder.json: [Errno 21]"),
]  # fmt: skip


@pytest.mark.parametrize(("break_", "reason"), FAULTS, ids=[reason for _, reason in FAULTS])
def test_what_is_invalid_changes_nothing_and_says_so_once(
    break_: Callable[[Rules], Any], reason: str, files: Rules, watch: RuleReloader, capfdbinary: Any, tmp_path: Path
) -> None:
    """All or nothing: what is good beside it is not taken up either; mended, it is, and that is said too."""
    shutil.copytree(files.root, tmp_path / "good")
    before = watch.current()
    change_member(files.policy, publisher="Mark1 Policies")
    break_(files)
    for _ in range(3):
        watch.look()
    flush()
    [said] = events(capfdbinary.readouterr().err.decode(), "rules-not-changed")
    assert reason in said["reason"]
    assert watch.current() is before
    assert watch.fault == said["reason"]

    shutil.rmtree(files.root, ignore_errors=True)
    shutil.copytree(tmp_path / "good", files.root)
    for _ in range(3):
        watch.look()
    assert watch.fault is None
    flush()
    [said] = events(capfdbinary.readouterr().err.decode(), "rules-restored")
    assert watch.current() is before
    assert said["rules"] == before.digest

    change_member(files.policy, publisher="Mark1 Policies")
    watch.look()
    flush()
    [said] = events(capfdbinary.readouterr().err.decode(), "rules-changed")
    assert watch.current().digest == said["rules"] != before.digest


def test_another_fault_is_said_anew(files: Rules, watch: RuleReloader, capfdbinary: Any) -> None:
    good = files.policy.read_text()
    for text in ("{", "[", "[ "):
        files.policy.write_text(text)
        watch.look()
    flush()
    assert len(events(capfdbinary.readouterr().err.decode(), "rules-not-changed")) == 3
    files.policy.write_text(good)
    watch.look()
    assert watch.fault is None


@pytest.mark.parametrize("name", [".#evicore-cmm-204.json", ".evicore-cmm-204.json.swp", "policy.json~", "4913", "x.json.new", ".hidden.json", "x.schema.json", "x.cases.json", ".DS_Store"])  # fmt: skip
def test_what_editors_put_beside_the_files_is_no_rule(name: str, files: Rules, watch: RuleReloader) -> None:
    before = watch.current()
    for folder in (files.policies, files.policy.parent):
        (folder / name).write_text("{half")
    watch.look()
    assert watch.fault is None
    assert watch.current() is before


@pytest.mark.parametrize("name", [".git", "..2026_11_26", "notes", "cases", "cms-ncd-150-7/old"])
def test_a_folder_without_a_policy_is_no_rule(name: str, files: Rules, watch: RuleReloader) -> None:
    before = watch.current()
    (files.policies / name).mkdir()
    (files.policies / name / "x.json").write_text("{half")
    watch.look()
    assert watch.fault is None
    assert watch.current() is before


def test_a_policy_that_gets_its_file_late_is_taken_up_then(files: Rules, watch: RuleReloader) -> None:
    """Its folder is made first, and its cases are no part of the rules."""
    folder = files.policies / "acme-12"
    shutil.copytree(files.policy.parent, folder)
    text = (folder / "policy.json").read_text().replace('"id": "evicore-cmm-204"', '"id": "acme-12"')
    (folder / "policy.json").unlink()
    (folder / "cases.json").write_text("{half")
    before = watch.current()
    watch.look()
    assert watch.current() is before
    (folder / "policy.json").write_text(text)
    watch.look()
    assert "acme-12" in watch.current().index.policies


def test_a_file_that_is_only_touched_or_written_anew_is_no_change(
    files: Rules, watch: RuleReloader, capfdbinary: Any
) -> None:
    before = watch.current()
    os.utime(files.policy)
    watch.look()
    rename_over(files.policy, json.dumps(json.loads(files.policy.read_text()), indent=7))
    watch.look()
    assert watch.current() is before
    flush()
    assert b"rules-" not in capfdbinary.readouterr().err


def test_a_change_that_leaves_length_and_time_as_they_were_is_seen(files: Rules, watch: RuleReloader) -> None:
    """As `cp -p` and rsync leave it: the inode has a time of its own."""
    found = files.policy.stat()
    text = files.policy.read_text()
    files.policy.write_text(text.replace("eviCore", "eviBore"))
    os.utime(files.policy, ns=(found.st_atime_ns, found.st_mtime_ns))
    before = watch.current()
    watch.look()
    assert watch.current() is not before


def test_files_are_left_alone_while_they_are_written(
    files: Rules, watch: RuleReloader, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    """A copy of many files is half of two sets until its end; one that never ends is told."""
    monkeypatch.setattr(watch.rest, "wait", lambda _: os.utime(files.policy))
    before = watch.current()
    files.mark(1)
    for _ in range(9):
        watch.look()
    assert watch.current() is before
    flush()
    assert b"rules-" not in capfdbinary.readouterr().err
    watch.look()
    flush()
    [said] = events(capfdbinary.readouterr().err.decode(), "rules-not-changed")
    assert "changed all the time" in said["reason"]

    monkeypatch.undo()
    watch.look()
    assert watch.fault is None
    assert watch.current().payers.default.name == "Mark1 Plan"


def test_files_that_change_while_they_are_read_are_not_taken_up(
    files: Rules, watch: RuleReloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an answer could rest on the old half of one file and the new half of another."""
    load, read = loading.load_policies, []

    def load_amid_changes(*given: Any) -> Any:
        """Change them for the first two times."""
        loaded = load(*given)
        read.append(loaded["evicore-cmm-204"].publisher)
        if len(read) < 3:
            files.mark(1 + len(read))
        return loaded

    files.mark(1)
    monkeypatch.setattr(loading, "load_policies", load_amid_changes)
    watch.look()
    assert read == ["Mark1 Policies", "Mark2 Policies", "Mark3 Policies"]
    assert watch.current().payers.default.name == "Mark3 Plan"
    assert watch.current().index.policies["evicore-cmm-204"].publisher == "Mark3 Policies"


def test_files_that_are_changed_all_the_time_cannot_be_started_with(
    files: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading.time, "sleep", lambda _: None)
    monkeypatch.setattr(loading, "load_policies", lambda *_: os.utime(files.policy) or {})
    with pytest.raises(RulesError, match="changed all the time"):
        load_rules(*(files.root / name for name in ("vocabulary", "policies", "payers")))


def test_a_disk_at_fault_is_asked_again(
    files: Rules, watch: RuleReloader, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    """Nothing of the files changes when it is well again; a fault of ours ends nothing either."""
    load = reload.load_rules

    def fail(*_: Path) -> Any:
        raise MemoryError

    files.mark(1)
    monkeypatch.setattr(reload, "load_rules", fail)
    monkeypatch.setattr(reload, "_RETRY", 0.0)
    for _ in range(3):
        watch.look()
    flush()
    [said] = events(capfdbinary.readouterr().err.decode(), "rules-not-changed")
    assert "MemoryError at " in said["reason"]
    monkeypatch.setattr(reload, "load_rules", load)
    watch.look()
    assert watch.current().payers.default.name == "Mark1 Plan"


def test_replaced_rules_are_freed_once_no_call_can_have_them(
    files: Rules, watch: RuleReloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "_LINGER", 0.0)
    gc.disable()  # what is frozen is not collected: there must be no cycles
    try:
        old = weakref.ref(watch.current().index)
        files.mark(1)
        watch.look()
        assert old()
        watch.look()
        assert old() is None
    finally:
        gc.enable()


def policies_and_payers() -> list[Any]:
    return [one for one in gc.get_objects() if type(one) in (Policy, Payer)]


@pytest.mark.parametrize("is_frozen", [False, True])
def test_no_call_keeps_replaced_rules_in_memory(
    files: Rules, monkeypatch: pytest.MonkeyPatch, example: Any, tmp_path: Path, is_frozen: bool
) -> None:
    """Neither what was written once for all calls, nor the application: for a year of changes would not fit."""
    monkeypatch.setattr(reload, "_STILL", 0.01)
    monkeypatch.setattr(reload, "_LINGER", 0.0)
    others = policies_and_payers()
    folders = {name: files.root / name for name in FOLDERS}
    app = create_app(read_settings(**folders, reload=0, database_url=f"sqlite:///{tmp_path}/crd.sqlite3"))
    caller, watch = app.test_client(), app.extensions["crd.rules"]

    def call() -> str:
        for kind in ("m0076-order-sign", "order-sign-2.2", "order-sign-2.1-unlisted-code"):
            response = caller.post(SIGN, json=example(kind))
            assert response.status_code == 200
        return str(caller.post(SIGN, json=example("m0076-order-sign")).get_data(as_text=True))

    call()
    if is_frozen:
        gc.collect()
        gc.freeze()
    gc.disable()  # what is frozen is not collected: there must be no cycles
    try:
        rules = watch.current()
        kept = [weakref.ref(one) for one in (rules, rules.index, rules.vocabulary.code_systems)]
        del rules
        files.mark(1)
        watch.look()
        assert marks(call()) == {"Mark1"}
        watch.look()
        assert [one() for one in kept] == [None] * len(kept)
        gc.unfreeze()
        current = watch.current()
        expected = [*others, *current.index.policies.values(), *current.payers.payers]
        assert {id(one) for one in policies_and_payers()} == {id(one) for one in expected}
    finally:
        gc.enable()
        gc.unfreeze()


def test_one_thread_looks_whichever_calls_come_first(files: Rules) -> None:
    """And it ends with what it looks after."""
    settings = read_settings(**{name: files.root / name for name in FOLDERS}, reload=0.01)
    watch = RuleReloader(settings, read_rules(settings))
    before = {thread for thread in threading.enumerate() if thread.name == "rules"}
    with ThreadPoolExecutor(16) as threads:
        for _ in range(64):
            threads.submit(watch.current)
    [thread] = {thread for thread in threading.enumerate() if thread.name == "rules"} - before
    del watch
    thread.join(60)
    assert not thread.is_alive()


# --- a running service ----------------------------------------------------------------------------------------------


def ready(service: Any) -> dict[str, Any]:
    response = requests.get(f"{service.base}/ready", timeout=60)
    assert response.status_code == 200
    return response.json()


@pytest.fixture(name="body")
def _body(example: Any) -> bytes:
    return json.dumps(example("m0076-order-sign")).encode()


def test_a_running_service_keeps_its_rules_until_there_are_better_ones(
    start_service: Callable[..., Any], files: Rules, body: bytes
) -> None:
    """With the settings it comes with: a change is answered within about two seconds."""
    service = start_service(**files.variables)
    at_start = ready(service)
    files.mark(1)
    took = wait_until(lambda: marks(service.post(SIGN, body).text))
    assert took < 30  # about 1.5 where nothing else runs
    assert marks(service.post(SIGN, body).text) == {"Mark1"}
    taken_up = ready(service)
    assert (taken_up["reload"], taken_up["policies"]) == ("ok", at_start["policies"])
    assert taken_up["rules"] != at_start["rules"]

    good = files.policy.read_text()
    files.mark(2)
    files.policy.write_text(files.policy.read_text()[:-10])
    wait_until(lambda: ready(service)["reload"] == "failed")
    assert ready(service)["rules"] == taken_up["rules"]
    assert marks(service.post(SIGN, body).text) == {"Mark1"}

    files.policy.write_text(good.replace("Mark1", "Mark2"))
    wait_until(lambda: marks(service.post(SIGN, body).text) == {"Mark2"})
    assert ready(service)["reload"] == "ok"

    log = service.log.read_text()
    [said] = events(log, "rules-not-changed")
    assert f"{files.policy}: line 1" in said["reason"]
    assert said["rules"] == taken_up["rules"]
    assert [one["rules"] for one in events(log, "rules-changed")] == [taken_up["rules"], ready(service)["rules"]]


class Callers:
    """Threads that call a service all the time, and what they were answered."""

    def __init__(self, service: Any, body: bytes, threads: int = 4) -> None:
        self._service, self._body = service, body
        self.statuses: list[int] = []
        self.seen: list[frozenset[str]] = []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _call(self) -> None:
        while not self._end.is_set():
            response = self._service.post(SIGN, self._body)
            self.statuses.append(response.status_code)
            self.seen.append(frozenset(marks(response.text)))

    def stop(self) -> None:
        """End all of them."""
        self._end.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(name="mounted", params=["folders", "flat"])
def _mounted(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, Callable[[int], None]]:
    """Folders as Kubernetes mounts a ConfigMap: links into `..data`, itself a link that is changed at once.

    Its keys are flat, unless `items` gives them paths with folders.
    """
    root = tmp_path / "mounted"
    root.mkdir()

    def publish(number: int) -> None:
        rules = Rules(root / f"..{number}")
        rules.mark(number)
        if request.param == "flat":
            flatten(rules.policies)
        (root / "..new").symlink_to(f"..{number}")
        (root / "..new").replace(root / "..data")

    publish(0)
    for name in FOLDERS:
        (root / name).mkdir()
        for entry in (root / "..0" / name).iterdir():
            (root / name / entry.name).symlink_to(f"../..data/{name}/{entry.name}")
    return root, publish


def flatten(policies: Path) -> None:
    """Lay the policies of a folder flat, `<id>.json` and `<id>.cases.json`."""
    for folder in [path for path in policies.iterdir() if (path / "policy.json").is_file()]:
        (folder / "policy.json").rename(policies / f"{folder.name}.json")
        (folder / "cases.json").rename(policies / f"{folder.name}.cases.json")
        folder.rmdir()


def test_under_load_no_call_fails_and_none_has_two_sets_of_rules(
    start_service: Callable[..., Any], mounted: tuple[Path, Callable[[int], None]], body: bytes
) -> None:
    """Two workers, and a link that is changed again and again; in the end both have the last."""
    root, publish = mounted
    variables = {f"CRD_{name.upper()}": str(root / name) for name in FOLDERS}
    service = start_service(CRD_RELOAD="0.1", CRD_WORKERS="2", **variables)
    callers = Callers(service, body)
    try:
        for number in range(1, 6):
            publish(number)
            wait_until(lambda number=number: frozenset({f"Mark{number}"}) in callers.seen)
        wait_until(lambda: callers.seen[-40:] == [frozenset({"Mark5"})] * 40)
    finally:
        callers.stop()
    assert set(callers.statuses) == {200}
    assert {len(one) for one in callers.seen} == {1}
    assert len({ready(service)["rules"] for _ in range(20)}) == 1


def test_a_call_that_is_under_way_keeps_the_rules_it_began_with(
    start_service: Callable[..., Any], files: Rules, odd_server: Any, example: Callable[..., Any]
) -> None:
    """It waits for a FHIR server while another call is answered by new ones; payer and policy are both old."""
    files.mark(1)
    service = start_service(CRD_RELOAD="0.1", CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", **files.variables)
    plain = json.dumps(example("m0076-order-sign")).encode()
    waits = example("m0076-order-sign")
    del waits["prefetch"]["coverage"]
    waits |= {"fhirServer": f"{odd_server.base}/slow/2.5", "fhirAuthorization": {"access_token": "t"}}
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(service.post, SIGN, waits)
        wait_until(odd_server.log)
        files.mark(2)
        wait_until(lambda: marks(service.post(SIGN, plain).text) == {"Mark2"})
        if under_way.done():
            pytest.skip("this machine is too slow to change the rules within a call")
        assert marks(under_way.result().text) == {"Mark1"}
    assert marks(service.post(SIGN, waits).text) == {"Mark2"}


def test_a_folder_may_be_a_link_that_is_changed(start_service: Callable[..., Any], tmp_path: Path, body: bytes) -> None:
    """As releases are switched: `current -> release-7`."""
    for number in (1, 2):
        Rules(tmp_path / f"release-{number}").mark(number)
    (tmp_path / "current").symlink_to("release-1")
    variables = {f"CRD_{name.upper()}": str(tmp_path / "current" / name) for name in FOLDERS}
    service = start_service(CRD_RELOAD="0.1", **variables)
    assert marks(service.post(SIGN, body).text) == {"Mark1"}

    (tmp_path / "new").symlink_to("release-2")
    (tmp_path / "new").replace(tmp_path / "current")
    wait_until(lambda: marks(service.post(SIGN, body).text) == {"Mark2"})


def test_zero_reads_them_at_start_alone(start_service: Callable[..., Any], files: Rules, body: bytes) -> None:
    service = start_service(CRD_RELOAD="0", **files.variables)
    files.mark(1)
    time.sleep(1.5)
    assert not marks(service.post(SIGN, body).text)
