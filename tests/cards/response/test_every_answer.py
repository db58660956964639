"""Whatever is decided, what is said keeps the published definitions of its version: profiles, invariants, card models.

Policies, coverages, orders and wishes of clients are generated; each generated policy is one that the schema accepts.
The definitions are the guides' own, run by a FHIRPath engine (tests/guide), and share nothing with the service.
"""

import itertools
import json
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cards import (
    COVERAGE_INFORMATION,
    PLACE_OF_SERVICE,
    WIRE_VERSIONS,
    Answered,
    AnswerRule,
    Circumstances,
    Decision,
    PolicyIndex,
    ResponseOptions,
    SentCoverages,
    decide,
    fail,
    find_outcome,
    find_paying,
    read_coverage,
    read_order,
    read_payer,
    read_policy,
    respond,
)
from cards.matching import phrases, policy_index, policy_match
from cards.matching.text import TermFinder
from cards.payer_directory import PayerDirectory
from cds_hooks.documents import load_schema
from cds_hooks.rules.loading import load_rules
from tests.cards.response.reading import sentences
from tests.guide.conformance import answer_faults

ROOT = Path(__file__).resolve().parents[3]
POLICY_SCHEMA = load_schema(ROOT / "cards" / "policies" / "policy.schema.json").validator
PAYER_SCHEMA = load_schema(ROOT / "cards" / "payers" / "payer.schema.json").validator
VOCABULARY = load_rules(*(ROOT / "cards" / name for name in ("vocabulary", "policies", "payers"))).vocabulary
DAY = date(2026, 11, 23)
HCPCS = "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes"
CPT = "http://www.ama-assn.org/go/cpt"


@pytest.fixture(scope="module", autouse=True)
def _terms_are_read_once() -> Iterator[None]:
    """Each generated policy has an index of its own; what finds its words is made once for all that have the same."""
    finders: dict[str, TermFinder] = {}

    def find_terms(lists: Any, services: Any, vocabulary: Any, beside: Any, *rest: Any) -> TermFinder:
        assert vocabulary is VOCABULARY
        words = repr((sorted(lists.items()), sorted(services), sorted(beside), rest))
        if words not in finders:
            finders[words] = TermFinder(lists, services, vocabulary, beside, *rest)
        return finders[words]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy_match, "normalise", cache(phrases.normalise))
        patch.setattr(policy_index, "TermFinder", find_terms)
        yield


DOCUMENTATION = st.fixed_dictionaries(
    {"needed": st.lists(st.sampled_from(["clinical", "admin", "patient"]), min_size=1, unique=True)},
    optional={
        "purposes": st.lists(
            st.sampled_from(["withpa", "withclaim", "withorder", "retain-doc", "OTH"]), min_size=1, unique=True
        ),
        "questionnaires": st.just(["http://example.org/Questionnaire/prolotherapy"]),
    },
)
QUANTITY = st.fixed_dictionaries({"value": st.integers(1, 90)}, optional={"unit": st.just("injections")})
DETAIL = st.one_of(
    st.fixed_dictionaries(
        {"code": st.sampled_from(["allowed-quantity", "in-network-copay", "out-network-copay"]), "quantity": QUANTITY},
        optional={"qualification": st.just("A year.")},
    ),
    st.just({"code": "allowed-period", "period": {"start": "2026-01-01", "end": "2026-12-31"}}),
    st.fixed_dictionaries(
        {"code": st.sampled_from(["concurrent-review", "appropriate-use-needed"]), "boolean": st.booleans()}
    ),
)
TERMS = {"documentation": DOCUMENTATION, "details": st.lists(DETAIL, min_size=1, max_size=3)}
INFO_NEEDED = st.lists(
    st.sampled_from(["performer", "location", "timeframe", "contract-window", "detail-code", "OTH"]),
    min_size=1,
    unique=True,
)
ANSWERS = st.one_of(
    st.just({"covered": "not-covered"}),
    st.fixed_dictionaries(
        {"covered": st.just("covered"), "pa-needed": st.sampled_from(["no-auth", "auth-needed", "performpa"])},
        optional=TERMS,
    ),
    st.fixed_dictionaries(
        {"covered": st.just("covered"), "pa-needed": st.just("conditional")},
        optional={**TERMS, "info-needed": INFO_NEEDED},
    ),
    st.fixed_dictionaries(
        {"covered": st.just("conditional")},
        optional={
            **TERMS,
            "info-needed": INFO_NEEDED,
            "pa-needed": st.sampled_from(["no-auth", "auth-needed", "performpa", "conditional"]),
        },
    ),
)


def policy_version(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "next-steps": ["Do what the policy asks.", "Tell the patient."],
        "verdict": "as the policy says",
        "position": "The policy holds this.",
        "terms": ["@prolotherapy"],
        "codes": [
            {"system": "HCPCS", "code": "M0076", "display": "Prolotherapy", "role": "definitive"},
            {"system": "CPT", "code": "20999", "role": "unlisted"},
        ],
        "unlisted-means-nothing": "@words-that-name-nothing",
        "references": [{"title": "T", "url": "https://example.org/policy", "retrieved": "2026-11-01"}],
        **said,
    }


def policy_of(versions: dict[str, Any], identity: str = "policy-a") -> dict[str, Any]:
    return {
        "id": identity,
        "title": "Prolotherapy",
        "service": "Prolotherapy",
        "publisher": "Example",
        "rights": "Invented for tests.",
        "reviewed": "2026-11-01",
        "versions": versions,
    }


CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "place-of-service": st.sampled_from([["22"], ["11", "22"]]),
        "quantity": st.just({"at-most": 2}),
        "laterality": st.just(["left"]),
        "performer-type": st.just(["SNOMED CT 309343006"]),
        "setting": st.just(["IMP"]),
        "age": st.just({"at-least": 18}),
        "ordered-with": st.just(["others"]),
    },
).filter(bool)


@st.composite
def grouped_policies(draw: Any, identity: str) -> dict[str, Any]:
    """A policy with groups of codes, of which one has answers that depend on circumstances."""
    answers = [{"if": conditions, **draw(ANSWERS)} for conditions in draw(st.lists(CONDITIONS, min_size=1, max_size=2))]
    answers += draw(st.lists(ANSWERS, max_size=1))
    shared = policy_version(
        {"prior-authorization": {"request-from": "the desk", "review": "7 days", "valid-for": "60 days"}}
    )
    for name in ("codes", "terms", "unlisted-means-nothing"):
        del shared[name]
    groups = {
        "therapy": {"service": "Prolotherapy", "codes": ["HCPCS M0076"], "answers": answers},
        "others": {"service": "Other things", "codes": ["HCPCS E0100 to E0105"], **draw(ANSWERS)},
    }
    versions = {"2020-01-01": {"groups": list(groups)}}
    return {**policy_of(versions, identity), "all-versions": shared, "groups": groups}


@st.composite
def policies(draw: Any, identity: str) -> dict[str, Any]:
    """A policy of one or two dated versions, about M0076 by its code or by its words, and perhaps ended."""
    if draw(st.booleans()):
        return draw(grouped_policies(identity))
    versions: dict[str, Any] = {"2020-01-01": policy_version(draw(ANSWERS))}
    if draw(st.booleans()):
        versions["2027-01-01"] = draw(st.sampled_from([None, policy_version({"covered": "not-covered"})]))
    return policy_of(versions, identity)


OURS = {"identifier": {"system": "http://example.org/payer-id", "value": "P"}}
PAYORS = st.sampled_from(
    [OURS, OURS, OURS, {"identifier": {"system": "x", "value": "nobody"}}, {"reference": "Organization/gone"}]
)
PERIODS = st.sampled_from([{"end": "2026-12-31"}, {"end": "2027"}, {"end": "2026-12-31"}, {"end": "2026-01-01"}])
COVERAGES = st.fixed_dictionaries(
    {
        "resourceType": st.just("Coverage"),
        "id": st.sampled_from(["a", "b", "c"]),
        "status": st.just("active"),
        "payor": st.tuples(PAYORS).map(list),
    },
    optional={"period": PERIODS, "order": st.integers(1, 2)},
)


OTHERS = {
    "url": COVERAGE_INFORMATION,
    "extension": [
        {"url": "coverage", "valueReference": {"reference": "Coverage/of-another-payer"}},
        {"url": "covered", "valueCode": "covered"},
        {"url": "pa-needed", "valueCode": "no-auth"},
        {"url": "date", "valueDate": "2026-11-01"},
        {"url": "coverage-assertion-id", "valueString": "theirs"},
    ],
}
PLAIN = {"coding": [{"system": HCPCS, "code": "M0076"}]}
CODES = [
    PLAIN,
    PLAIN,
    {"text": "Prolotherapy, right knee"},
    {"coding": [{"system": CPT, "code": "20999"}]},
    {"text": "Evaluate for prolotherapy"},
    {"text": "MRI of the knee"},
    {"coding": [{"system": HCPCS, "code": "E0100"}]},
    {"text": "M0076"},
    7,
]
ORDERS = st.fixed_dictionaries(
    {
        "resourceType": st.just("ServiceRequest"),
        "id": st.sampled_from(["o1", "o2"]),
        "code": st.sampled_from(CODES),
        "status": st.sampled_from(["draft", "draft", "active", 7]),
    },
    optional={
        "extension": st.sampled_from([[OTHERS], [{"url": "http://example.org/x", "valueDecimal": 1}], 7]),
        "occurrenceDateTime": st.sampled_from(["2026-12-01", "2026-12-02", "2027-02-01", "2019-01-01"]),
        "locationCode": st.sampled_from(["11", "22"]).map(
            lambda code: [{"coding": [{"system": PLACE_OF_SERVICE, "code": code}]}]
        ),
        "quantityQuantity": st.sampled_from([{"value": 1}, {"value": 3}]),
    },
)


@st.composite
def calls(draw: Any) -> dict[str, Any]:
    """Everything one answer depends on."""
    ids = draw(st.lists(st.sampled_from(["policy-a", "policy-b"]), min_size=1, unique=True))
    contact = {
        "name": "Medical policy desk",
        "telecom": [
            {"system": "phone", "value": "+1-800-555-0100"},
            {"system": "url", "value": "https://example.org/desk"},
        ],
    }
    return {
        "policies": [draw(policies(identity)) for identity in ids],
        "payer": {
            "id": "payer", "name": "Payer", "default": True, "reviewed": "2026-11-01", "policies": ids,
            "recognised-by": {"identifiers": [{"system": "http://example.org/payer-id", "value": "P"}]},
            "policy-contacts": {identity: contact for identity in ids if draw(st.booleans())},
        },
        "coverages": draw(st.lists(COVERAGES, max_size=2, unique_by=lambda coverage: coverage["id"])),
        "orders": draw(st.lists(ORDERS, min_size=1, max_size=3)),
        "version": draw(st.sampled_from(sorted(WIRE_VERSIONS))),
        "primary": draw(st.booleans()),
        "annotate": draw(st.booleans()),
        "declined": frozenset(),
        "max_cards": 10,
        "failing": draw(st.sampled_from([False, False, True])),
        "proposes": draw(st.booleans()),
    }  # fmt: skip


def options_of(call: dict[str, Any]) -> ResponseOptions:
    return ResponseOptions(
        WIRE_VERSIONS[call["version"]],
        call["primary"],
        call["annotate"],
        call["declined"],
        call["max_cards"],
        "https://ehr.example.org/fhir",
        proposes=call.get("proposes", False),
    )


def decide_on(call: dict[str, Any]) -> list[tuple[tuple[Decision, ...], dict[str, Any]]]:
    """Decide on the orders of a call as the service does; the version decides whether one coverage is demanded."""
    code_systems = VOCABULARY.code_systems
    index = PolicyIndex([read_policy(document, VOCABULARY) for document in call["policies"]], VOCABULARY)
    payers = PayerDirectory((read_payer(call["payer"], code_systems),))
    read = tuple(read_coverage(coverage, code_systems) for coverage in call["coverages"])
    sent = SentCoverages(read, frozenset({"Organization/gone"} if call["failing"] else ()))
    decided = []
    orders = [read_order(resource, code_systems) for resource in call["orders"]]
    for order, resource in zip(orders, call["orders"], strict=True):
        beside = [other for other in orders if other is not order]
        circumstances = Circumstances(
            (resource,), code_systems, lambda _: None, DAY, DAY, beside=lambda beside=beside: beside
        )
        day = order.service_date or DAY
        paying = find_paying((), sent, payers, day)
        rule = AnswerRule(call["version"], is_primary=call["primary"])
        outcomes = [find_outcome(one, day, rule) for one in paying]
        found = [
            decide(order, one, index, DAY, outcome, None, circumstances)
            for one, outcome in zip(paying, outcomes, strict=True)
        ]
        decisions = tuple(decision for decision in found if decision)
        if call["failing"] and decisions and resource["id"] == "o2":
            decisions = tuple(fail(order, one, DAY, ("Medication/1 could not be read",)) for one in paying)
        decided.append((decisions, resource))
    return decided


def answer(call: dict[str, Any], decided: list[tuple[tuple[Decision, ...], dict[str, Any]]]) -> dict[str, Any]:
    answered = [
        Answered(decisions, json.dumps(order).encode(), number)
        for number, (decisions, order) in enumerate(decided)
        if decisions
    ]
    response = respond(
        answered,
        options_of(call),
        VOCABULARY.code_systems,
        lambda *parts: str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join(parts))),
    )
    return json.loads(response.to_json())


def parts(action: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        part
        for extension in action["resource"]["extension"]
        if extension["url"] == COVERAGE_INFORMATION
        for part in extension["extension"]
    ]


PROFILE = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(PROFILE, max_examples=400)
@given(call=calls())
def test_every_answer_keeps_the_definitions_of_its_version(call: dict[str, Any]) -> None:
    """conf-5, conf-13, resp-13, resp-22, resp-24, resp-25, resp-30, resp-52, CRD-262, CRD-264, CRD-265, resp-32."""
    for document in call["policies"]:
        POLICY_SCHEMA.validate(document)
    PAYER_SCHEMA.validate(call["payer"])

    response = answer(call, decide_on(call))

    assert answer_faults(call["version"], response) == []


@PROFILE
@given(call=calls())
def test_no_card_says_a_sentence_twice(call: dict[str, Any]) -> None:
    for card in answer(call, decide_on(call))["cards"]:
        said = [sentence for sentence in sentences(card) if not sentence.startswith("- Order: ")]

        assert len(said) == len(set(said)), card["detail"]


TOPICS = st.frozensets(st.sampled_from(["coverage-info", "guideline", "off-guideline"]))


@PROFILE
@given(call=calls(), declined=TOPICS, max_cards=st.integers(0, 3))
def test_what_the_client_declines_is_not_sent(call: dict[str, Any], declined: frozenset[str], max_cards: int) -> None:
    """CRD-116, CRD-128, dev-5, dev-14; resp-28: switched off, coverage information is no system action either."""
    call = {**call, "declined": declined, "max_cards": max_cards}
    response = answer(call, decide_on(call))

    topics = {card["source"]["topic"]["code"] for card in response["cards"]}
    assert not topics & call["declined"]
    assert len(response["cards"]) <= call["max_cards"]
    assert "coverage-info" not in call["declined"] or not response.get("systemActions")


@PROFILE
@given(call=calls())
def test_supporting_hooks_never_ask_for_documentation(call: dict[str, Any]) -> None:
    """CRD-167, hook-19: neither clinical nor administrative, neither on the order nor on a card."""
    response = answer({**call, "primary": False}, decide_on(call))

    for action in response.get("systemActions", ()):
        assert not {"clinical", "admin", "both"} & {
            part.get("valueCode") for part in parts(action) if part["url"] == "doc-needed"
        }
    assert "Documentation" not in json.dumps(response)


@PROFILE
@given(call=calls(), version=st.sampled_from(sorted(WIRE_VERSIONS)), days=st.integers(1, 400))
def test_the_same_decision_is_not_written_twice(call: dict[str, Any], version: str, days: int) -> None:
    """CRD-267, resp-35, resp-36: nothing new, no action; what is new replaces ours and leaves other payers' alone."""
    call = {
        **call,
        "declined": frozenset(),
        "orders": [{**order, "id": f"o{n}"} for n, order in enumerate(call["orders"])],
    }
    decided = decide_on(call)
    actions = answer(call, decided).get("systemActions", [])
    written = {action["resource"]["id"]: action["resource"] for action in actions}
    later = [
        (tuple(d._replace(on=DAY + timedelta(days)) for d in decisions), written.get(order["id"], order))
        for decisions, order in decided
    ]

    assert not answer(call, later).get("systemActions")

    for action in answer({**call, "version": version}, later).get("systemActions", []):
        before = next(order for _, order in decided if order["id"] == action["resource"]["id"])
        extensions = action["resource"]["extension"]
        assert [e for e in extensions if e in before.get("extension", [])] == before.get("extension", [])
        of_coverage = [part["valueReference"]["reference"] for part in parts(action) if part["url"] == "coverage"]
        assert len(of_coverage) == len(set(of_coverage))


@PROFILE
@given(call=calls())
def test_nothing_but_the_extension_changes_in_an_order(call: dict[str, Any]) -> None:
    """resp-37."""
    decided = decide_on(call)
    number = {json.dumps({**order, "extension": None}, sort_keys=True) for _, order in decided}

    for action in answer(call, decided).get("systemActions", ()):
        assert json.dumps({**action["resource"], "extension": None}, sort_keys=True) in number


@PROFILE
@given(call=calls())
def test_what_is_offered_is_the_order_as_received_with_one_coding_more(call: dict[str, Any]) -> None:
    """HK-132; CRD-282, resp-53: one update of one order, which is asked about on one card."""
    decided = decide_on({**call, "orders": [{**order, "id": f"o{n}"} for n, order in enumerate(call["orders"])]})
    before = {order["id"]: order for _, order in decided}
    asked = []
    for card in answer({**call, "proposes": True}, decided)["cards"]:
        actions = [action for one in card.get("suggestions", ()) for action in one.get("actions", ())]
        for resource in (action["resource"] for action in actions):
            *codings, added = resource["code"]["coding"]
            assert added["code"] == "M0076"
            order = before[resource["id"]]
            assert {**resource, "code": {**resource["code"], "coding": codings}} == {
                **order,
                "code": {**order["code"], "coding": order["code"].get("coding", [])},
            }
        asked += [action["resource"]["id"] for action in actions]
    assert len(asked) == len(set(asked))


@PROFILE
@given(call=calls())
def test_an_order_that_asks_for_nothing_is_answered_with_nothing(call: dict[str, Any]) -> None:
    """Domain note, section 4: revoked, and not to be performed."""
    orders = [{**order, "status": "revoked"} for order in call["orders"]]

    assert not any(decisions for decisions, _ in decide_on({**call, "orders": orders}))


DOCUMENTS = [{"needed": needed, **({"purposes": purposes, "questionnaires": ["http://example.org/Questionnaire/q"]} if purposes else {})}
             for needed in (["clinical"], ["patient"], ["clinical", "admin"], ["clinical", "admin", "patient"])
             for purposes in ([], ["withpa"], ["withclaim"], ["withpa", "withclaim", "withorder", "retain-doc", "OTH"])]  # fmt: skip
PA_NEEDED = ["no-auth", "auth-needed", "performpa", "conditional"]


def every_answer() -> Iterator[dict[str, Any]]:
    """All combinations of what a policy can say of coverage, prior authorization, documentation and later steps."""
    yield {"covered": "not-covered"}
    for covered, pa_needed in itertools.product(("covered", "conditional"), (None, *PA_NEEDED)):
        for documentation, info_needed in itertools.product((None, *DOCUMENTS), (None, ["performer"])):
            if covered == "covered" and (pa_needed is None or (info_needed and pa_needed != "conditional")):
                continue  # the schema refuses these
            said = {
                "covered": covered,
                "pa-needed": pa_needed,
                "documentation": documentation,
                "info-needed": info_needed,
            }
            yield {name: value for name, value in said.items() if value}


@pytest.mark.parametrize("version", sorted(WIRE_VERSIONS))
@pytest.mark.parametrize("primary", [True, False], ids=["primary", "supporting"])
def test_every_combination_of_a_policys_terms_is_said_as_the_guide_wants_it(version: str, primary: bool) -> None:
    """crd-ci-q1 to q9 over every combination of spec 2.3 that a policy can ask for."""
    shared = policy_of({})
    code = {"resourceType": "ServiceRequest", "id": "o", "code": PLAIN}
    coverage = {"resourceType": "Coverage", "id": "a", "status": "active", "payor": [OURS]}
    payer = {"id": "payer", "name": "Payer", "default": True, "recognised-by": {"identifiers": [{"system": "http://example.org/payer-id", "value": "P"}]}, "policies": ["policy-a"]}  # fmt: skip
    call = {"payer": payer, "coverages": [coverage], "orders": [code], "version": version, "primary": primary, "annotate": True, "declined": frozenset(), "max_cards": 10, "failing": False}  # fmt: skip
    for said in every_answer():
        document = {**shared, "versions": {"2020-01-01": policy_version(said)}}
        POLICY_SCHEMA.validate(document)
        response = answer({**call, "policies": [document]}, decide_on({**call, "policies": [document]}))

        assert answer_faults(version, response) == [], said
        assert len(response["systemActions"]) == 1
