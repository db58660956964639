"""The six hooks over real HTTP: their contexts in every spelling, what they answer on, and in which version."""

import copy
import json
from typing import Any

import pytest
import requests

VERSIONS = ("2.0", "2.1", "2.2")
EXTENSION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
M0076 = {
    "coding": [{"system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "M0076"}],
    "text": "Prolotherapy",
}


def said_on(action: dict[str, Any]) -> dict[str, Any]:
    """The parts of the coverage information that an action writes, by name; the last one where a part repeats."""
    extension = next(e for e in action["resource"]["extension"] if e["url"] == EXTENSION)
    return {
        part["url"]: next((v for k, v in part.items() if k.startswith("value")), part)
        for part in extension["extension"]
    }


def post(service: Any, request: dict[str, Any]) -> Any:
    return service.post(f"/cds-services/{request['hook']}-crd", request)


# --- order-dispatch ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["order", "dispatchedOrders", "dispatched-orders", "dispatchedOrder", "dispatched-order"]
)
@pytest.mark.parametrize(
    "shape", [lambda r: r, lambda r: [r], lambda r: {"reference": r}, lambda r: [{"reference": r}]]
)
def test_order_dispatch_is_understood_in_every_spelling(name: str, shape: Any, service: Any, example: Any) -> None:
    """CRD-207, hook-33: hook 1.0 (`order`), 1.1 (`dispatchedOrders`), and what examples and clients make of them."""
    request = example("order-dispatch-2.2")
    del request["context"]["dispatchedOrders"]
    request["context"][name] = shape("ServiceRequest/prolo-1")

    response = post(service, request)

    assert response.status_code == 200
    assert [said_on(action)["covered"] for action in response.json()["systemActions"]] == ["not-covered"]


@pytest.mark.parametrize(
    "task", ["task", "fulfillmentTask", "fulfillment-task", "fulfillmentTasks", "fulfillment-tasks", "else"]
)
def test_fulfillment_tasks_change_nothing_in_any_spelling(task: str, service: Any, example: Any) -> None:
    """CRD-169, hook-23: what is not understood in a context is ignored."""
    request = example("order-dispatch-2.0")
    request["context"][task] = [{"resourceType": "Task", "id": "t"}, 7]

    assert len(post(service, request).json()["systemActions"]) == 1


def test_order_dispatch_needs_no_user(service: Any, example: Any) -> None:
    request = example("order-dispatch-2.1")

    assert "userId" not in request["context"]
    assert post(service, request).status_code == 200


def test_an_order_dispatched_twice_is_answered_once(service: Any, example: Any) -> None:
    request = example("order-dispatch-2.1")
    request["context"]["order"] = "ServiceRequest/prolo-1"
    request["context"]["dispatchedOrders"] *= 2

    assert len(post(service, request).json()["systemActions"]) == 1


MISSING = [
    ("order-dispatch-2.0", "order", "context.dispatchedOrders"),
    ("order-dispatch-2.0", "performer", "context.performer"),
    ("order-dispatch-2.0", "patientId", "context.patientId"),
    ("appointment-book-2.0", "appointments", "context.appointments"),
    ("appointment-book-2.0", "userId", "context.userId"),
    ("encounter-start-2.0", "encounterId", "context.encounterId"),
    ("encounter-discharge-2.0", "encounterId", "context.encounterId"),
    ("encounter-discharge-2.0", "userId", "context.userId"),
]


@pytest.mark.parametrize(("case", "field", "path"), MISSING)
def test_a_required_field_of_a_context_that_is_missing_is_named(
    case: str, field: str, path: str, service: Any, example: Any
) -> None:
    request = example(case)
    del request["context"][field]

    response = post(service, request)

    assert response.status_code == 400
    assert response.json()["issue"][0]["code"] == "required"
    assert response.json()["issue"][0]["expression"] == [path]


def test_a_dispatched_order_that_came_with_prefetch_keeps_its_own_bytes(service: Any, example: Any) -> None:
    """resp-37: 1.10 stays 1.10, from a Bundle of prefetch as from draftOrders."""
    request = json.dumps(example("order-dispatch-2.1")).replace('"value": 1.1,', '"value": 1.10,')

    response = service.post("/cds-services/order-dispatch-crd", request.encode())

    assert '"value": 1.10' in response.text or '"value":1.10' in response.text


@pytest.mark.parametrize("odd", [[{"extension": []}], "x", 7, None])
def test_a_prefetched_order_is_found_beside_an_entry_that_is_none(odd: Any, service: Any, example: Any) -> None:
    request = example("order-dispatch-2.2")
    request["prefetch"]["serviceRequests"]["entry"].insert(0, odd)

    response = post(service, request)

    assert response.status_code == 200
    assert [said_on(action)["covered"] for action in response.json()["systemActions"]] == ["not-covered"]


def test_a_single_prefetched_order_is_found_without_a_bundle(service: Any, example: Any) -> None:
    request = example("order-dispatch-2.1")
    request["prefetch"]["anyKey"] = request["prefetch"].pop("serviceRequests")["entry"][0]["resource"]

    assert len(post(service, request).json()["systemActions"]) == 1


@pytest.mark.parametrize(
    ("orders", "path"),
    [
        ([], "context.dispatchedOrders"),
        ([""], "context.dispatchedOrders[0]"),
        (["ServiceRequest/prolo-1", "Patient/pat-1"], "context.dispatchedOrders[1]"),
        ([{"resourceType": "ServiceRequest", "id": "prolo-1"}], "context.dispatchedOrders[0]"),
        ("prolo-1", "context.dispatchedOrders"),
    ],
)
def test_what_is_no_reference_to_an_order_is_named(orders: Any, path: str, service: Any, example: Any) -> None:
    """hook-16, hook-33: silence would look like an order without a problem."""
    request = example("order-dispatch-2.2")
    request["context"]["dispatchedOrders"] = orders

    response = post(service, request)

    assert response.status_code == 400
    assert response.json()["issue"][0]["expression"] == [path]


def test_one_order_under_two_references_is_one(service: Any, example: Any) -> None:
    request = example("order-dispatch-2.2")
    request["context"]["order"] = "https://ehr.example.org/fhir/ServiceRequest/prolo-1"

    assert len(post(service, request).json()["systemActions"]) == 1


def test_an_absolute_reference_is_found_in_prefetch_without_a_fhir_server(service: Any, example: Any) -> None:
    """Q-3: `fhirServer` is optional."""
    request = example("order-dispatch-2.2")
    del request["fhirServer"]
    request["context"]["dispatchedOrders"] = ["https://ehr.example.org/fhir/ServiceRequest/prolo-1"]

    assert len(post(service, request).json()["systemActions"]) == 1


def said_of(answer: dict[str, Any]) -> list[str]:
    """What a response says: the orders that it writes onto, and its cards."""
    written = [action["resource"]["id"] for action in answer.get("systemActions", ())]
    return [*written, *(card["uuid"] for card in answer["cards"])]


MEMBERS = [
    7,
    "x",
    None,
    [],
    {"resourceType": "Bundle", "entry": []},
    {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "ServiceRequest", "id": "x", "code": M0076}}]},
]


@pytest.mark.parametrize("member", MEMBERS, ids=repr)
@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("appointment-book-2.2", "draftOrders"),
        ("order-dispatch-2.2", "draftOrders"),
        ("encounter-start-2.2", "draftOrders"),
        ("order-sign-2.2", "appointments"),
        ("order-select-2.2", "dispatchedOrders"),
    ],
)
def test_another_hooks_member_is_ignored(case: str, name: str, member: Any, service: Any, example: Any) -> None:
    """CRD-169, hook-23, found-33."""
    request = example(case)
    before = post(service, request).json()
    request["context"][name] = member

    after = post(service, request)

    assert after.status_code == 200
    assert said_of(after.json()) == said_of(before)


# --- appointment-book -------------------------------------------------------------------------------------------------


def test_appointments_may_be_a_bare_array(service: Any, example: Any) -> None:
    """The hook's own example of 1.0.1 sends one."""
    request = example("appointment-book-2.1")
    request["context"]["appointments"] = [e["resource"] for e in request["context"]["appointments"]["entry"]]

    actions = post(service, request).json()["systemActions"]

    assert [(action["resource"]["resourceType"], said_on(action)["covered"]) for action in actions] == [
        ("Appointment", "not-covered")
    ]


@pytest.mark.parametrize(
    ("version", "kind"), [("2.0", "Appointment"), ("2.1", "Appointment"), ("2.2", "ServiceRequest")]
)
def test_what_an_appointment_is_made_for_is_judged_and_annotated_where_the_version_says(
    version: str, kind: str, service: Any, example: Any
) -> None:
    """Spec 1.1: in 2.2 the ServiceRequest is annotated instead of the Appointment that is based on it."""
    request = example("appointment-book-2.2")
    request["extension"] = {"davinci-crd.requestedVersion": version}

    actions = post(service, request).json()["systemActions"]

    assert [(action["resource"]["resourceType"], said_on(action)["covered"]) for action in actions] == [
        (kind, "not-covered")
    ]


def test_two_appointments_for_one_order_annotate_it_once(service: Any, example: Any) -> None:
    request = example("appointment-book-2.2")
    entries = request["context"]["appointments"]["entry"]
    entries.append(copy.deepcopy(entries[0]))
    entries[1]["resource"]["id"] = "appt-2"

    assert len(post(service, request).json()["systemActions"]) == 1


def test_every_order_behind_an_appointment_is_annotated(service: Any, example: Any) -> None:
    request = example("appointment-book-2.2")
    second = copy.deepcopy(request["prefetch"]["serviceRequests"]["entry"][0])
    second["resource"].update(id="mri-1", code={"text": "MRI of the knee"})
    request["prefetch"]["serviceRequests"]["entry"].append(second)
    appointment = request["context"]["appointments"]["entry"][0]["resource"]
    appointment["basedOn"] = [
        {"reference": "ServiceRequest/prolo-1"},
        {"reference": "https://ehr.example.org/fhir/ServiceRequest/mri-1"},
    ]

    def said() -> dict[str, str]:
        return {a["resource"]["id"]: said_on(a)["covered"] for a in post(service, request).json()["systemActions"]}

    assert said() == {"prolo-1": "not-covered", "mri-1": "conditional"}

    appointment["basedOn"][1]["reference"] = "ServiceRequest/gone"
    assert said() == {"prolo-1": "not-covered", "appt-1": "indeterminate"}


def test_the_order_behind_an_appointment_is_for_the_day_of_the_appointment(service: Any, example: Any) -> None:
    """resp-45: the coverage ends before the visit."""
    request = example("appointment-book-2.2")
    request["context"]["appointments"]["entry"][0]["resource"]["start"] = "2027-02-01T09:00:00Z"
    request["prefetch"]["coverage"]["entry"][0]["resource"]["period"] = {"end": "2026-12-31"}

    (action,) = post(service, request).json()["systemActions"]

    assert said_on(action)["covered"] == "not-covered"
    assert said_on(action)["reason"]["text"].endswith("is not in force on 2027-02-01.")


UNUSABLE = {
    "revoked": ({"status": "revoked"}, "conditional", None),
    "not to be performed": ({"doNotPerform": True}, "conditional", None),
    "with a modifier": ({"modifierExtension": [{"url": "http://x/y", "valueBoolean": True}]}, "conditional", "conditional"),
}  # fmt: skip


@pytest.mark.parametrize("how", UNUSABLE)
def test_nothing_is_taken_from_an_order_that_asks_for_nothing(how: str, service: Any, example: Any) -> None:
    """An appointment is not judged by the order behind it where that one is void, or may be."""
    change, on_appointment, on_order = UNUSABLE[how]
    for version, covered in (("2.0", on_appointment), ("2.1", on_appointment), ("2.2", on_order)):
        request = example("appointment-book-2.2")
        request["extension"]["davinci-crd.requestedVersion"] = version
        request["prefetch"]["serviceRequests"]["entry"][0]["resource"].update(change)

        response = post(service, request).json()

        assert [said_on(action)["covered"] for action in response["systemActions"]] == ([covered] if covered else [])
        assert not any(card["links"] for card in response["cards"] if "links" in card)


def test_an_appointment_for_another_patients_order_says_so(service: Any, example: Any) -> None:
    request = example("appointment-book-2.2")
    del request["extension"]
    request["prefetch"]["serviceRequests"]["entry"][0]["resource"]["subject"]["reference"] = "Patient/other"

    response = post(service, request).json()

    assert response["systemActions"] == []
    assert response["cards"][0]["detail"].startswith("The order is for another patient than the call.")


def test_an_appointment_based_on_what_is_no_order_is_judged_itself(service: Any, example: Any) -> None:
    request = example("appointment-book-2.2")
    appointment = request["context"]["appointments"]["entry"][0]["resource"]
    appointment.update(serviceType=[M0076], basedOn=[{"reference": "CarePlan/k"}])
    request["prefetch"]["plans"] = {"resourceType": "CarePlan", "id": "k"}

    assert [a["resource"]["id"] for a in post(service, request).json()["systemActions"]] == ["appt-1"]


@pytest.mark.parametrize("where", ["prefetch", "context"])
@pytest.mark.parametrize(("version", "annotated"), [("2.0", "appt-1"), ("2.2", "prolo-1")])
def test_the_order_behind_an_appointment_is_found_by_its_urn(
    version: str, annotated: str, where: str, service: Any, example: Any
) -> None:
    request = example("appointment-book-2.2")
    request["extension"]["davinci-crd.requestedVersion"] = version
    entries = request["context"]["appointments"]["entry"]
    entries[0]["resource"]["basedOn"] = [{"reference": "urn:uuid:o"}, {"reference": "ServiceRequest/prolo-1"}]
    (entry,) = request["prefetch"].pop("serviceRequests")["entry"]
    entry["fullUrl"] = "urn:uuid:o"
    if where == "prefetch":
        request["prefetch"]["orders"] = {"resourceType": "Bundle", "entry": [entry]}
    else:
        entries.append({"fullUrl": "urn:uuid:o", "resource": entry["resource"]})

    actions = post(service, request).json()["systemActions"]

    assert [(action["resource"]["id"], said_on(action)["covered"]) for action in actions] == [
        (annotated, "not-covered")
    ]


@pytest.mark.parametrize(
    "reference", ["Ida Invented/1", "Invented/1", "a/Invented/1", "https://x.example/Ida Invented/1"]
)
def test_a_reference_that_names_no_type_is_not_repeated(reference: str, service: Any, example: Any) -> None:
    """CRD-94; sec-6: nothing that is said repeats what a client writes where a type belongs."""
    request = example("appointment-book-2.2")
    request["extension"]["davinci-crd.requestedVersion"] = "2.1"
    request["context"]["appointments"]["entry"][0]["resource"]["basedOn"] = [{"reference": reference}]

    response = post(service, request)

    [action] = response.json()["systemActions"]
    assert said_on(action)["covered"] == "conditional"
    assert said_on(action)["reason"]["text"].endswith("A record that the order refers to could not be read.")
    assert "Invented" not in json.dumps([response.json()["cards"], said_on(action)])

    request["prefetch"]["coverage"] = None
    response = post(service, request)

    assert response.status_code in (400, 412)
    assert "Invented" not in response.text


def test_a_cancelled_appointment_asks_for_nothing(service: Any, example: Any) -> None:
    for version in VERSIONS:
        request = example("appointment-book-2.2")
        request["extension"]["davinci-crd.requestedVersion"] = version
        request["context"]["appointments"]["entry"][0]["resource"]["status"] = "cancelled"

        assert post(service, request).json() == {"cards": [], "systemActions": []}


def test_the_order_behind_an_appointment_that_did_not_come_is_missing_data(service: Any, example: Any) -> None:
    """HK-54; in 2.2 the Appointment itself says so (resp-43)."""
    request = example("appointment-book-2.2")
    del request["prefetch"]["serviceRequests"]

    said = post(service, request).json()["systemActions"]
    assert [(action["resource"]["resourceType"], said_on(action)["covered"]) for action in said] == [
        ("Appointment", "indeterminate")
    ]
    assert said_on(said[0])["reason"]["coding"][0]["code"] == "technical"

    request["extension"]["davinci-crd.requestedVersion"] = "2.1"
    said = post(service, request).json()["systemActions"]
    assert [said_on(action)["covered"] for action in said] == ["conditional"]


# --- encounter-start, encounter-discharge -----------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["encounter-start", "encounter-discharge"])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_encounter_that_is_none_of_our_business_is_answered_with_nothing(
    hook: str, version: str, service: Any, example: Any
) -> None:
    """HK-77; CRD-165: and without asking for anything, so a missing Coverage is no matter."""
    request = {**example(f"encounter-discharge-{version}"), "hook": hook}
    del request["prefetch"]["coverage"]

    response = post(service, request)

    assert response.status_code == 200
    assert response.json() == {"cards": []}


@pytest.mark.parametrize("hook", ["encounter-start", "encounter-discharge"])
def test_an_encounter_nobody_sent_is_answered_with_nothing(hook: str, service: Any, example: Any) -> None:
    """Supporting hooks owe nothing, and clients fail on an error."""
    request = {**example("encounter-start-2.0"), "hook": hook, "prefetch": {}}

    response = post(service, request)

    assert response.status_code == 200
    assert response.json() == {"cards": []}


def test_a_cancelled_encounter_asks_for_nothing(service: Any, example: Any) -> None:
    request = example("encounter-start-2.0")
    request["prefetch"]["encounter"]["status"] = "cancelled"

    assert post(service, request).json() == {"cards": []}


# --- order-select, order-sign -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "selection",
    ["ServiceRequest/prolo-1", "prolo-1", "urn:uuid:d", "https://ehr.example.org/fhir/ServiceRequest/prolo-1"],
)
def test_a_selection_names_its_order_in_any_of_the_usual_ways(selection: str, service: Any, example: Any) -> None:
    request = example("order-select-2.1")
    request["context"]["draftOrders"]["entry"][0]["fullUrl"] = "urn:uuid:d"
    request["context"]["selections"] = [selection]

    assert len(post(service, request).json()["cards"]) == 1


def test_a_medication_among_the_draft_orders_is_what_an_order_refers_to(service: Any, example: Any) -> None:
    """A record beside the orders is no order: nothing is said of it, and it is read where an order names it."""
    request = example("order-sign-2.1")
    request["context"]["draftOrders"]["entry"] = [
        {"resource": {"resourceType": "Medication", "id": "m", "code": M0076}},
        {"resource": {"resourceType": "MedicationRequest", "id": "o", "status": "draft", "intent": "order", "subject": {"reference": "Patient/pat-1"}, "medicationReference": {"reference": "Medication/m"}}},
    ]  # fmt: skip

    actions = post(service, request).json()["systemActions"]

    assert [(action["resource"]["id"], said_on(action)["covered"]) for action in actions] == [("o", "not-covered")]


def test_records_that_stand_beside_are_found_by_their_urn(service: Any, example: Any) -> None:
    """References inside a Bundle may be its entries' fullUrl (br-provider sends urn:uuid)."""
    request = example("order-sign-2.1")
    request["context"]["draftOrders"]["entry"] = [
        {"fullUrl": "urn:uuid:m", "resource": {"resourceType": "Medication", "code": M0076}},
        {"resource": {"resourceType": "MedicationRequest", "id": "o", "status": "draft", "subject": {"reference": "urn:uuid:p"}, "medicationReference": {"reference": "urn:uuid:m"}}},
    ]  # fmt: skip
    coverage, organization = request["prefetch"]["coverage"]["entry"]
    coverage["resource"]["beneficiary"]["reference"] = "urn:uuid:p"
    coverage["resource"]["payor"][0]["reference"] = organization["fullUrl"] = "urn:uuid:org"

    assert [said_on(action)["covered"] for action in post(service, request).json()["systemActions"]] == ["not-covered"]


def test_a_fault_beside_a_code_for_something_else_is_no_noise(service: Any, example: Any) -> None:
    """CRD-26, found-13: what is ordered is plain, and it is none of our business."""
    mri = {
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "73721"}]},
        "bodySite": {"text": "knee"},
    }
    selected, signed = example("order-select-2.1"), example("order-sign-2.1")
    for request in (selected, signed):
        request["context"]["draftOrders"]["entry"][0]["resource"].update(mri)
        del request["context"]["draftOrders"]["entry"][1:]

    assert post(service, selected).json() == {"cards": []}
    assert "this service has no policy" in json.dumps(said_on(post(service, signed).json()["systemActions"][0]))


def test_orders_in_the_same_doubt_share_a_card(service: Any, example: Any) -> None:
    """Issue: orders with the same verdict under the same policies share one."""
    request = example("order-select-2.1")
    entry = request["context"]["draftOrders"]["entry"][0]["resource"]
    entry["code"] = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "20999"}]}
    request["context"]["draftOrders"]["entry"] = [{"resource": {**entry, "id": f"o{n}"}} for n in range(3)]
    request["context"]["selections"] = [f"ServiceRequest/o{n}" for n in range(3)]

    (card,) = post(service, request).json()["cards"]

    assert [r["reference"] for r in card["extension"]["davinci-crd.associated-resource"]] == request["context"][
        "selections"
    ]


@pytest.mark.parametrize("hook", ["order-sign", "appointment-book"])
def test_a_primary_hook_without_orders_is_answered_with_nothing(hook: str, service: Any) -> None:
    """Inferno wants the member systemActions on these hooks."""
    context = {"userId": "Practitioner/1", "patientId": "pat-1", "draftOrders": {"resourceType": "Bundle"}, "appointments": []}  # fmt: skip

    response = post(service, {"hook": hook, "hookInstance": "1", "context": context})

    assert response.json() == {"cards": [], "systemActions": []}


# --- versions ---------------------------------------------------------------------------------------------------------


def test_discovery_declares_the_versions(service: Any) -> None:
    """dev-1, dev-2; CRD-168. "2.0" is in the guide's prose, though the expression of crdver-1 leaves no 0 through."""
    services = requests.get(f"{service.base}/cds-services", timeout=60).json()["services"]

    assert [entry["extension"]["davinci-crd.version"] for entry in services] == [["2.0", "2.1", "2.2"]] * 6


@pytest.mark.parametrize("version", ["1.0", "2.3", "3.0", "2", "", "two", "2.x", 2.2, None, [], {"a": 1}])
def test_a_version_not_spoken_here_is_refused_and_named(version: Any, service: Any, example: Any) -> None:
    """Spec 1.4: an unsupported requestedVersion SHALL be an error; hook-10: with an OperationOutcome."""
    request = example("order-sign-2.2")
    request["extension"]["davinci-crd.requestedVersion"] = version

    response = post(service, request)

    if version is None:
        assert response.status_code == 200  # as good as not requested
        return
    assert response.status_code == 422
    assert response.json()["issue"][0]["code"] == "not-supported"
    assert "2.0, 2.1, 2.2" in response.json()["issue"][0]["diagnostics"]
    assert response.json()["issue"][0]["expression"] == ["extension.davinci-crd.requestedVersion"]


def test_a_patch_version_is_its_minor_version(service: Any, example: Any) -> None:
    request = example("order-sign-2.2")
    request["extension"]["davinci-crd.requestedVersion"] = "2.2.1"

    assert (
        post(service, request).json()["cards"][0]["source"]["topic"]["system"]
        == "http://terminology.hl7.org/CodeSystem/cdshooks-card-type"
    )


@pytest.fixture(scope="module", name="service_2_2")
def _service_2_2(start_service: Any) -> Any:
    return start_service(CRD_DEFAULT_VERSION="2.2")


def test_a_client_that_requests_no_version_gets_the_configured_one(service_2_2: Any, example: Any) -> None:
    """Spec 4, version trap: no 2.0 or 2.1 client sends requestedVersion."""
    request = example("m0076-order-sign")

    action = post(service_2_2, request).json()["systemActions"][0]

    assert "pa-needed" not in said_on(action)
    assert "detail" in said_on(action)


def test_prefetch_of_2_2_is_announced_where_clients_speak_2_2(service_2_2: Any) -> None:
    """found-29: the standard expressions for the orders of order-dispatch and behind appointments; see HK-57 for 2.0."""
    entries = {
        e["hook"]: e["prefetch"]
        for e in requests.get(f"{service_2_2.base}/cds-services", timeout=60).json()["services"]
    }

    assert (
        entries["order-dispatch"]["serviceRequests"]
        == "ServiceRequest?_id={{context.dispatchedOrders.resolve().ofType(ServiceRequest).id}}"
    )
    assert (
        entries["appointment-book"]["serviceRequests"]
        == "ServiceRequest?_id={{context.appointments.entry.resource.basedOn.resolve().ofType(ServiceRequest).id}}"
    )
    assert list(entries["order-sign"]) == ["patient", "coverage"]


@pytest.mark.parametrize("case", ["order-sign", "order-dispatch", "appointment-book"])
def test_the_same_order_is_not_annotated_twice_in_any_version(case: str, service: Any, example: Any) -> None:
    """CRD-267, resp-35; hook-16: the annotation exists and nothing is new."""
    for version in VERSIONS:
        request = (
            example(f"{case}-{version}") if f"{case}-{version}" != "order-sign-2.0" else example("m0076-order-sign")
        )
        first = post(service, request).json()["systemActions"]
        annotated = {f"{a['resource']['resourceType']}/{a['resource']['id']}": a["resource"] for a in first}

        def replace(value: Any, by: dict[str, Any] = annotated) -> Any:
            if isinstance(value, dict):
                return by.get(f"{value.get('resourceType')}/{value.get('id')}") or {
                    k: replace(v) for k, v in value.items()
                }
            return [replace(item) for item in value] if isinstance(value, list) else value

        again = post(service, replace(request)).json()

        assert first
        assert again["systemActions"] == []
