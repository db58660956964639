"""Generated look-alikes: orders for something else with the service's name in them. None may be answered as its own."""

from collections.abc import Iterator
from datetime import date
from itertools import product

import pytest

from cards import read_order
from cds_hooks.rules.loading import Rules
from tests.order_texts.figures import SURE

NAMES = ("prolotherapy", "prolo", "Prolotherapy R knee", "joint sclerotherapy", "proloterapia")

HEADS = """MRI knee|XR L shoulder 2v|CBC|PT 2x/week|Tramadol 50 mg|Diazepam 5 mg|Knee brace|Crutches|Office visit|Nurse visit
Wheelchair|Interpreter|Ride|Parking|Letter to insurer|Work note|Consent|Handout|Cortisone injection|Toradol|PRP|Crossword
Widget|Sedation|US machine|Needle|Lab draw|Massage|Records|Dressing change|Wound check|Ice pack|Survey|Photo|Room
Blood pressure check|Hydrocodone|Bone scan|Joint aspiration|Trigger point injection|Skin test|Ondansetron|Phone call
Telehealth|Chaperone|Chart review|Coding query|Estimate|Quote|Refund|Appeal""".replace("\n", "|").split("|")

RELATIONS = """after|before|post|s/p|for|during|re|prior to|following|instead of|due to|because of|vs|or|about|since|not|no
and|,|-|with|plus|/|:|from|pre|h/o|while on|in lieu of|at time of|day of|for pt having""".replace("\n", "|").split("|")

TAILS = """tray|kit|consent|handout|score|scale|clinic|fellowship|billing|course brochure|video|supplies|needles|study|template
note|notes|records|education|consult|consultation|evaluation|referral|reminder|follow up|f/u visit|complication|reaction
site infection|denial|appeal|letter|quote|estimate|authorization|instructions|discharge instructions|aftercare|rehab
rehab protocol|PT|brace|questions|discussion|candidate|eligibility|waiting list|research|registry|training|workshop|lecture
article|survey|payment|refund|superbill|code|inventory|stock|syringes|gauze|set up|room|photo|images|imaging|MRI|labs
sedation ride|driver|transport|parking|interpreter|recovery|tramadol|meds|premedication|clearance|second opinion|phone call
portal message|chart update|allergy|history|hx|declined|refused|cancelled|?|vs PRP|or PRP|if PT fails|maybe|later|next year
for wife|school|grand rounds|demo|simulation|test|trial|RCT|placebo arm|information|pamphlet|policy review|coverage check
benefits|prior auth form|peer to peer|P2P|audit|complaint|podcast""".replace("\n", "|").split("|")

NOT_THE_NAME = """Prolia 60 mg SQ|Prolactin|Pelvic organ prolapse repair|Prolonged services|Proliferation index Ki-67
Vein sclerotherapy L leg|Sclerotherapy R GSV, polidocanol|Hemorrhoid sclerotherapy|Pleurodesis, talc|Aromatherapy
Brachytherapy|PRP R knee|Platelet rich plasma L elbow|Bone marrow concentrate R hip|Stem cell injection knee
Hydrodissection median nerve, D5W|Perineural D5W superficial peroneal|D50 25 g IV push, glucose 38|D10W 250 mL IV
Dextrose 25% IV for hypoglycemia, knee pain|D25W IV bolus, hip fracture|glucose 25% IV infusion, shoulder pain
Prolozone R knee|Ozone injection knee|Neural prolotherapy R knee|PRP prolotherapy knee|Stem cell prolotherapy hip
P2G SI ligaments|Phenol neurolysis|Dextrose perineural, sural n.|Prolo scale R hip""".replace("\n", "|").split("|")


def _around_a_name() -> Iterator[str]:
    yield from (f"{head} {relation} {name}" for head, relation, name in product(HEADS, RELATIONS, NAMES))
    for name, tail in product(NAMES, TAILS):
        yield from (f"{name}{between}{tail}" for between in (" ", " - ", ": ", ", "))
        yield f"{name} ({tail})"


def _strength(rules: Rules, text: str, note: str | None = None) -> str | None:
    resource = {"resourceType": "ServiceRequest", "code": {"text": text}, "note": [{"text": note}] if note else []}
    order = read_order(resource, rules.vocabulary.code_systems)
    found = rules.index.find(order, ("evicore-cmm-204",), date(2026, 11, 23))
    return found[0].match.strength.value if found else None


def test_a_name_with_another_services_head_or_tail_does_not_order_it(rules: Rules) -> None:
    texts = list(_around_a_name())

    assert len(texts) > 10_000
    assert [text for text in texts if _strength(rules, text) in SURE] == []


@pytest.mark.parametrize("note", ["after prolotherapy", "prolotherapy R knee", "Plan: prolotherapy R knee today"])
def test_a_note_under_another_services_name_does_not_order_it(note: str, rules: Rules) -> None:
    assert [head for head in HEADS if _strength(rules, head, note) in SURE] == []


@pytest.mark.parametrize("text", NOT_THE_NAME)
def test_what_only_resembles_the_service_is_never_answered_as_it(text: str, rules: Rules) -> None:
    assert _strength(rules, text) not in SURE
