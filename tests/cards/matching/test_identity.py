"""Whether the service is what an order is for: names, labels, boxes, notes under open names, agents, near procedures."""

from typing import Any

import pytest

from cards.matching.match import DoubtKind, Span, Strength
from cards.matching.own_codes import OwnCodes
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


@pytest.mark.parametrize(
    "text",
    [
        "prolotherpay L ankle ATFL/CFL",
        "Pro-lo therapy right ankle lateral ligaments",
        "pro low therapy to the right achilles tendon insertion",
        "prolo rt sholder, ac joint",
        "Proliferative dextrose injections - sacrotuberous ligs bilat",
        "Requested procedure: PROLOTHERAPY lumbar/SI\n# of visits: 3",
        "Injection type:  [ ] Corticosteroid  [ ] PRP  [x] Prolotherapy\nSite: L hip capsule",
        "P2G prolotherapy L-spine + SI, 20cc total, no US needed",
        "Prolotherapy series, right shoulder AC jt + coracoacromial",
        "Agent: dextrose 20%  Technique: prolotherapy  Site: AC joint  Side: L  Vol: 3 cc",
    ],
)
def test_a_name_with_a_typing_error_a_form_or_dictation_orders_the_service(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize("word", ["aromatherapy", "brachytherapy", "photoherapy", "pelotherapy", "protontherapy"])
def test_no_other_word_is_the_service_with_a_typing_error(word: str, rules: Rules) -> None:
    assert find(rules, **named(f"{word} R knee")) is None


@pytest.mark.parametrize(
    "tail",
    [
        "failed PT and bracing",
        "hx meniscectomy 2019",
        "dextrose with xylophene each side",
        "golfer, right handed",
    ],
)
def test_behind_a_place_a_name_may_say_how_and_why_it_is_done(tail: str, rules: Rules) -> None:
    assert strength(rules, **named(f"Prolotherapy R knee, {tail}")) is Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "Prolotherapy, zorbing",
        "Prolotherapy R knee zorbing",
        "Prolotherapy R knee, zorbing",
        "Prolotherapy R knee, zorbing consent",
        "Fluoroscopy for prolotherapy R knee",
        "Lidocaine 1% for prolotherapy",
        "Cold therapy for prolotherapy",
        "Prolotherapy left SI joint: brace",
    ],
)
def test_a_word_that_is_not_known_or_names_another_thing_does_not_order_the_service(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) in (None, Strength.QUALIFIED)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("US R knee", "Prolotherapy R knee today"),
        ("HbA1c", "drawn as baseline, dextrose prolotherapy in May"),
        ("Trigger point inj, bilat upper trap (hx of prolo C-spine 2020)", ""),
        ("Physical therapy 2x/wk, lateral elbow. Had prolotherapy 3/14, start eccentric loading", ""),
        ("RFA R L3-L5 medial branches", "Allergies: morrhuate (from old prolo, rash)."),
    ],
)
def test_imaging_tests_and_another_service_with_a_past_of_this_get_no_answer(
    name: str, note: str, rules: Rules
) -> None:
    assert find(rules, **named(name, note)) is None


def test_an_inference_names_the_characters_of_the_agent_the_place_and_the_injection(rules: Rules) -> None:
    found = find(rules, **named("D15W injection iliolumbar ligament R"))

    assert found is not None
    assert [text_of(span) for span in found.deciding] == ["D15W", "iliolumbar", "injection"]


def text_of(span: Span) -> str:
    return "D15W injection iliolumbar ligament R"[span.start : span.end]


@pytest.mark.parametrize(
    "text",
    [
        "PROLOTHERAPY (M0076)",
        "M0076 Prolotherapy, left ankle ATFL/CFL",
        "M0076-RT: Prolotherapy",
        "Prolotherapy [HCPCS code: M0076] L knee",
        "Prolotherapy M0076RT",
        "Prolo L knee, M0076 x1",
    ],
)
def test_the_policys_own_code_beside_the_name_is_no_unknown_word(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED
    assert strength(rules, **named("See note", f"Plan: {text}")) is Strength.STATED


@pytest.mark.parametrize(
    "text", ["Prolotherapy (J7321)", "M0075 Prolotherapy", "Prolotherapy (M0076/J3301)", "M0076 consent, prolotherapy"]
)
def test_another_code_or_word_beside_the_name_still_leaves_it_open(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.QUALIFIED


def test_a_code_that_only_one_of_several_policies_has_may_be_another_service() -> None:
    """What one policy counts as its own is not passed over where another one is asked."""
    codes = OwnCodes({"prolotherapy": [{"M0076", "0232T"}, {"M0076"}]})

    assert codes.leave_out("prolotherapy", ["hcpcs", "m0076", "0232t", "knee"]) == ["0232t", "knee"]
    assert codes.leave_out("cells", ["m0076"]) == ["m0076"]


@pytest.mark.parametrize(
    "text",
    [
        "Prolotherapy Inj (office)",
        "OFFICE PROC - Prolotherapy Tx, Foot",
        "Prolotherapy R knee @ north office",
        "Prolotherapy - 6 session package",
        "Prolo inj knee bilat (pkg 2 of 4)",
        "schedule for prolotherapy, b/l knees, next avail, 40 min slot",
        "Prolotherapy left knee OA, K-L 3",
        "prolotherapy - both shoulders, multi dir instability",
        "Prolotherapy - AC joint, L, gr 2 separation old",
        "PROLOTHEREPY BOTH KNESS",
    ],
)
def test_places_packages_and_slots_are_words_of_the_order(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "prolotherapy TMJ retrodiscal/capsule D20W",
        "Prolotherapy, deltopectoral capsule left shoulder",
        "Dextrose prolotherapy costosternal jxns T3-T5 left, Tietze",
        "Prolotherapy neck, C4 thru C7 facet capsules",
    ],
)
def test_a_word_right_before_a_place_tells_more_of_it(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize("thing", ["brace", "immobilizer", "MRI", "tray", "handout", "replacement", "fusion", "PRP"])
@pytest.mark.parametrize("text", ["Prolotherapy {} knee", "Prolotherapy R knee {}", "Prolotherapy knee {} right"])
def test_a_thing_or_a_head_before_or_behind_a_place_does_not(text: str, thing: str, rules: Rules) -> None:
    assert strength(rules, **named(text.format(thing))) is not Strength.STATED


@pytest.mark.parametrize(
    "text",
    ["Prolotherapy (0232T)", "Prolotherapy R knee, 0232T", "Prolotherapy 73721 R knee", "Prolotherapy R knee (27447)"],
)
def test_the_code_of_another_procedure_in_the_name_leaves_it_open(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.QUALIFIED


@pytest.mark.parametrize(
    "text",
    [
        "Prolotherapy R knee CPT 20610",
        "Prolotherapy R knee (20999)",
        "Prolotherapy L ankle, 20550, 76942",
        "Prolotherapy R knee, 15 mL, 1000 mg",
    ],
)
def test_codes_of_injections_guidance_and_unlisted_procedures_and_amounts_do_not(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "\u2612 Prolotherapy  Site: elbow UCL  Side: \u2610 L \u2612 R",
        "\u2713 Prolotherapy R knee",
        "PROC: PROLOTHERAPY / SITE: LT ANKLE ATFL / LATERALITY CONFIRMED: Y / CONSENT: IMED",
        "Regenerative injection tx (RIT, aka prolotherapy) L-spine L4-S1 ligs",
        "Proloterapia ATM derecha",
        "Set up prolotherapy R knee",
    ],
)
def test_ticked_boxes_confirmed_labels_and_other_names_are_words_of_the_order(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "So the plan then is to go ahead with the prolotherapy injections to the left sacroiliac ligaments",
        "After we talked, will proceed with another prolotherapy treatment of the ankle",
        "A year of pain despite bracing, two courses of therapy and one steroid shot. Please give dextrose prolotherapy",
    ],
)
def test_an_action_leads_to_the_service_over_small_words_whatever_was_tried(note: str, rules: Rules) -> None:
    assert strength(rules, **named("Injection procedure", note)) is Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "Prolotherapy R knee, driver needed",
        "Prolotherapy L elbow, Spanish interpreter needed",
        "Prolotherapy R knee, hold aspirin",
        "Prolotherapy L shoulder - not on blood thinners",
        "Prolotherapy R knee w 25g needle, 10cc syringe",
        "Prolotherapy R knee, no running, return to duty 2 wks",
        "Prolotherapy SIJ R (>50% relief w/ last)",
        "Prolotherapy R hip labral tear on MRI",
        "Prolotherapy R knee, see clinic note",
        "Prolotherapy R knee, continue home exercises",
        "Prolotherapy R knee to avoid surgery",
        "Prolotherapy R knee (mark site)",
    ],
)
def test_what_goes_with_an_order_is_no_other_service_behind_the_name(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "Driver needed for prolotherapy R knee",
        "Interpreter needed for prolotherapy R knee",
        "25g needle for prolotherapy R knee",
        "Letter of medical necessity sent, prolotherapy R knee",
        "Light duty after prolotherapy R knee",
        "Ethyl chloride spray for prolotherapy R knee",
        "Home exercises, prolotherapy R knee",
        "A1c 6.8 before prolotherapy R knee",
    ],
)
def test_the_same_before_the_name_may_be_what_is_ordered(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is not Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "Prolotherapy L ankle, SSG, TRICARE Prime, PCS in 60 days",
        "Prolotherapy R knee GA modifier",
        "Prolotherapy hamstring tendinopathy proximal L, track, redshirt junior",
        "Prolotherapy L thumb CMC, attending Nguyen",
        "Prolotherapy R knee - resident to perform under attending supervision",
        "HC PROLOTHERAPY INJ KNEE",
        "Prolotherapy, subsequent session, L knee",
        "Therapeutic prolotherapy injection",
    ],
)
def test_payers_duty_staff_sports_and_billing_are_words_of_the_order(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize("thing", ["lecture", "brace", "tray", "consent"])
def test_a_thing_is_no_clinicians_name(thing: str, rules: Rules) -> None:
    assert strength(rules, **named(f"Prolotherapy R knee per {thing}")) is not Strength.STATED


@pytest.mark.parametrize(
    "name",
    [
        "Arthrocentesis/inj major jt 20610",
        "Procedimiento en consultorio",
        "Interventional pain procedure",
        "ND injection order",
        "Clinic-performed procedure",
        "Procedure - not listed",
    ],
)
def test_names_of_clinics_and_of_codes_for_injections_leave_it_open(name: str, rules: Rules) -> None:
    assert strength(rules, **named(name, "Prolotherapy, 15% dextrose, US guided")) is Strength.STATED
    assert find(rules, **named(name, "Failed prolotherapy. Kenalog 40 R knee today.")) is None


@pytest.mark.parametrize("name", ["Referral - sports medicine", "Consultation"])
def test_under_a_talk_a_note_that_orders_the_service_is_asked_about(name: str, rules: Rules) -> None:
    assert strength(rules, **named(name, "Proceed with prolotherapy R ankle")) is Strength.QUALIFIED
    assert find(rules, **named(name, "Had prolotherapy R ankle last year")) is None


def test_an_aspiration_alone_is_another_service(rules: Rules) -> None:
    assert strength(rules, **named("Arthrocentesis R knee", "Prolotherapy R knee today")) is not Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "Procedure performed under this code: prolotherapy to posterior cervical ligaments, 1 session/mo x 4",
        "Specify: DEXTROSE PROLOTHERAPY posterior c-spine C2-7",
        "prolotherapy L SIJ ligaments #2, Dr's resident to do w/ attending present",
        "PRP too expensive. Prolotherapy R knee.",
        "Using this code for prolotherapy since no other code exists.",
        "Decided on prolotherapy R knee.",
        "Se realizara proloterapia rodilla derecha",
    ],
)
def test_a_note_says_in_many_ways_what_is_done(note: str, rules: Rules) -> None:
    assert strength(rules, **named("Injection procedure", note)) is Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "per Dr. Lee: prolotherapy",
        "V.O.R.B. Dr Patel - prolotherapy bilat SI jts",
        "TORB Dr Ivanova: prolotherapy R knee",
        "Dr. De Groot - prolotherapy L ankle",
        "Prolo R SIJ (Lee)",
        "Prolotherapy L knee (Dr. Okonkwo)",
        "Prolotherapy R knee (Garcia)",
    ],
)
def test_who_orders_it_is_named_before_the_service_or_in_brackets(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Lee consult: prolotherapy",
        "Referral to Dr. Lee: prolotherapy",
        "Records of Dr. Lee: prolotherapy",
        "To Dr. Lee: prolotherapy?",
        "Contact Dr Lee: prolotherapy R knee",
        "Dr tray prolotherapy",
        "Prolotherapy R knee (tray)",
    ],
)
def test_a_clinician_who_is_asked_or_a_thing_in_the_place_of_a_name_orders_nothing(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is not Strength.STATED


@pytest.mark.parametrize(
    "text",
    [
        "Prolotherapy R knee, auth approved #88123",
        "Prolotherapy L elbow - no auth req'd, ref# 55218",
        "Prolotherapy R knee, auth 20610",
        "Prolotherapy R knee, MRN 20550",
    ],
)
def test_a_number_that_refers_to_something_is_no_code_of_a_procedure(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize("text", ["Prolotherapy R knee, CPT #29881", "Prolotherapy R knee 29881"])
def test_a_code_of_another_procedure_leaves_it_open_however_it_is_written(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is not Strength.STATED


def test_spoken_punctuation_parts_what_was_dictated(rules: Rules) -> None:
    note = "No fever comma no swelling period proceed with prolotherapy R knee period"

    assert strength(rules, **named("Prolotherapy left ankle period")) is Strength.STATED
    assert strength(rules, **named("Injection procedure", note)) is Strength.STATED
    assert strength(rules, **named("Prolotherapy R knee", "Cancelled period")) is Strength.QUALIFIED


def test_none_behind_a_label_of_a_form_is_of_the_label(rules: Rules) -> None:
    text = "Procedure: Prolotherapy / Side: Left / Area: SI / Sedation: {} / Driver: yes"

    assert strength(rules, **named(text.format("none"))) is Strength.STATED
    assert strength(rules, **named("Prolotherapy / Status: cancelled")) is Strength.QUALIFIED


@pytest.mark.parametrize("name", ["LESI L5-S1 R", "Ácido úrico", "Intérprete de español", "Rodillera", "TFESI L4"])
def test_under_more_names_of_other_services_a_mention_says_nothing(name: str, rules: Rules) -> None:
    assert find(rules, **named(name, "antes de proloterapia")) is None
    assert find(rules, **named(name, "2023 prolo x4 (outside)")) is None


@pytest.mark.parametrize(
    "text",
    [
        "PROLOTHERAPY INJECTION, JOINT OR LIGAMENT, IN CLINIC",
        "Prolotherapy - procedure only, consult already done 2/12",
        "Could we please get this patient set up for prolotherapy on her left SI joint",
        "Prolotherapy L elbow, ref'd by Dr. Chu (ortho)",
    ],
)
def test_titles_of_codes_and_polite_orders_order_the_service(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is Strength.STATED


@pytest.mark.parametrize(
    "text", ["Prolotherapy or PRP R knee", "Could we do prolotherapy?", "Prolotherapy only if PT fails", "Prolotherapy consult"]
)  # fmt: skip
def test_what_is_asked_or_open_between_two_services_is_not(text: str, rules: Rules) -> None:
    assert strength(rules, **named(text)) is not Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "Surgeon agrees with nonop. Prolotherapy UCL L elbow, hold throwing 6 wks.",
        "Prolotherapy R knee, stop ASA 5 days.",
        "We agreed on prolotherapy to the posterior SI ligaments, 6 sessions, starting Tuesday.",
        "Dr. Yamamoto prefers prolotherapy over steroid given tendon tear.",
        "What's been tried: brace, gel (nothing). What we're doing: prolotherapy. When: next Tues.",
        "1) Prolotherapy R SI, 1x/mo x 4  2) PT for glute strength  3) Vitamin D 5000",
        "Steroid: \u2610  PRP: \u2610  Prolotherapy: \u2611  Botulinum: \u2610\nSide: R",
    ],
)
def test_a_note_says_it_with_what_goes_with_it_and_what_was_not_chosen(note: str, rules: Rules) -> None:
    assert strength(rules, **named("Office procedure", note)) is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "Steroid: \u2611  PRP: \u2610  Prolotherapy: \u2610",
        "Prolotherapy R knee, hold.",
        "Prolotherapy R knee, no.",
        "1) Steroid R SI today 2) Prolotherapy",
    ],
)
def test_a_box_of_another_treatment_and_a_plain_no_order_nothing(note: str, rules: Rules) -> None:
    assert strength(rules, **named("Office procedure", note)) is not Strength.STATED
