"""What the tests share: the shipped rules, a running service with a fixed day, and examples by name."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from cds_hooks.rules.loading import Rules, load_rules
from cds_hooks.settings import read_settings
from tests.member_service import MemberServiceProcess
from tests.members import with_members, with_payer
from tests.running_service import RunningService, running_services

ROOT = Path(__file__).resolve().parent.parent

# The same examples at every run, on slow machines too; `make soak` looks for others.
settings.register_profile(
    "quick", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("quick")

#: Fixtures behind which a process runs: a service, a FHIR server, a database, a server of keys, HL7's validator, Helm.
PROCESSES = frozenset(
    {
        "start_service",
        "start_shared_service",
        "asking_service",
        "failing_payer_service",
        "fhir_server",
        "odd_server",
        "other_server",
        "postgresql",
        "valkey",
        "key_server",
    }
    | {"other_key_server", "validator", "helm"}
)


#: What takes longest comes first, so that a run does not end with all but one core waiting: the folders and files that
#: take more than twenty seconds, then whatever starts processes.
LONG = (
    "tests/validator",
    "tests/browser",
    "tests/documents/test_snippets.py",
    "tests/survival",
    "tests/inferno",
    "tests/cds_hooks/impact",
    "tests/service/test_fetching.py",
    "tests/cds_hooks/answering/test_recording.py",
    "tests/cds_hooks/rules/test_reload.py",
    "tests/cards/response/test_every_answer.py",
)

#: Fixtures for which Maven downloads something, and the seconds of a test that waits for it: that may take eight minutes.
OF_MAVEN = frozenset({"validator", "helm"})
MAVEN_SECONDS = 720

#: Their tests share nothing that takes time to start, so each may run on any core.
APART = frozenset({"tests/survival/test_killed.py", "tests/cards/response/test_every_answer.py"})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests run side by side: one more than cores, as many wait for what they started."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep on one core what shares services, in the order of the tests.

    xdist's own `loadgroup` writes groups into an attribute of tests that pytest 9.2 does not have any more (3.8.0).
    """
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

        def schedule(self) -> None:
            """Give more, or the end, to whom little was given: a last test begins when it is known what follows it."""
            super().schedule()
            for node in self.nodes:
                self._reschedule(node)

        def remove_node(self, node: Any) -> str | None:
            """Let others do what one that ended has not, but for the test that it ended in, which failed.

            xdist's own (3.8.0) gives out groups that are done, too, after which who has such a one waits for good.
            """
            groups = self.assigned_work.pop(node)
            failed: str | None = next((test for group in groups.values() for test in group if not group[test]), None)
            if failed is not None:
                groups[_group(failed)][failed] = True
            self.workqueue.update({name: tests for name, tests in groups.items() if not all(tests.values())})
            for other in self.assigned_work:
                self._reschedule(other)
            return failed

    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start processes, which `make check` leaves out, and begin with what takes longest."""
    ranks: dict[str, int] = {}
    for item in items:
        starts = isinstance(item, pytest.Function) and _starts_processes(item)
        if isinstance(item, pytest.Function) and not OF_MAVEN.isdisjoint(item.fixturenames):
            item.add_marker(pytest.mark.timeout(MAVEN_SECONDS))
        if starts:
            item.add_marker("process")
        group = _group(item.nodeid)
        ranks[group] = min(ranks.get(group, len(LONG) + 1), _rank(group, starts))
    items.sort(key=lambda item: ranks[_group(item.nodeid)])


def _group(nodeid: str) -> str:
    """Return what a test runs together with: the tests of its file, or all that ask the one validator.

    A browser is started for each file that needs one: that takes a second, and the files take minutes.
    """
    path = nodeid.partition("::")[0]
    if path in APART:
        return nodeid
    return "tests/validator" if path.startswith("tests/validator/") else path


def _rank(group: str, starts_processes: bool) -> int:
    found = (number for number, begin in enumerate(LONG) if group.startswith(begin))
    return next(found, len(LONG) + (not starts_processes))


def _starts_processes(item: pytest.Function) -> bool:
    return not PROCESSES.isdisjoint(item.fixturenames) or hasattr(item.module, "subprocess")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Know whether the test that runs now may start a process."""
    _running.append(item)


_running: list[pytest.Item] = []


def _refuse_processes(event: str, _: object) -> None:
    if event == "subprocess.Popen" and _running and not _running[-1].get_closest_marker("process"):
        raise AssertionError(f"{_running[-1].nodeid} starts a process, but is not marked so (tests/conftest.py)")


sys.addaudithook(_refuse_processes)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own CRD_ variables do not change what the tests see."""
    for name in [name for name in os.environ if name.startswith("CRD_") and name != "CRD_SHARED"]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", name="rules")
def _rules() -> Rules:
    data = ROOT / "cards"
    return load_rules(data / "vocabulary", data / "policies", data / "payers")


@pytest.fixture(scope="module", name="start_service")
def _start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningService]]:
    """Start services with settings of their own; all are stopped at the end of the test's module."""
    with running_services(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session", name="start_shared_service")
def _start_shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningService]]:
    """Start services that tests of several modules call; they are stopped at the very end."""
    with running_services(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session", name="service")
def _service(start_shared_service: Callable[..., RunningService]) -> RunningService:
    """The service as it comes, with default settings."""
    return start_shared_service()


@pytest.fixture(scope="session", name="asking_service")
def _asking_service(
    start_shared_service: Callable[..., RunningService], tmp_path_factory: pytest.TempPathFactory
) -> RunningService:
    """The service as it comes, but that it asks the members of the examples."""
    return start_shared_service(**with_members(tmp_path_factory.mktemp("members")))


@pytest.fixture(scope="session", name="failing_payer_service")
def _failing_payer_service(
    start_shared_service: Callable[..., RunningService], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """The service as it comes, but that it asks a payer's own, which cannot tell what is authorized."""
    payer = MemberServiceProcess(tmp_path_factory.mktemp("failing-payer"))
    payer.do("no-authorizations")
    yield start_shared_service(**with_payer(payer))
    payer.stop()


def example(case: str, policy: str = "evicore-cmm-204") -> dict[str, Any]:
    """Return an example's request."""
    return json.loads((ROOT / "fhir_examples" / policy / case / "request.json").read_text())


@pytest.fixture(name="example")
def _example() -> Callable[..., dict[str, Any]]:
    return example


@pytest.fixture(name="lenient_settings")
def _lenient_settings() -> Any:
    return read_settings()
