"""Whether the service is what an order is for: names, labels, boxes, notes under open names, agents, near procedures."""

from typing import Any

import pytest

from cards.matching.match import DoubtKind, Strength
from cds_hooks.rules.loading import Rules
from tests.cards.matching.test_policy_index import CPT, find, strength


def named(text: str, *notes: str, codes: tuple[str, ...] = ()) -> dict[str, Any]:
    coding = [{"system": CPT, "code": code} for code in codes]
    return {"code": {"text": text, "coding": coding}, "note": [{"text": note} for note in notes]}


@pytest.mark.parametrize(
    "text",
    [
        "Prolotherapy, talofibular ligament",
        "Prolo L ankle (ATFL/CFL), #2 of 4",
        "Proloterapia rodilla derecha",
        "proloterapia hombro izq, dextrosa 15%",
        "Type of injection? Prolotherapy; Body part? Low back; Laterality? Bilateral",
        "Requested procedure: prolotherapy R SI",
        "prolotherapy left SI jt ok per Dr. Chen",
        "Prolotherapy lumbar, prior auth requested",
        "Prolotherapy for chondromalacia patellae left knee",
    ],
)
def test_a_name_of_known_words_orders_the_service(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "Prolotherapy left lateral epicondyle, 25% dextrose",
        "HPI: 52F R SI pain x 3y. Tried PT, chiro.\nPlan: prolotherapy R SI, 15% dextrose",
        "INJECTION TYPE: Prolotherapy | JOINT: Left thumb CMC | MED: Dextrose 25%",
        "[ ] Corticosteroid  [ ] Hyaluronic acid  [x] Prolotherapy  [ ] PRP\nSite: L knee",
        "( ) steroid\n( ) PRP\n(X) prolotherapy\nR shoulder",
        "H/o prolotherapy R shoulder 2023. Today: prolotherapy L shoulder.",
    ],
)
@pytest.mark.parametrize("name", ["Injection procedure", "Procedure - see comments", "Unlisted procedure, musculoskeletal system", "Misc order"])  # fmt: skip
def test_under_a_name_that_leaves_it_open_a_note_says_what_is_done(name: str, note: str, rules: Rules) -> None:
    assert strength(rules, **named(name, note)) is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "[x] Corticosteroid  [ ] Prolotherapy",
        "Plan: prolotherapy R SI and kenalog 40",
        "Prolotherapy discussed. Plan: kenalog 40 R SI",
        "Sedation: prolotherapy",
    ],
)
def test_under_an_open_name_a_note_that_gives_another_treatment_is_no_sure_order(note: str, rules: Rules) -> None:
    assert strength(rules, **named("Injection procedure", note)) in (None, Strength.QUALIFIED)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("XR knee R 3 views", "Pain after prolotherapy 2 wks ago"),
        ("PT eval and treat L shoulder post prolotherapy", ""),
        ("Crutches for prolotherapy", ""),
        ("Total knee arthroplasty R", "Failed PT, HA, prolotherapy"),
        ("Genicular nerve block R", "HPI: had prolotherapy x3.\nPlan: genicular block"),
        ("Injection", "Failed prolotherapy. Kenalog 40 R knee today."),
    ],
)
def test_another_service_that_only_mentions_it_gets_no_answer(text: str, note: str, rules: Rules) -> None:
    """CRD-26: nothing is said of a service that no policy here is about."""
    assert find(rules, **named(text, note)) is None


@pytest.mark.parametrize("code", ["76942", "77002", "77003", "99152"])
def test_guidance_and_sedation_beside_a_code_that_leaves_it_open_are_no_other_service(code: str, rules: Rules) -> None:
    assert strength(rules, **named("Prolotherapy R knee", codes=(code, "20999"))) is Strength.STATED
    assert strength(rules, **named("Prolotherapy R knee", codes=(code,))) is Strength.QUALIFIED


@pytest.mark.parametrize(
    "text",
    [
        "Neural prolotherapy R knee",
        "Prolozone injection R knee",
        "PRP prolotherapy R ankle",
        "Stem cell prolotherapy L hip",
    ],
)
def test_a_procedure_near_the_service_is_asked_about(text: str, rules: Rules) -> None:
    """The policies speak of solutions injected into ligaments, tendons and joints; of these none names one."""
    found = find(rules, **named(text))

    assert found is not None
    assert found.match.strength is Strength.QUALIFIED
    assert found.match.doubt is not None
    assert found.match.doubt.kind in (DoubtKind.NEAR, DoubtKind.ANOTHER_TREATMENT)


@pytest.mark.parametrize(
    "text",
    [
        "D15W injection iliolumbar ligament R",
        "25% glucose injection into common extensor origin",
        "Injection R ATFL, dextrose 12.5 % w/ lido",
        "D12.5 inj SI joint",
        "P2G injection SI ligaments",
        "Infiltración dextrosa 25% rodilla izq",
    ],
)
def test_an_agent_of_any_strength_into_a_joint_or_ligament_is_inferred(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.INFERRED


@pytest.mark.parametrize(
    "text",
    [
        "D50 25 g IV push, knee injection later",
        "Dextrose 25% IV for hypoglycemia, knee pain",
        "D10W 250 mL bolus, hip fracture",
        "Hydrodissection median nerve at wrist, D5W injection",
        "Perineural dextrose injection, knee",
        "PRP injection R knee",
        "Bone marrow concentrate injection L knee",
    ],
)
def test_an_agent_by_vein_for_sugar_or_at_a_nerve_and_cells_are_not_the_service(text: str, rules: Rules) -> None:
    assert find(rules, **named(text)) is None
