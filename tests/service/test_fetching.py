"""What a call lacks is read from the client's FHIR server: no more than needed, in time, and with the token kept safe.

The server is a process that really runs (tests/fhir/fhir_server.mjs), or one that misbehaves (odd_server.py).
"""

import copy
import time
from typing import Any

import pytest
import requests

from tests.fhir.servers import access
from tests.guide.conformance import faults
from tests.waiting import wait_until

pytest_plugins = ["tests.fhir.fixtures"]

EXTENSION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
CPT = "http://www.ama-assn.org/go/cpt"
M0076 = {
    "coding": [{"system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "M0076"}],
    "text": "Prolotherapy",
}
SUBJECT = {"subject": {"reference": "Patient/pat-1"}}
PATIENT = {"resourceType": "Patient", "id": "pat-1", "name": [{"family": "Invented-zyx"}]}
ORGANIZATION = {
    "resourceType": "Organization",
    "id": "org-ehp",
    "active": True,
    "name": "Example Health Plan",
    "identifier": [{"system": "http://example.org/payer-id", "value": "EHP01"}],
}
COVERAGE = {
    "resourceType": "Coverage",
    "id": "cov-1",
    "status": "active",
    "beneficiary": {"reference": "Patient/pat-1"},
    "payor": [{"reference": "Organization/org-ehp"}],
}
ORDER = {
    "resourceType": "ServiceRequest",
    "id": "prolo-1",
    "status": "active",
    "intent": "order",
    "code": M0076,
    "authoredOn": "2026-11-23",
    "requester": {"reference": "Practitioner/p"},
    **SUBJECT,
}
UNLISTED = {
    **ORDER,
    "id": "open-1",
    "code": {"coding": [{"system": CPT, "code": "20999"}]},
    "reasonReference": [{"reference": "Condition/c"}],
}
CONDITION = {"resourceType": "Condition", "id": "c", "code": {"text": "Prolotherapy for knee instability"}, **SUBJECT}
MEDICATION = {"resourceType": "Medication", "id": "m", "code": M0076}
MEDICATION_ORDER = {
    "resourceType": "MedicationRequest",
    "id": "med-1",
    "status": "active",
    "intent": "order",
    "medicationReference": {"reference": "Medication/m"},
    **SUBJECT,
}
ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "enc-1",
    "status": "planned",
    "class": {"code": "AMB"},
    "serviceType": M0076,
    **SUBJECT,
}
CHART = (PATIENT, ORGANIZATION, COVERAGE, ORDER, UNLISTED, CONDITION, MEDICATION, MEDICATION_ORDER, ENCOUNTER)
SEARCH = "Coverage?patient=pat-1&status=active&_include=Coverage:payor"


@pytest.fixture(scope="module", name="reading")
def _reading(start_service: Any) -> Any:
    """A service that may read from FHIR servers on this machine."""
    return start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1")


@pytest.fixture(scope="module", name="hasty")
def _hasty(start_service: Any) -> Any:
    """The same with half a second for all reads of a call."""
    return start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_FHIR_TIME_BUDGET="0.5")


def call(hook: str, base: str, token: str | None, version: str = "2.0", **context: Any) -> dict[str, Any]:
    request = {
        "hook": hook,
        "hookInstance": "7d9f2a54-0b7e-4c0f-9a51-3f1e6f0dffff",
        "fhirServer": base,
        "context": {"userId": "Practitioner/p", "patientId": "pat-1", **context},
    }
    if token:
        request["fhirAuthorization"] = access(token, "patient/*.read")
    if version != "2.0":
        request["extension"] = {"davinci-crd.requestedVersion": version}
    return request


def dispatch(server: Any, *orders: str, version: str = "2.0") -> dict[str, Any]:
    orders = orders or ("ServiceRequest/prolo-1",)
    return call(
        "order-dispatch", server.base, server.token, version, performer="Organization/x", dispatchedOrders=list(orders)
    )


def sign(server: Any, *orders: dict[str, Any], version: str = "2.0") -> dict[str, Any]:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": order} for order in orders or (ORDER,)]}
    return call("order-sign", server.base, server.token, version, draftOrders=bundle)


def post(service: Any, request: dict[str, Any]) -> requests.Response:
    return service.post(f"/cds-services/{request['hook']}-crd", request)


def covered(response: requests.Response) -> dict[str, str]:
    """What is said of each order of a response."""
    said = {}
    for action in response.json()["systemActions"]:
        extension = next(e for e in action["resource"]["extension"] if e["url"] == EXTENSION)
        said[action["resource"]["id"]] = next(p["valueCode"] for p in extension["extension"] if p["url"] == "covered")
    return said


def asked(server: Any, since: int) -> list[str]:
    """What was asked of a FHIR server, batches opened, without the requests for its own log."""
    urls = []
    for seen in server.log()[since:]:
        urls += seen.get("batch") or [seen["url"].removeprefix("/fhir/")]
    return urls


# --- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("options", [(), ("--no-batch",), ("--no-include",), ("--page-size", "1")], ids=" ".join)
def test_a_dispatched_order_is_answered_through_a_real_fhir_server(
    version: str, options: tuple[str, ...], reading: Any, fhir_server: Any
) -> None:
    """CRD-56, CRD-57, HK-60, HK-61, found-5: read with the token of the call, however the server does it."""
    server = fhir_server(*CHART, options=options)

    response = post(reading, dispatch(server, version=version))

    assert response.status_code == 200, response.text
    assert covered(response) == {"prolo-1": "not-covered"}
    assert faults(version, response.json()) == []
    assert response.json()["cards"][0]["source"]["label"] == "Example Health Plan"


def test_the_order_read_travels_back_as_it_was(reading: Any, fhir_server: Any) -> None:
    """resp-37."""
    after = post(reading, dispatch(fhir_server(*CHART))).json()["systemActions"][0]["resource"]

    del after["extension"]
    after.pop("meta", None)
    assert after == ORDER


def test_more_than_one_read_is_one_batch(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART, options=("--delay-ms", "1"))
    since = len(server.log())

    post(reading, dispatch(server))

    seen = server.log()[since:]
    assert [one["method"] for one in seen] == ["POST"]
    assert asked(server, since) == ["ServiceRequest/prolo-1", SEARCH]


def test_m0076_asks_for_who_pays_and_nothing_else(reading: Any, fhir_server: Any) -> None:
    """CRD-42, found-28; spec 5.6.7: the code alone decides, so no clinical record is read, and no Patient either."""
    server = fhir_server(*CHART, options=("--delay-ms", "2"))
    since = len(server.log())

    response = post(reading, sign(server, {**ORDER, "reasonReference": [{"reference": "Condition/c"}]}))

    assert covered(response) == {"prolo-1": "not-covered"}
    assert asked(server, since) == [SEARCH]


def test_a_reason_is_read_only_where_the_codes_leave_open_what_is_done(reading: Any, fhir_server: Any) -> None:
    """Domain note, section 4: for an unlisted code the reason's words count; 20999 alone would be conditional."""
    server = fhir_server(*CHART, options=("--delay-ms", "3"))
    since = len(server.log())

    response = post(reading, sign(server, UNLISTED))

    assert asked(server, since) == [SEARCH, "Condition/c"] or asked(server, since) == ["Condition/c", SEARCH]
    assert covered(response) == {"open-1": "not-covered"}
    assert "the order's reason" in response.text


def test_the_medication_of_an_order_is_read(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART)

    assert covered(post(reading, dispatch(server, "MedicationRequest/med-1"))) == {"med-1": "not-covered"}


@pytest.mark.parametrize(("version", "annotated"), [("2.0", "appt-1"), ("2.1", "appt-1"), ("2.2", "prolo-1")])
def test_the_order_behind_an_appointment_is_read(version: str, annotated: str, reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART)
    appointment = {
        "resourceType": "Appointment",
        "id": "appt-1",
        "status": "proposed",
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T09:30:00Z",
        "participant": [{"actor": {"reference": "Patient/pat-1"}, "status": "accepted"}],
        "basedOn": [{"reference": f"{server.base}/ServiceRequest/prolo-1"}],
    }

    response = post(reading, call("appointment-book", server.base, server.token, version, appointments=[appointment]))

    assert covered(response) == {annotated: "not-covered"}


def test_an_encounter_is_read_and_who_pays_only_if_that_matters(reading: Any, fhir_server: Any) -> None:
    plain = {**ENCOUNTER, "id": "enc-2", "serviceType": {"text": "Hospital stay"}}
    server = fhir_server(*CHART, plain, options=("--delay-ms", "4"))

    since = len(server.log())
    response = post(reading, call("encounter-start", server.base, server.token, encounterId="enc-1"))
    assert [card["summary"][:31] for card in response.json()["cards"]] == ["Prolotherapy (M0076) is not cov"]
    assert asked(server, since) == ["Encounter/enc-1", SEARCH]

    since = len(server.log())
    response = post(reading, call("encounter-start", server.base, server.token, encounterId="Encounter/enc-2"))
    assert response.json() == {"cards": []}
    assert asked(server, since) == ["Encounter/enc-2"]


def test_a_payor_that_was_not_sent_is_read(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART, options=("--delay-ms", "5"))
    since = len(server.log())
    request = sign(server, version="2.2")
    request["prefetch"] = {"coverage": COVERAGE}

    assert covered(post(reading, request)) == {"prolo-1": "not-covered"}
    assert asked(server, since) == ["Organization/org-ehp"]


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_a_payor_that_its_identifier_names_already_is_not_read(version: str, reading: Any, fhir_server: Any) -> None:
    """CRD-42, found-28: the minimum; what an Organization could add decides nothing."""
    server = fhir_server(*CHART, options=("--delay-ms", "6"))
    since = len(server.log())
    request = sign(server, version=version)
    payor = {"reference": "Organization/org-ehp", "identifier": ORGANIZATION["identifier"][0]}
    request["prefetch"] = {"coverage": {**COVERAGE, "payor": [payor]}}

    assert covered(post(reading, request)) == {"prolo-1": "not-covered"}
    assert asked(server, since) == []


def test_draft_orders_given_as_references_are_read(reading: Any, fhir_server: Any) -> None:
    """Seen at payers' gateways (clients.md)."""
    server = fhir_server(*CHART)

    assert covered(
        post(reading, call("order-sign", server.base, server.token, draftOrders=["ServiceRequest/prolo-1"]))
    ) == {"prolo-1": "not-covered"}


@pytest.mark.parametrize("given", [None, {"resourceType": "Bundle", "type": "searchset", "total": 0}])
def test_what_the_client_found_none_of_is_not_asked_for_again(given: Any, reading: Any, fhir_server: Any) -> None:
    """P-5 of cds-hooks.md 4.5, found-32: null is an answer; and no 412, for nothing is missing."""
    server = fhir_server(*CHART, options=("--delay-ms", "6"))
    since = len(server.log())
    request = sign(server)
    request["prefetch"] = {"coverage": given}

    response = post(reading, request)

    assert asked(server, since) == []
    assert response.status_code == 200
    assert response.json()["systemActions"] == []


@pytest.mark.parametrize(
    "given",
    [
        {"resourceType": "OperationOutcome", "issue": []},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome"}}]},
    ],
)
def test_what_the_client_failed_at_is_not_tried_again(given: Any, reading: Any, fhir_server: Any) -> None:
    """HK-52: an OperationOutcome in prefetch; what is needed and could not be had is 412 (HK-54)."""
    server = fhir_server(*CHART, options=("--delay-ms", "7"))
    since = len(server.log())
    request = sign(server)
    request["prefetch"] = {"coverage": given}

    response = post(reading, request)

    assert asked(server, since) == []
    assert response.status_code == 412
    assert response.json()["issue"][0]["expression"] == ["prefetch.coverage"]


@pytest.mark.parametrize(
    ("given", "why"),
    [(None, "no such record"), ({"resourceType": "OperationOutcome"}, "the client reported an error")],
)
def test_an_order_the_client_asked_for_itself_is_not_asked_for_again(
    given: Any, why: str, reading: Any, fhir_server: Any
) -> None:
    """P-5: the keys that CRD 2.2 announces for order-dispatch."""
    server = fhir_server(*CHART, options=("--delay-ms", "10"))
    since = len(server.log())
    request = dispatch(server)
    request["prefetch"] = {"serviceRequests": given}

    response = post(reading, request)

    assert response.status_code == 412
    assert why in response.json()["issue"][0]["diagnostics"]
    assert asked(server, since) == [SEARCH]


def other_payer(identity: str, value: str, **members: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A Coverage and its payor, an Organization of its own."""
    organization = {
        **ORGANIZATION,
        "id": f"org-{identity}",
        "name": identity,
        "identifier": [{"system": "http://example.org/payer-id", "value": value}],
    }
    return {
        **COVERAGE,
        "id": identity,
        "payor": [{"reference": f"Organization/org-{identity}"}],
        **members,
    }, organization


def test_of_several_coverages_all_payors_are_read_before_one_is_chosen(reading: Any, fhir_server: Any) -> None:
    """Spec 8.5, CRD 2.0.1: the one whose payor matches us."""
    foreign, nobody = other_payer("foreign", "nobody")
    server = fhir_server(*CHART, foreign, nobody, options=("--no-include",))
    request = sign(server)
    request["prefetch"] = {
        "coverage": {"resourceType": "Bundle", "entry": [{"resource": foreign}, {"resource": COVERAGE}]}
    }

    (action,) = post(reading, request).json()["systemActions"]

    assert action["resource"]["extension"][0]["extension"][0]["valueReference"]["reference"] == "Coverage/cov-1"


def test_the_payer_is_not_guessed_from_a_type_while_its_organization_can_be_read(
    reading: Any, fhir_server: Any
) -> None:
    """An identifier comes before a type: the answer does not depend on what was sent along."""
    medicare = {"coding": [{"system": "https://nahdo.org/sopt", "code": "111"}]}
    advantage, plan = other_payer("ema", "EMA01", type=medicare)
    server = fhir_server(*CHART, advantage, plan)
    request = sign(server)
    request["prefetch"] = {"coverage": advantage}

    assert post(reading, request).json()["cards"][0]["source"]["label"] == "Example Medicare Advantage"


def test_a_coverage_that_an_order_names_is_read(reading: Any, fhir_server: Any) -> None:
    request = sign(fhir_server(*CHART), {**ORDER, "insurance": [{"reference": "Coverage/cov-1"}]}, version="2.2")
    request["prefetch"] = {"coverage": {**COVERAGE, "id": "cov-9"}}

    assert covered(post(reading, request)) == {"prolo-1": "not-covered"}


def test_pages_of_what_is_not_needed_are_not_read(reading: Any, fhir_server: Any) -> None:
    """CRD-42."""
    server = fhir_server(*CHART, options=("--delay-ms", "11"))
    since = len(server.log())
    request = sign(server)
    observation = {"resourceType": "Observation", "id": "x"}
    request["prefetch"] = {
        "coverage": COVERAGE,
        "o": ORGANIZATION,
        "observations": {
            "resourceType": "Bundle",
            "entry": [{"resource": observation}],
            "link": [{"relation": "next", "url": f"{server.base}/Observation?_offset=1"}],
        },
    }

    assert covered(post(reading, request)) == {"prolo-1": "not-covered"}
    assert asked(server, since) == []


def test_only_conditions_are_read_as_reasons(reading: Any, fhir_server: Any) -> None:
    """Minimum necessary: a DocumentReference is a whole note, and has no code that could help."""
    server = fhir_server(*CHART, options=("--delay-ms", "12"))
    since = len(server.log())
    reasons = [{"reference": f"{kind}/c"} for kind in ("DocumentReference", "Observation", "DiagnosticReport")]

    post(reading, sign(server, {**UNLISTED, "reasonReference": reasons}))

    assert asked(server, since) == [SEARCH]


def test_a_patient_who_pays_is_not_read(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART, options=("--delay-ms", "13"))
    since = len(server.log())
    request = sign(server)
    request["prefetch"] = {"coverage": {**COVERAGE, "payor": [{"reference": "Patient/pat-1"}]}}

    assert post(reading, request).status_code == 200
    assert asked(server, since) == []


def test_the_medication_behind_the_order_of_an_appointment_is_read(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART)
    alternate = {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/alternate-reference",
                "valueReference": {"reference": "MedicationRequest/med-1"},
            }
        ]
    }
    appointment = {
        "resourceType": "Appointment",
        "id": "appt-1",
        "status": "proposed",
        "participant": [{"actor": {"reference": "Patient/pat-1"}}],
        "basedOn": [alternate],
    }
    for version, annotated in (("2.0", "appt-1"), ("2.2", "med-1")):
        response = post(
            reading, call("appointment-book", server.base, server.token, version, appointments=[appointment])
        )

        assert covered(response) == {annotated: "not-covered"}


def test_an_order_that_was_revoked_asks_for_nothing(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART, options=("--delay-ms", "14"))
    since = len(server.log())
    request = dispatch(server)
    request["prefetch"] = {"order": {**ORDER, "status": "revoked"}}

    assert post(reading, request).json() == {"cards": [], "systemActions": []}
    assert asked(server, since) == []


def bundle(*resources: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    link = [{"relation": "self", "url": "x"}, *([{"relation": "next", "url": following}] if following else [])]
    return {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": [{"resource": r} for r in resources]}


WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}
ENDED = {**COVERAGE, "id": "old", "period": {"end": "2020-01-01"}}


def test_a_warning_in_a_bundle_is_no_failure(reading: Any, fhir_server: Any) -> None:
    """cds-hooks.md 4.5: an OperationOutcome inside a Bundle is to be looked at."""
    request = sign(fhir_server(*CHART), version="2.2")
    request["prefetch"] = {"coverage": bundle(WARNING)}

    assert "No coverage of the patient was found." in post(reading, request).json()["cards"][0]["detail"]


@pytest.mark.parametrize(
    "first", [bundle(), bundle(WARNING), bundle(ORGANIZATION, ENDED)], ids=["empty", "warning", "included"]
)
def test_pages_are_followed_whatever_the_first_one_holds(first: dict[str, Any], reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART)
    request = sign(server, version="2.2")
    following = bundle(following=f"{server.base}/Coverage?patient=pat-1&_count=5")["link"]
    request["prefetch"] = {"other": bundle(ENDED), "coverage": {**first, "link": following}}

    assert covered(post(reading, request)) == {"prolo-1": "not-covered"}


def test_a_named_coverage_that_cannot_be_read_is_not_taken_for_absent(reading: Any, odd_server: Any) -> None:
    """HK-54: the FHIR server failed; the order named its coverage."""
    for version in ("2.0", "2.1", "2.2"):
        request = sign(odd_server, {**ORDER, "insurance": [{"reference": "Coverage/c2"}]}, version=version)
        request |= {"fhirServer": f"{odd_server.base}/status/500", "fhirAuthorization": {"access_token": "t"}}
        request["prefetch"] = {"coverage": COVERAGE, "payer": ORGANIZATION}

        response = post(reading, request)

        assert response.status_code == 412
        assert "the FHIR server reported an error" in response.json()["issue"][0]["diagnostics"]


def test_an_order_of_another_patient_does_not_hide_that_data_is_missing(reading: Any, odd_server: Any) -> None:
    """CRD-63: what can be said is said; of another patient's order nothing is."""
    other = {**ORDER, "id": "other", "subject": {"reference": "Patient/other"}}
    for version in ("2.0", "2.1", "2.2"):
        request = sign(odd_server, other, ORDER, version=version)
        request |= {"fhirServer": f"{odd_server.base}/status/500", "fhirAuthorization": {"access_token": "t"}}

        assert post(reading, request).status_code == 412


def test_a_payor_at_another_server_is_not_ours_of_the_same_id(reading: Any, fhir_server: Any) -> None:
    request = sign(fhir_server(*CHART))
    request["prefetch"] = {
        "coverage": {**COVERAGE, "payor": [{"reference": "https://other.example/fhir/Organization/org-ehp"}]},
        "o": ORGANIZATION,
    }

    assert "The payer of this coverage could not be established" in post(reading, request).text


def test_further_pages_of_prefetch_are_read(reading: Any, fhir_server: Any) -> None:
    """P-6, and cds-hooks.md 4.5: a Bundle may come with only its first page."""
    ended = {**COVERAGE, "id": "cov-0", "status": "active", "period": {"end": "2020-12-31"}}
    server = fhir_server(*CHART, ended, options=("--page-size", "1"))
    first = requests.get(
        f"{server.base}/Coverage?patient=pat-1", headers={"Authorization": f"Bearer {server.token}"}, timeout=60
    ).json()
    request = sign(server)
    request["prefetch"] = {"coverage": first, "organization": ORGANIZATION}

    assert len(first["entry"]) == 1
    assert covered(post(reading, request)) == {"prolo-1": "not-covered"}


@pytest.mark.parametrize("version", ["2.0", "2.2"])
def test_a_first_page_that_settles_the_matter_is_enough(version: str, reading: Any, odd_server: Any) -> None:
    """Servers behind a proxy link to the next page by a name that only they know."""
    request = sign(odd_server, version=version)
    request["fhirServer"] = f"{odd_server.base}/coverage-then-elsewhere"
    request["fhirAuthorization"] = {"access_token": "t"}

    assert covered(post(reading, request)) == {"prolo-1": "not-covered"}


def test_a_next_page_elsewhere_is_told_where_it_could_matter(reading: Any, odd_server: Any) -> None:
    request = sign(odd_server)
    request["fhirServer"] = f"{odd_server.base}/nothing-then-elsewhere"
    request["fhirAuthorization"] = {"access_token": "t"}

    response = post(reading, request)

    assert response.status_code == 412
    [issue] = response.json()["issue"]
    assert "the next page of the FHIR server's answer lies at another server" in issue["diagnostics"]
    assert "example.org" not in response.text


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda found: {"response": {"status": "200 OK"}, "resource": found},
        lambda found: {"resourceType": "Bundle", "type": "batch-response", "entry": [{"resource": found}]},
        lambda found: [entry["resource"] for entry in found["entry"]],
    ],
    ids=["entry", "batch-response", "array"],
)
def test_prefetch_is_read_in_the_shapes_that_clients_send(wrapped: Any, service: Any) -> None:
    """Nothing is missing then, although it lies deeper."""
    found = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": COVERAGE}, {"resource": ORGANIZATION}],
    }
    request = {**call("order-sign", "https://ehr.example.org", None, "2.2"), "prefetch": {"coverage": wrapped(found)}}
    request["context"]["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": ORDER}]}

    assert covered(post(service, request)) == {"prolo-1": "not-covered"}


@pytest.mark.parametrize(("before", "after"), [("Bearer ", ""), ("bearer ", " "), (" ", "\n")])
def test_a_token_with_its_scheme_and_blanks_around_what_was_sent_are_understood(
    before: str, after: str, reading: Any, fhir_server: Any
) -> None:
    server = fhir_server(*CHART)
    request = dispatch(server)
    request["fhirServer"] = f" {server.base}{after}"
    request["fhirAuthorization"]["access_token"] = f"{before}{server.token}{after}"

    assert covered(post(reading, request)) == {"prolo-1": "not-covered"}


def test_what_is_no_token_is_named_as_the_fault(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART)
    request = dispatch(server)
    request["fhirAuthorization"]["access_token"] = "two words-zyx"  # noqa: S105 (of the tests)

    response = post(reading, request)

    assert response.status_code == 412
    assert "does not have the form of one" in response.json()["issue"][0]["diagnostics"]
    assert "zyx" not in response.text


def test_the_patient_is_not_read_as_the_medication_of_an_order(reading: Any, fhir_server: Any) -> None:
    """Minimum necessary: nothing of the Patient decides anything here, whoever refers to it."""
    server = fhir_server(*CHART, options=("--delay-ms", "15"))
    since = len(server.log())
    order = {**MEDICATION_ORDER, "medicationReference": {"reference": "Patient/pat-1"}}

    response = post(reading, sign(server, order))

    assert response.status_code in (200, 412)
    assert asked(server, since) == [SEARCH]


# --- what cannot be had -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_an_order_that_is_not_there_is_named(version: str, reading: Any, fhir_server: Any) -> None:
    """HK-54: by its place in the call; ids are a patient's."""
    response = post(reading, dispatch(fhir_server(*CHART), "ServiceRequest/gone-zyx", version=version))

    assert response.status_code == 412
    assert response.json()["issue"] == [
        {"severity": "error", "code": "not-found", "diagnostics": "the order at context.dispatchedOrders[0] could not be read: the FHIR server has no such record", "expression": ["context.dispatchedOrders[0]"]}
    ]  # fmt: skip


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_what_can_be_said_is_said(version: str, reading: Any, fhir_server: Any) -> None:
    """CRD-63, found-34: one order of two is there; a card says that the other could not be read."""
    response = post(
        reading, dispatch(fhir_server(*CHART), "ServiceRequest/gone", "ServiceRequest/prolo-1", version=version)
    )

    assert response.status_code == 200
    assert covered(response) == {"prolo-1": "not-covered"}
    assert "A technical failure prevented a coverage determination" in [
        card["summary"] for card in response.json()["cards"]
    ]
    assert faults(version, response.json()) == []


@pytest.mark.parametrize(
    "behaviour",
    [
        "silent",
        "reset",
        "html",
        "status/500",
        "status/401",
        "redirect",
        "outcome",
        "truncated",
        "huge",
        "dripped-body",
        "dripped-headers",
    ],
)
@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_a_fhir_server_that_fails_is_412_and_in_time(behaviour: str, version: str, hasty: Any, odd_server: Any) -> None:
    """HK-54, CRD-63; one budget for the whole call: 0.5 s here."""
    request = sign(odd_server, version=version)
    request["fhirServer"] = f"{odd_server.base}/{behaviour}"
    request["fhirAuthorization"] = {"access_token": "token-zyx"}
    started = time.monotonic()

    response = post(hasty, request)

    assert time.monotonic() - started < 8  # it would go on for 20
    assert response.status_code == 412
    issue = response.json()["issue"][0]
    assert issue["diagnostics"].startswith("the Coverage of the patient could not be read: ")
    assert "zyx" not in response.text
    assert "pat-1" not in response.text


def test_a_dead_fhir_server_is_412(reading: Any, odd_server: Any) -> None:
    request = sign(odd_server)
    request["fhirServer"] = "http://127.0.0.1:9/fhir"
    request["fhirAuthorization"] = {"access_token": "t"}

    response = post(reading, request)

    assert response.status_code == 412
    assert "could not be reached" in response.json()["issue"][0]["diagnostics"]


def test_order_select_goes_on_without_the_fhir_server(reading: Any) -> None:
    """CRD-63: a supporting hook owes nothing, so it says what it can, and on what that does not rest."""
    request = call(
        "order-select", "http://127.0.0.1:9/fhir", "t", selections=["ServiceRequest/prolo-1"], draftOrders=[ORDER]
    )

    response = post(reading, request)

    assert response.status_code == 200
    assert "The coverage of the patient could not be read." in response.json()["cards"][0]["detail"]


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_a_payor_that_cannot_be_read_is_indeterminate_from_2_2_on(version: str, reading: Any) -> None:
    """resp-43: 200, indeterminate, reason technical and its text; before 2.2 there is no such code."""
    request = sign(type("Server", (), {"base": "http://127.0.0.1:9/fhir", "token": "t"}), version=version)
    request["prefetch"] = {"coverage": COVERAGE}

    response = post(reading, request)

    (extension,) = response.json()["systemActions"][0]["resource"]["extension"]
    parts = {p["url"]: p for p in extension["extension"]}
    reason = parts["reason"]["valueCodeableConcept"]
    assert parts["covered"]["valueCode"] == ("indeterminate" if version == "2.2" else "conditional")
    assert [coding["code"] for coding in reason.get("coding", ())] == (["technical"] if version == "2.2" else [])
    assert reason["text"].startswith("The payer of this coverage could not be established")
    assert ("info-needed" in parts) is (version != "2.2")
    assert faults(version, response.json()) == []


def test_a_coverage_of_somebody_else_is_not_believed(reading: Any, odd_server: Any) -> None:
    """A FHIR server that answers the search with another patient's Coverage (ENG, 4.5)."""
    request = sign(odd_server)
    request["fhirServer"] = f"{odd_server.base}/other-patient"
    request["fhirAuthorization"] = {"access_token": "t"}

    response = post(reading, request)

    assert response.status_code == 200
    assert response.json()["systemActions"] == []
    assert "No coverage of the patient was found." in response.json()["cards"][0]["detail"]


def test_a_refusal_of_invalid_fhir_comes_before_any_read(start_service: Any, odd_server: Any) -> None:
    """CRD-163: what came with the call is checked first (CRD_FHIR_CHECK=strict)."""
    strict = start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_FHIR_CHECK="strict")
    since = len(odd_server.log())
    request = sign(odd_server, {**ORDER, "status": ["active"], "reasonReference": [{"reference": "Condition/c"}]})
    request |= {"fhirServer": f"{odd_server.base}/good", "fhirAuthorization": {"access_token": "t"}}

    response = post(strict, request)

    assert response.status_code == 422
    assert len(odd_server.log()) == since


# --- where the token goes ---------------------------------------------------------------------------------------------


def test_by_default_no_server_at_a_private_address_is_called(service: Any, odd_server: Any) -> None:
    """X-7: SSRF."""
    since = len(odd_server.log())
    request = dispatch(odd_server)
    request["fhirAuthorization"] = {"access_token": "t"}

    response = post(service, request)

    assert response.status_code == 412
    assert "this service may not call that FHIR server" in response.json()["issue"][0]["diagnostics"]
    assert len(odd_server.log()) == since


def test_an_order_at_another_server_is_not_read(reading: Any, fhir_server: Any, other_server: Any) -> None:
    """Spec 5.6.5: same-origin references only; the token stays where it belongs."""
    server = fhir_server(*CHART)

    response = post(reading, dispatch(server, f"{other_server.base}/good/ServiceRequest/prolo-1"))

    assert response.status_code == 412
    assert other_server.log() == []


@pytest.mark.parametrize("authorization", [None, {}, {"access_token": ""}, {"access_token": None}, {"access_token": 7}])
def test_without_a_token_nothing_is_read(authorization: Any, reading: Any, fhir_server: Any) -> None:
    """X-8: anonymous reads only where configured. crd-request-generator sends an empty token."""
    server = fhir_server(*CHART, options=("--delay-ms", "8"))
    since = len(server.log())
    request = dispatch(server)
    request["fhirAuthorization"] = authorization

    response = post(reading, request)

    assert response.status_code == 412
    assert "the call brings no access token for its FHIR server" in response.json()["issue"][0]["diagnostics"]
    assert asked(server, since) == []


def test_reads_without_a_token_are_a_setting(start_service: Any, fhir_server: Any) -> None:
    open_server = fhir_server(*CHART, token=None)
    service = start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_ANONYMOUS_FHIR="allow")

    assert covered(post(service, dispatch(open_server))) == {"prolo-1": "not-covered"}


def test_only_servers_of_the_allow_list_are_called(start_service: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART)
    listed = start_service(
        CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_FHIR_SERVERS=f"https://ehr.example.org/fhir, {server.base}"
    )
    unlisted = start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_FHIR_SERVERS="https://ehr.example.org/fhir")

    assert post(listed, dispatch(server)).status_code == 200
    assert post(unlisted, dispatch(server)).status_code == 412


def test_neither_token_nor_ids_get_into_the_log(reading: Any, fhir_server: Any) -> None:
    """X-4."""
    server = fhir_server(*CHART)
    read = post(reading, dispatch(server))
    gone = post(reading, dispatch(server, "ServiceRequest/gone-zyx"))

    assert reading.logged(gone)
    log = reading.log.read_text()
    assert server.token not in log
    assert "zyx" not in log
    assert "prolo-1" not in log
    assert reading.logged(read)["fhir_reads"] == 2
    assert reading.logged(read)["fhir_problems"] == []


def test_a_thousand_references_are_not_a_thousand_reads(reading: Any, fhir_server: Any) -> None:
    server = fhir_server(*CHART, options=("--delay-ms", "9"))
    since = len(server.log())

    post(reading, dispatch(server, *(f"ServiceRequest/r{n}" for n in range(1000))))

    assert len(asked(server, since)) <= 100


def test_calls_that_wait_on_a_fhir_server_do_not_hold_up_others(reading: Any, odd_server: Any, example: Any) -> None:
    """Ten calls wait for a silent server; one that needs nothing is answered at once."""
    import threading

    waiting = sign(odd_server)
    waiting["fhirServer"] = f"{odd_server.base}/silent"
    waiting["fhirAuthorization"] = {"access_token": "t"}
    threads = [threading.Thread(target=post, args=(reading, copy.deepcopy(waiting))) for _ in range(10)]
    asked_before = len(odd_server.log())
    for thread in threads:
        thread.start()
    wait_until(lambda: len(odd_server.log()) >= asked_before + len(threads))

    response = post(reading, example("m0076-order-sign"))
    waiting_still = [thread.is_alive() for thread in threads]

    for thread in threads:
        thread.join()
    assert response.status_code == 200
    assert waiting_still == [True] * 10
