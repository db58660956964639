"""Notes under a name that leaves it open, and names with more beside the service: which order it, and which do not."""

import pytest

from cds_hooks.rules.loading import Rules
from tests.order_texts.figures import SURE
from tests.order_texts.test_look_alikes import _strength

#: Notes that order the service.
ORDERING = """Plan: prolotherapy R knee next month.
A/P: knee OA. Will proceed w/ prolo R knee today.
Prolo R knee.
Prolo today.
Prolotherapy R knee, dextrose 25%, 6 mL IA, 22g needle.
Here for prolotherapy #2, R knee.
Here today for second prolo to L SI.
Pt returns for prolotherapy.
Patient presents for prolotherapy injection of left elbow.
Pt elected prolotherapy after discussion of options.
After discussion of options including PRP, steroid and surgery, pt elected prolotherapy.
We discussed PRP, steroid, and prolotherapy. She chose prolotherapy.
Discussed risks/benefits of prolo, pt wishes to proceed.
R/B/A of prolotherapy reviewed. Proceed.
Decision made to proceed with prolotherapy.
Plan: 1. prolotherapy R knee x3. 2. PT after. 3. f/u 3 mo.
Plan: US-guided prolotherapy R patellar tendon; NSAIDs off x 1 wk.
Recommend prolotherapy; pt agrees; scheduled 5/2.
Needs prolotherapy R SI.
Would benefit from prolotherapy, schedule.
Schedule for prolotherapy R SI w/ Dr Lee.
Scheduled for prolo 5/1.
For prolotherapy.
for prolo R knee please
prolo pls
inj = prolo
this is for prolo, no code in system
use this order for prolotherapy R knee
ordering prolotherapy under misc
Type: prolotherapy
Service: prolotherapy R knee
Requested: prolotherapy R knee
Injection: prolotherapy, dextrose 15%
Procedure name: Prolotherapy
What: prolo. Where: R knee. When: next avail.
Treatment: prolotherapy
Tx plan: prolo series, SI, 4
MRI: partial tear UCL. Failed PT. Prolotherapy UCL R elbow.
Failed PT, bracing, NSAIDs, CSI. Now prolo.
No better w/ PT/CSI. Prolotherapy R lat epicondyle today under US.
PRP not covered, so prolotherapy.
Steroid contraindicated d/t DM, will do prolotherapy instead.
Not a surgical candidate. Prolotherapy R knee.
Surgeon recommends nonop. Prolotherapy R knee.
Dr. Kim (ortho) suggested prolotherapy; will do R knee today.
PCP asked for prolotherapy. Agree. Do R knee 5/2.
Pt asked for prolotherapy, agree.
Prolo R knee - risks discussed, consent signed.
Prolo R knee as discussed 3/2.
Prolo R knee; call pt to schedule.
Prolotherapy R knee. Hx prolo L knee 2022 w/ good result.
Repeat prolo R SI, last 2022.
#3 of 4 today. Prolo R SI.
Se realizará proloterapia de rodilla derecha.
Plan: proloterapia hombro izq, 3 sesiones.
Paciente acepta proloterapia. Programar.
Proloterapia rodilla, dextrosa 25%.
Acude para proloterapia #2.
Dx: gonartrosis. Tx: proloterapia.""".splitlines()

#: Notes that speak of it, and order another thing, or nothing yet.
SPEAKING = """Discussed prolotherapy and surgery; pt wishes to proceed with surgery.
Discussed prolotherapy and surgery; pt wishes to proceed.
Discussed prolo vs PRP. Pt wishes to proceed with PRP.
Discussed prolotherapy. Proceed with PT first.
Discussed prolotherapy. Scheduled MRI.
Discussed prolotherapy. Schedule consult.
Discussed prolotherapy. Pt agrees to think about it.
Discussed prolotherapy. Pt agrees with plan to wait.
Recommended prolotherapy, surgeon agrees with arthroscopy. Scheduled.
Recommended prolotherapy, pt wants to check cost. Agreed.
Asked about prolotherapy. I agree with Dr Lee that it will not help.
Asked about prolotherapy, not agreed.
Offered prolotherapy, pt does not wish to proceed.
Offered prolotherapy, pt not ready to proceed.
Offered prolotherapy; declined. Proceed with steroid.
Reviewed prolotherapy handout. Agrees to read it.
Discussed prolotherapy. Steroid today.
Discussed prolo. Proceed with CSI.
Discussed prolo. Will do CSI.
Discussed prolo. Will do steroid today.
Discussed prolo. Will do home exercises.
Recommended prolotherapy by outside MD. Agree to PT only.
Pt requests prolotherapy. Agreed to discuss with Dr Lee.
Pt wants prolotherapy; insurance must agree.
Wants prolotherapy, schedule MRI.
Would benefit from prolotherapy, schedule eval.
PCP suggested prolotherapy. Scheduled PT.
Prior prolo. Scheduled CSI.
Returns for prolotherapy follow up.
Returns for prolotherapy check.
Returns from prolotherapy R knee with swelling.
Presents for prolotherapy consult.
Presents with pain since prolotherapy.
Presents for prolotherapy evaluation.
Back for prolotherapy results.
In for prolotherapy question.
Steroid not working, so prolotherapy is an option.
PRP not covered so prolotherapy considered.
PRP not covered, so prolotherapy vs surgery.
Not ready, so prolotherapy later.
No auth, so prolotherapy on hold.
Insurance said no, so prolotherapy cancelled.
Kenalog R knee today, prolotherapy next week.
Kenalog 40 R knee. Prolotherapy next visit.
CSI today. Prolo next month if no better.
Steroid inj today; will do prolo at next visit.
HA #2 today, prolo in 6 wks.
PRP today, prolotherapy to ligaments later.
Botox today, prolotherapy in May.
Aspirate and inject steroid; prolotherapy scheduled 5/1.
Prolotherapy scheduled with Dr Lee 5/1. Today: trigger points.
Today: cortisone R knee. Plan: prolotherapy in 3 months.
Plan: steroid now, prolotherapy 5/1.
Plan: MRI. Then prolotherapy.
Plan: MRI R knee, consider prolotherapy.
Plan: refer to Dr Lee for prolotherapy.
Plan: send to PM&R for prolotherapy.
Plan: get records of prolotherapy.
Plan: hold prolotherapy.
Plan: no prolotherapy.
Plan: finish prolotherapy with Dr Smith. Steroid R shoulder today.
Agreed on surgery after prolotherapy failed.
Agreed to stop prolotherapy.
Agreed not to do prolotherapy.
Agreed with neurosurgeon, prolotherapy contraindicated.
Rec no prolotherapy.
Rec against prolotherapy.
Acepta cirugía, no proloterapia.
No acepta proloterapia.
Acepta ácido hialurónico; proloterapia después.
Doing prolotherapy elsewhere.
What was done: prolotherapy 2022. What we're doing: steroid.
Next step: prolotherapy if steroid today fails.
Steroid: [x] Prolotherapy: [ ]
1) CSI R knee 2) prolotherapy if no relief
1. Kenalog today 2. Prolotherapy next
Dr. Lee prefers prolotherapy but pt wants steroid today.
Dr. Lee does prolotherapy. Steroid today.
Prolo R knee 3/2/24: 20% relief. CSI today.""".splitlines()

#: Names that order the service, with what clinicians and desks write beside it.
NAMES = """Prolotherapy R knee per Dr. Ivanova, ok to double book|Prolo L shoulder w/ Dr. K
Prolotherapy (ordered by Dr. Nowak NP) R ankle|Please add patient to prolo schedule, R knee|Add to prolo list R knee
Next prolo R shoulder|Continue prolotherapy series, lumbar|Restart prolotherapy R SI|Prolotherapy R knee - bill to WC
Prolotherapy R ankle, WC claim #44-3321|Prolo for R knee OA, KL2|Prolotherapy for tennis elbow
prolotherapy for low back pain|Prolotherapy - chronic neck pain after MVA 2023|Prolotherapy for whiplash
Prolotherapy for hypermobility, multiple joints|Prolotherapy R knee under local|Prolotherapy 3 sites
Prolotherapy (2 areas)|Prolotherapy low back and R hip|Prolo: R knee, R ankle|Prolotherapy: knee (R), 3 visits
Prolotherapy #1 - R knee|Prolo inj #3/3 L elbow|Initial prolotherapy R thumb|Prolo, 1st visit, thumb
Prolotherapy, follow-up injection, R knee|Prolotherapy maintenance L SI q6mo|Prolo booster R SI
Prolotherapy touch-up R AC|Prolotherapy w/ P2G lumbar|Prolotherapy 12.5% dextrose L knee x 3 q 4 wks
Dextrose prolo 25% IA + 15% EA R knee|dextrose prolotherapy to MCL, R|Prolo - multiple joints
prolotherapy, see diagram|Prolotherapy, sites per diagram|Prolotherapy per note|Prolotherapy as discussed
Prolotherapy today|Prolotherapy now please|Prolotherapy next visit|Schedule prolo next month|Prolotherapy in 2 weeks
Prolotherapy in May|Prolo 5/6 930|Prolotherapy, 45 min appt|Prolotherapy, long appointment
Prolotherapy L knee, pt anxious|Prolotherapy R knee, needle phobic|Prolotherapy R knee, latex allergy
Prolotherapy R knee. Diabetic|Prolotherapy R knee, on Eliquis
Prolotherapy R knee - on blood thinner, ok per cardiology|Prolotherapy L knee s/p meniscectomy 2019
Prolotherapy R ankle s/p sprain|Prolotherapy L shoulder post dislocation|Prolotherapy s/p MVA neck
Prolo R hip, labral tear on MRI|Prolotherapy R shoulder, partial RTC tear|Prolotherapy R elbow, MRI confirmed tear
Prolotherapy L ankle, failed PT|Prolotherapy after failed conservative care, R knee
Prolotherapy R knee, wants to avoid TKA|Prolotherapy L knee, no relief w/ steroid
Prolotherapy L knee instead of steroid|Prolotherapy rather than steroid, L elbow
Prolotherapy R knee, declined steroid|Prolotherapy (self-pay, no insurance)|Prolotherapy R knee - ABN obtained
Prolotherapy R knee - cash pay, $300|Prolotherapy R knee - prior auth not needed|Prolotherapy R knee - auth #A1234567
Prolotherapy R knee - approved thru 12/31|Prolotherapy R knee, ICD M17.11|Prolotherapy dx M53.3
M0076 - prolotherapy R SI|Prolotherapy x1|Prolotherapy x 3|3 prolo sessions R knee
Six prolotherapy treatments, low back|1 prolotherapy treatment R ankle|Prolo tx|Prolo inj|Prolo proc
Prolotherapy procedure|Prolotherapy treatment|Prolotherapy session|Prolotherapy injections|Prolotherapy injection(s)
Regenerative injection: prolotherapy R knee|Regen med - prolo - R knee|Pain procedure: prolotherapy
Ortho procedure - prolotherapy R knee|OMM clinic prolotherapy SI|FM procedure clinic: prolo R knee
Injection: prolotherapy - R knee|INJ-PROLO R KNEE|PROLO_KNEE_RT|PROLOTHERAPY-SPINE|Prolo/RIT R SI
Sclerotherapy (prolo) SI ligaments|Proliferative therapy (prolotherapy) L knee|Proloterapia hombro
Proloterapia #2 rodilla izq|Sesión de proloterapia, tobillo|Cita para proloterapia rodilla derecha
Proloterapia lumbar con dextrosa 15%|Tratamiento con proloterapia de rodilla
Infiltraciones de proloterapia, rodilla bilateral|Proloterapia por gonartrosis|Proloterapia para dolor lumbar
Aplicar proloterapia en hombro derecho|Continuar proloterapia sesión 3|prolotherapy R kne|prolotherpy L sholder
Prolothrapy R hip|Prolo R knee 2/2 OA|Prolo R knee d/t OA|Prolo L ankle b/c chronic sprains
Prolotherapy R knee, pls call pt to schedule|Prolotherapy R knee - call pt w/ time|Prolotherapy R knee, pt will call
Prolotherapy R knee, pt to schedule at checkout|Prolotherapy R knee, schedule after 4/1
Prolotherapy R knee, not before 4/1|Prolotherapy R knee before 6/1|Prolotherapy R knee, must be before deployment
Prolotherapy R knee, no rush|Prolotherapy R knee, urgent|Prolotherapy R knee, routine|Prolotherapy R knee, STAT
Prolotherapy R knee - labs ok|Prolotherapy R knee - UPT neg|Prolotherapy R knee - consent in chart
Prolotherapy R knee; interpreter (Spanish)|Prolotherapy R knee, bring MRI CD|Prolotherapy R knee w/ US, no sedation
Prolotherapy R knee, PO valium ok""".replace("\n", "|").split("|")


@pytest.mark.parametrize("name", ["Injection procedure", "Joint injection R knee", "See note"])
def test_a_note_says_in_many_words_that_the_service_is_ordered(name: str, rules: Rules) -> None:
    assert [note for note in ORDERING if _strength(rules, name, note) not in SURE] == []


@pytest.mark.parametrize("name", ["Injection procedure", "Joint injection R knee", "See note"])
def test_a_note_that_only_speaks_of_the_service_does_not_order_it(name: str, rules: Rules) -> None:
    assert [note for note in SPEAKING if _strength(rules, name, note) in SURE] == []


def test_a_name_says_with_much_beside_it_that_the_service_is_ordered(rules: Rules) -> None:
    assert [text for text in NAMES if _strength(rules, text) not in SURE] == []
