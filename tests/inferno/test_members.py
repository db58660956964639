"""The kit's presets of unresolved members and coverages, with the members that docs/clients.md gives for them."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.documents.snippets import read
from tests.fhir.servers import TOKEN, RunningServer
from tests.inferno.kit import FOLDER, NO_KIT, ROOT, VERSIONS, Body, faults, read_bodies, read_records, unannotated
from tests.members import load_members
from tests.running_service import RunningService
from tests.service.who_answers import annotation

pytestmark = pytest.mark.skipif(bool(NO_KIT), reason=NO_KIT)
pytest_plugins = ["tests.fhir.fixtures"]

BODIES = {body.name: body for body in read_bodies()}

#: What the suite 2.2.1 wants of each preset.
WANTED = {
    "p221-no_member_found": "no-member-found",
    "p221-coverage_not_found": "coverage-not-found",
    "p221-no_active_coverage": "no-active-coverage",
}


@pytest.fixture(scope="module", name="base")
def _base(fhir_server: Callable[..., RunningServer]) -> str:
    """The FHIR server that holds the testers' records."""
    return fhir_server(*read_records()).base


@pytest.fixture(scope="module", name="asking")
def _asking(start_service: Callable[..., RunningService], tmp_path_factory: pytest.TempPathFactory) -> RunningService:
    """The service with the kit's payer and the members of docs/clients.md."""
    folder = tmp_path_factory.mktemp("members")
    payers, members = folder / "payers", folder / "members.csv"
    shutil.copytree(ROOT / "cards" / "payers", payers)
    (payers / "inferno-payer.json").write_text((FOLDER / "payer-2.2.1.json").read_text())
    (shown,) = (one.text for one in read(ROOT / "docs" / "clients.md") if one.language == "csv")
    members.write_text(shown)
    database = f"sqlite:///{folder}/crd.sqlite3"
    load_members(database, members, plans=frozenset({"inferno-payer"}))
    return start_service(
        CRD_PAYERS=str(payers), CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_MEMBERS="database", CRD_DATABASE_URL=database
    )


def said(service: RunningService, body: Body, version: str, base: str) -> list[dict[str, Any]]:
    """Return what is said of each order, once the kit has nothing to complain of."""
    sent = body.as_sent(version, base, TOKEN)
    response = service.post(f"/cds-services/{body.hook}-crd", sent)
    answer = response.json()
    assert response.status_code == 200, answer
    assert list(faults(sent, answer)) == []
    assert unannotated(sent, answer) == []
    return [annotation(action) for action in answer["systemActions"]]


def reasons(said_of_order: dict[str, Any]) -> set[str]:
    return {coding["code"] for coding in said_of_order.get("reason", {}).get("coding", ())}


@pytest.mark.parametrize(("preset", "reason"), WANTED.items())
def test_a_preset_of_an_unresolved_member_gets_the_reason_that_the_suite_wants(
    preset: str, reason: str, asking: RunningService, base: str
) -> None:
    """resp-44, resp-45: 200, `not-covered` and why, on each order."""
    for one in said(asking, BODIES[preset], "2.2", base):
        assert (one["covered"], reasons(one)) == ("not-covered", {reason})


@pytest.mark.parametrize("preset", WANTED)
def test_the_other_versions_say_it_in_their_own_words(preset: str, asking: RunningService, base: str) -> None:
    """2.0 has `conditional` for what is not known, 2.1 `not-covered` with the reason as text."""
    for version in VERSIONS[:2]:
        for one in said(asking, BODIES[preset], version, base):
            assert one["covered"] == {"2.0": "conditional", "2.1": "not-covered"}[version]


def test_a_member_of_the_kit_is_answered_by_the_plan(asking: RunningService, base: str) -> None:
    """The same Coverage as in the preset of no member: it is the patient's number that tells them apart."""
    for one in said(asking, BODIES["p221-any_hook"], "2.2", base):
        assert not reasons(one) & set(WANTED.values())
