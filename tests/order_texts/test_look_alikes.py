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

#: More of them, written when the list of plain words was made longer.
MORE_HEADS = """Pre-op clearance|Pre op labs|Post op check|Follow up|F/U|Recheck|Video visit|Tele visit|E-visit|Consult|Referral
Second opinion|Evaluation|New patient eval|Needles|Syringes|Tray|Kit|Cold pack|Heating pad|Ice|TENS|Cane|Walker|Boot
Sling|Splint|Collar|Orthotics|Compression sleeve|Tape|KT tape|Taping|Acupuncture|Chiropractic|Yoga|Pilates
Aquatic therapy|Home exercise program|HEP|Rehab|Gait training|Vitamin D|Vitamin B12|B12 shot|Flu shot|Covid vaccine
Tetanus shot|Depo shot|Steroid shot|Ketorolac shot|IM injection|Nerve block|Block|Anesthesia|MAC|Driver|Fluoro
Fluoroscopy|Ultrasound|US knee|US guidance only|X-ray L knee|CT lumbar|MR arthrogram|Arthrogram|Bone density|EMG|NCS
EKG|CRP|ESR|A1c|HbA1c|INR|UA|Urine pregnancy test|HCG|Glucose check|Fingerstick glucose|BMP|Blood draw|Culture|Biopsy
Aspiration|Arthrocentesis|Manipulation|Adjustment|Traction|Massage therapy|Dry needling|Shockwave|ESWT|Laser|Ozone
Prolozone|Stem cells|PRP L elbow|Hyaluronate|Synvisc|Botox|Zilretta|Kenalog R knee|Epidural|ESI|MBB|RFA
SI joint steroid injection|Tenotomy|Arthroscopy|Surgery|Fusion|Ibuprofen|Naproxen|Meloxicam|Gabapentin|Percocet
Tylenol|Zofran|Lidocaine patch|Emla cream|Voltaren gel|Antibiotic|Keflex|Disability form|FMLA form|Jury duty letter
School note|Handicap placard|Release of records|Medical records|Invoice|Superbill|Charge capture|Copay|Deposit
Payment plan|Prior auth|Peer to peer|Appeal letter|Case management|Social work|Psych eval|Dietitian|Smoking cessation
Nurse call|Phone visit|Portal message|Outcome score|ODI|WOMAC|Video|Patient education|Consent form|Study visit
Research enrollment|Research blood draw|Skin prep|Skin check|Wound care|Suture removal|Bandage|Dressing|Gauze
Observation|Recovery bed|Chair|Wheelchair van|Taxi|Hotel|Translator|Position statement|Tissue sample|Hand surgery
Foot x-ray|Spine MRI|Joint replacement|Bone marrow|Muscle relaxer|Ligament repair|Tendon repair|Disc replacement
Cord stimulator|Ring block|Drug screen|Test dose|Allergy test|Patch test""".replace("\n", "|").split("|")

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

#: What may stand behind a name with its site: "Prolotherapy R knee - consent form".
TAILS_OF_A_SITE = """pre-op clearance|post-procedure check|check|recheck|follow-up|follow up visit|visit|office visit|video visit
telehealth|consult only|eval|eval only|evaluation and possible tx|new pt eval|nurse visit|therapy visit|PT eval
PT referral|home exercises|HEP|exercise handout|stretching|sling|orthotics|splint|boot|crutches|walker|TENS unit
ice machine|cold pack|compression sleeve|taping|massage|chiro|acupuncture|lab draw|CBC|HbA1c|pregnancy test|UA|CRP
MRI first|CT|x-ray|x-rays|US scan|diagnostic ultrasound|diagnostic us|EMG|steroid|kenalog|PRP|stem cell|ozone|Synvisc
HA|botox|nerve block|RFA|ESI|surgery|arthroscopy|ibuprofen|pain meds|medication|Valium|antibiotics|patch|cream|premed
anesthesia|sedation only|sedation consult|IV sedation|ride home|interpreter services only|parking pass|work note
school excuse|disability form|FMLA|records request|chart review|dictation|report|op note|procedure note|coding|claim
charge|invoice|receipt|deposit|cost|price|insurance check|benefits check|eligibility check|prior auth|PA|PA form
auth request|P2P call|denial letter|consent form|waiver|ABN|class|website|course|study visit|trial arm|questionnaire
outcome form|photos|gloves|vials|refill|room booking|table|equipment|ultrasound machine|staff|tech|nurse|scribe
chaperone|observer|waitlist|wait list|cancellation list|reminder call|callback|call back|message|voicemail|grievance
infection|flare|discharge|wound check|dressing change|suture removal|previous|prior|past|s/p|post|candidacy|question
options|discuss|discussed|info|thoughts|future|possible|pending|tentative|hold|held|deferred|denied|not done|none|no
N/A|or surgery|if covered|if needed|when ready|after MRI|after surgery|failed|didn't help|for husband|for sister
sample|placeholder|copy|duplicate|error|historical|archived""".replace("\n", "|").split("|")

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


#: Relations under which another service is ordered for the sake of this one.
SERVING = ("after", "for", "during", "before", "from", "due to", "at", "at the time of", "per")
#: Guidance stands beside the service itself ("ultrasound + prolotherapy"): only what it is ordered for is a look-alike.
GUIDANCE = ("US knee", "Ultrasound", "Fluoro", "Fluoroscopy")
SITES = ("R knee", "left SI joint", "lumbar")


def _around_a_site() -> Iterator[str]:
    for head in MORE_HEADS:
        relations = SERVING if head in GUIDANCE else (*SERVING, "with", "and", ",", "-", "/", "then")
        for relation in relations:
            yield from (f"{head} {relation} prolotherapy", f"{head} {relation} prolo R knee")
    for tail, site in product((*TAILS_OF_A_SITE, *TAILS), SITES):
        if tail not in ("interpreter", "PT", "?"):  # with an interpreter, "for PT": of the order itself
            yield from (f"prolotherapy {site}{between}{tail}" for between in (" - ", ", ", " ", " w/ ", " for ", ": "))
            yield f"Prolo {site} ({tail})"


#: The service's name as it stands beside its code, in a package, in an office.
NAMES_WITH_MORE = ("M0076 prolotherapy", "Prolotherapy (M0076)", "Prolotherapy (HCPCS M0076) R knee", "Prolo R knee, 6 session package",
    "Office proc - prolotherapy R knee", "Schedule for prolotherapy R knee, next avail", "Prolotherapy (office)")  # fmt: skip

#: Codes of other services.
OTHER_CODES = ("J7321", "G0463", "A4206", "L1833", "Q4100", "J3301", "E0114", "J7321RT", "M0075", "M00761")


def _around_more() -> Iterator[str]:
    for name in NAMES_WITH_MORE:
        yield from (f"{name}{between}{tail}" for tail in TAILS for between in (" ", " - ", ", "))
        yield from (f"{head} {relation} {name}" for head in HEADS for relation in SERVING)
    for code in OTHER_CODES:
        yield from (f"{code} prolotherapy", f"Prolotherapy ({code})", f"M0076/{code} prolotherapy", f"Prolo {code} x3")


def _strength(rules: Rules, text: str, note: str | None = None) -> str | None:
    resource = {"resourceType": "ServiceRequest", "code": {"text": text}, "note": [{"text": note}] if note else []}
    order = read_order(resource, rules.vocabulary.code_systems)
    found = rules.index.find(order, ("evicore-cmm-204",), date(2026, 11, 23))
    return found[0].match.strength.value if found else None


def test_a_name_with_another_services_head_or_tail_does_not_order_it(rules: Rules) -> None:
    texts = list(_around_a_name())

    assert len(texts) > 10_000
    assert [text for text in texts if _strength(rules, text) in SURE] == []


def test_a_site_beside_the_name_does_not_make_another_thing_the_service(rules: Rules) -> None:
    texts = list(_around_a_site())

    assert len(texts) > 8_000
    assert [text for text in texts if _strength(rules, text) in SURE] == []


def test_a_code_a_package_or_an_office_does_not_make_another_thing_the_service(rules: Rules) -> None:
    texts = list(_around_more())

    assert len(texts) > 4_000
    assert [text for text in texts if _strength(rules, text) in SURE] == []


@pytest.mark.parametrize("note", ["after prolotherapy", "prolotherapy R knee", "Plan: prolotherapy R knee today"])
def test_a_note_under_another_services_name_does_not_order_it(note: str, rules: Rules) -> None:
    assert [head for head in HEADS if _strength(rules, head, note) in SURE] == []


@pytest.mark.parametrize("text", NOT_THE_NAME)
def test_what_only_resembles_the_service_is_never_answered_as_it(text: str, rules: Rules) -> None:
    assert _strength(rules, text) not in SURE
