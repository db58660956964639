"""Orders near the service: names and notes in which prolotherapy stands and another thing is ordered.

Written when the list of plain words had grown: words that say nothing behind the service ("marching band", "WBAT",
"tolerated well") may be what is ordered before it, or make another thing of its name.
"""

import pytest

from cds_hooks.rules.loading import Rules
from tests.order_texts.figures import SURE
from tests.order_texts.test_look_alikes import _strength

NAMES = """No NSAIDs prolotherapy R knee|Pain med prolotherapy|Pain meds prolotherapy|No NSAIDs, prolotherapy R knee
NSAIDs prolotherapy R knee|Stop NSAIDs prolotherapy R knee|Tylenol ok prolotherapy R knee
No ibuprofen prolotherapy R knee|No driving prolotherapy R knee|No lifting prolotherapy low back
No running, prolotherapy R knee|No swimming prolotherapy|No work prolotherapy|Ice only prolotherapy R knee
Driver prolotherapy R knee|Driver, prolotherapy R knee|Need driver prolotherapy|Ride home prolotherapy
Transport - prolotherapy R knee|Medical transport prolotherapy|Uber health prolotherapy
Wheelchair transport prolotherapy L hip|Consent prolotherapy R knee|Prolotherapy R knee consent
Verbal consent prolotherapy R knee|Written consent - prolotherapy L SI|Consented prolotherapy R knee form
Signed form prolotherapy R knee|Form, prolotherapy R knee|R/O infection prolotherapy R knee
r/o septic joint, prolotherapy R knee|R/o DVT prolotherapy R calf|rule out tear prolotherapy R shoulder
R/O fx prolotherapy L foot|eval for prolotherapy R knee|Eval R knee prolotherapy|Evaluate R knee for prolotherapy
assess R knee for prolotherapy|Candidate for prolotherapy R knee|Referral for prolotherapy eval R knee
Refer for prolotherapy R knee eval|Referred to Dr Lee for prolotherapy|Referred for prolotherapy R knee
Refer Dr Lee prolotherapy R knee|MRI R knee prolotherapy|MRI after prolotherapy R knee|Post prolotherapy MRI
MR R knee prolotherapy|CT R hip prolotherapy|XR R knee prolotherapy|Plain films R knee prolotherapy
Films, prolotherapy R knee|Knee films 3 views prolotherapy|Diagnostic ultrasound R knee prolotherapy
Limited ultrasound R knee, prolotherapy|Complete US R shoulder, prolotherapy|US R knee limited - prolotherapy
Standing films R knee, prolotherapy|PT after prolotherapy R knee|PT prolotherapy R knee|PT 2x/wk prolotherapy
PT and prolotherapy R knee|P.T. prolotherapy R knee|Physio prolotherapy R knee|OT prolotherapy R hand
Hand therapy prolotherapy R thumb|Aqua therapy prolotherapy|Therapy prolotherapy R knee|TDN R knee prolotherapy
TDN, prolotherapy R knee|OMT prolotherapy low back|CMT prolotherapy neck|MFR prolotherapy neck|MT R knee prolotherapy
Joint mobilization prolotherapy R knee|Water walking prolotherapy R knee|Walking program prolotherapy R knee
Gait training prolotherapy|Trial enrollment prolotherapy|Trial prolotherapy R knee arm A|Prolotherapy arm
Prolotherapy arm R knee trial|Study arm prolotherapy|Arm A prolotherapy|Control arm prolotherapy R knee
Phase 2 prolotherapy|Phase II prolotherapy R knee|Prolotherapy phase 3|Enrolled prolotherapy RCT
Randomized to prolotherapy R knee|Screening prolotherapy trial|Records request prolotherapy R knee
Request records prolotherapy|Prolotherapy R knee request for records|Scanned prolotherapy R knee
Prolotherapy R knee scanned|Old prolotherapy note R knee|Outside prolotherapy R knee
Outside records prolotherapy R knee|Billing prolotherapy R knee|Bill prolotherapy R knee|Prolotherapy R knee billed
Cash price prolotherapy|Prolotherapy cost R knee|Self pay quote prolotherapy R knee|Payment prolotherapy R knee
Charge prolotherapy R knee|Prolotherapy modifier RT|Prolotherapy modifiers|Is prolotherapy covered
Is prolotherapy covered by Aetna|Does Aetna cover prolotherapy|Prolotherapy covered by Medicare|Cover prolotherapy
Prolotherapy not covered|Prolotherapy coverage R knee|Prolotherapy limits Aetna|Pre-op prolotherapy R knee
Preop prolotherapy|Pre op clearance prolotherapy R knee|Clearance prolotherapy R knee
Pre-procedure labs prolotherapy R knee|Pre procedure visit prolotherapy R knee|Pre visit prolotherapy R knee
CMP prolotherapy R knee|CMP - prolotherapy R knee|CMP, prolotherapy|CMP prolotherapy|RF prolotherapy R hand
RF, prolotherapy|Free T4 prolotherapy|T4 level prolotherapy|Free T4 level, prolotherapy R knee
Glucose level prolotherapy|POC glucose prolotherapy|POC glucose, prolotherapy R knee|Random glucose prolotherapy
Glucose, prolotherapy|Zinc level prolotherapy|Sodium level, prolotherapy|Bicarb level prolotherapy R knee
D3 level prolotherapy|Zinc 50 mg prolotherapy R knee|Zinc daily, prolotherapy R knee|Manganese level|CK prolotherapy
POC INR prolotherapy|PT/INR prolotherapy|PT INR prolotherapy R knee|PTT prolotherapy|Hgb prolotherapy
Preg test prolotherapy|Urine prolotherapy|UA prolotherapy|OPAT prolotherapy|OPAT prolotherapy R knee|EPO prolotherapy
ANA prolotherapy|Knee pads prolotherapy R knee|Knee pad, prolotherapy R knee|Heel pads prolotherapy
Heel pads, prolotherapy plantar fascia|Pads prolotherapy|Band prolotherapy R knee|Patellar band prolotherapy R knee
Exercise band prolotherapy R shoulder|Resistance bands prolotherapy|Bands prolotherapy R shoulder
Compression band prolotherapy|Compression prolotherapy R knee|Compression R knee - prolotherapy
Wrist splints prolotherapy|Splints prolotherapy R wrist|Splints, prolotherapy|Night guard prolotherapy TMJ
Night guard, TMJ prolotherapy|Guard prolotherapy TMJ|Walking poles prolotherapy|Walking poles, prolotherapy R knee
Poles prolotherapy R knee|Ball prolotherapy|Exercise ball prolotherapy low back|Therapy ball prolotherapy
Stability ball, prolotherapy lumbar|Probe prolotherapy|Probe cover prolotherapy|Sterile probe cover, prolotherapy
Sterile water prolotherapy|Sterile pads prolotherapy|Chlorhexidine prolotherapy
Chlorhexidine wash prolotherapy R knee|Betadine prolotherapy|EMLA prolotherapy R knee|EMLA, prolotherapy R knee
EMLA 2.5% prolotherapy|Lidocaine 5% prolotherapy R knee|Lidocaine patch prolotherapy
Lidocaine 4% topical, prolotherapy R knee|Ethyl chloride prolotherapy|Ethyl chloride, prolotherapy R knee
Zinc oxide prolotherapy|Psyllium prolotherapy|Psyllium daily prolotherapy|Tuohy needle prolotherapy
Water, prolotherapy|Cold pack prolotherapy|Cold prolotherapy R knee|Cold compression R knee prolotherapy
Cold and compression, prolotherapy R knee|Wedge prolotherapy|Heel lift prolotherapy|Heel cups prolotherapy
Heel cup, prolotherapy plantar fascia|Boot prolotherapy R ankle|Walking boot prolotherapy|Cast prolotherapy R ankle
Tape prolotherapy|Support prolotherapy R knee|Knee support prolotherapy|Back support, prolotherapy
SI band prolotherapy|SI belt prolotherapy|Wrap prolotherapy R knee|Ace wrap prolotherapy|Cushion prolotherapy coccyx
Donut prolotherapy coccyx|Pillow prolotherapy neck|Neck pillow prolotherapy|Table prolotherapy|Pumice prolotherapy
Compression bands, prolotherapy R leg|Well visit prolotherapy|Well woman visit prolotherapy|Well check, prolotherapy
Well child prolotherapy|Annual visit prolotherapy|Annual physical prolotherapy|Annual visit, prolotherapy R knee
Annual, prolotherapy R knee|Secondary visit prolotherapy|Doctor visit prolotherapy R knee|Pain visit prolotherapy
Team visit prolotherapy|Pain secondary to prolotherapy|R knee pain secondary to prolotherapy
R knee swelling secondary to prolotherapy|Swelling R knee secondary to prolotherapy|R knee stiffness 2/2 prolotherapy
R knee pain with prolotherapy|Increased pain with prolotherapy R knee|Pain worse with prolotherapy R knee
Pain flare with prolotherapy R knee|R knee flare with prolotherapy|Worsening with prolotherapy R knee
R knee pain worse since prolotherapy|Improved with prolotherapy R knee|Good relief with prolotherapy R knee
Improvement with prolotherapy R knee|Better with prolotherapy R knee|Responding well to prolotherapy R knee
Responding to prolotherapy|Good response prolotherapy R knee|Treated with prolotherapy R knee
R knee treated with prolotherapy|Injected R knee prolotherapy|R knee injected with prolotherapy
Pain relief with prolotherapy R knee|Pain controlled with prolotherapy R knee|Knee effusion from prolotherapy
Knee pain from prolotherapy|Soreness from prolotherapy R knee|Sore with prolotherapy R knee
Post-injection soreness prolotherapy R knee|Infection R knee prolotherapy|Prolotherapy R knee infection
Prolotherapy R knee flare|Prolotherapy flare|Prolotherapy flare R knee|Prolotherapy soreness|Prolotherapy pain
Prolotherapy reaction R knee|Prolotherapy R knee, tolerated well|Prolotherapy R knee tolerated well
Tolerated prolotherapy R knee well|Prolotherapy R knee well tolerated|Prolotherapy R knee healing well
Prolotherapy R knee - improved|Prolotherapy R knee, much improved|Prolotherapy R knee, now asymptomatic
Prolotherapy R knee doing well|Doing well with prolotherapy R knee|Receiving prolotherapy R knee
Undergoing prolotherapy R knee|Pt undergoing prolotherapy R knee|Patient receiving prolotherapy
Contact precautions prolotherapy|Contact isolation prolotherapy|Contact pt prolotherapy|Contact Dr Lee prolotherapy
Prolotherapy contact|Contact lens prolotherapy|Call patient, prolotherapy|Called pt prolotherapy R knee
Call back prolotherapy|Meet with Dr Lee prolotherapy|Team meet prolotherapy|Team meeting prolotherapy
Prolotherapy team|Prolotherapy department|Prolotherapy dept|Prolotherapy division|Prolotherapy center
Prolotherapy desk|Prolotherapy staff|Prolotherapy doctor|Prolotherapy doctor R knee|Prolotherapy provider
Prolotherapy fellow|Prolotherapy fellows|Prolotherapy attending|Prolotherapy resident|Prolotherapy residents
Prolotherapy instructor|Prolotherapy academy|Prolotherapy league|Prolotherapy event|Prolotherapy book
Prolotherapy book for patient|Prolotherapy track|Prolotherapy method|Prolotherapy pads|Prolotherapy band
Prolotherapy water|Prolotherapy probe|Prolotherapy EMLA|Prolotherapy compression|Prolotherapy table|Prolotherapy form
Prolotherapy forms|Prolotherapy reqs|Prolotherapy index|Prolotherapy limits|Prolotherapy trainer|Prolotherapy coach
Prolotherapy driver|Prolotherapy med|Prolotherapy meds|Prolotherapy pain med|Prolotherapy chart|Prolotherapy line
Prolotherapy scan|Prolotherapy section|Prolotherapy menu|Prolotherapy template|Prolotherapy list
Prolotherapy orders set|Prolotherapy order set|Prolotherapy program|Prolotherapy diet|Prolotherapy GME
GME prolotherapy|GME session prolotherapy|CME prolotherapy|Prolotherapy CME|Resident session prolotherapy
Fellows session prolotherapy|Teaching session prolotherapy|Fellow training prolotherapy|Cadaver session prolotherapy
Academy prolotherapy session|Education session prolotherapy|Patient education prolotherapy R knee
Family ed prolotherapy|Family prolotherapy R knee|Caregiver prolotherapy R knee|Caregiver training prolotherapy
Spouse prolotherapy R knee|Athletic trainer prolotherapy R knee|Trainer visit prolotherapy
Trainer prolotherapy R knee|Coach prolotherapy|Health coach prolotherapy|Nurse prolotherapy R knee
RN visit prolotherapy|RN call prolotherapy|RN check prolotherapy R knee|MA visit prolotherapy|MD visit prolotherapy
PA visit prolotherapy R knee|NP visit prolotherapy|Fellow visit prolotherapy|Med refill prolotherapy
Med check prolotherapy|Med change prolotherapy|Med rec prolotherapy|Pain med refill prolotherapy R knee
Pain med check, prolotherapy|Pain med 1 week prolotherapy R knee|Pain med R knee prolotherapy
Pain med, R knee prolotherapy|Pain med - prolotherapy|Pain rx prolotherapy|Rx pain prolotherapy
Rx pain med prolotherapy|Rx 30 tabs prolotherapy|Tabs prolotherapy|Activity limits prolotherapy R knee
Activity as tolerated prolotherapy R knee|Activity as tolerated, prolotherapy R knee
Limited activity prolotherapy R knee|No activity prolotherapy|WBAT prolotherapy R ankle|WBAT R ankle, prolotherapy
NWB R ankle, prolotherapy|NWB prolotherapy R ankle|FWB R ankle prolotherapy
Weight bearing as tolerated, prolotherapy R knee|Rest R knee prolotherapy|Rest, prolotherapy R knee
Rest 3 days prolotherapy R knee|Time off prolotherapy|Time off 3 days prolotherapy R knee|Off duty prolotherapy
Light duty prolotherapy R knee|Limited duty prolotherapy R knee|LIMDU prolotherapy R knee
LIMDU 90 days, prolotherapy R knee|No PT test prolotherapy|Profile prolotherapy R knee
Temporary profile, prolotherapy R knee|No deployment prolotherapy R knee|Nondeployable prolotherapy R knee
PCS hold prolotherapy|School prolotherapy|Sports physical prolotherapy|Return to sport prolotherapy R knee
Return to play prolotherapy R ankle|Return to duty prolotherapy R ankle|RTP R ankle prolotherapy
Clear to play prolotherapy R knee|Return to work prolotherapy R knee|Weight loss prolotherapy
Weight check prolotherapy|Weight prolotherapy R knee|Water PT prolotherapy|Sleep study prolotherapy
BMI check prolotherapy|NPO prolotherapy R knee|NPO midnight prolotherapy|Light meal prolotherapy
Regular diet, prolotherapy|Eat prolotherapy|Fall precautions prolotherapy|Fall risk prolotherapy
Safety prolotherapy R knee|Fall safety prolotherapy|Vitals prolotherapy|Pain score prolotherapy
Pain level prolotherapy|Pain level check prolotherapy R knee|Pain scale prolotherapy|Pain diary prolotherapy
Observe 30 min prolotherapy|Observe prolotherapy R knee|Monitor prolotherapy R knee
Monitor 30 minutes prolotherapy R knee|Midline placement prolotherapy|Line placement prolotherapy
Midline insertion, prolotherapy|IV line prolotherapy|IV start prolotherapy|Port flush prolotherapy
IV fluid prolotherapy|Oxygen prolotherapy|Femoral nerve prolotherapy|Femoral block, prolotherapy R knee
Sciatic block prolotherapy|Sinus CT prolotherapy|Skull xr prolotherapy|Sural nerve prolotherapy
Tibial nerve stim prolotherapy|Spinal cord stim prolotherapy|Muscle stim prolotherapy|Stimulation prolotherapy R knee
Electrical stimulation prolotherapy R knee|Bone stim prolotherapy|Bone stimulation prolotherapy
Cord stimulation prolotherapy|Ligament reconstruction prolotherapy R knee|ACL reconstruction prolotherapy
ACL reconstruction, prolotherapy R knee|Ligament tightening prolotherapy|Regenerative cell prolotherapy
Regenerative concentrate R knee prolotherapy|Concentrate injection R knee, prolotherapy|Bone concentrate prolotherapy
Concentrate R knee prolotherapy|Water injection, prolotherapy|Trigger points prolotherapy
Trigger point inj, prolotherapy|TPI prolotherapy|B12 prolotherapy|Nerve injection prolotherapy
Vein injection prolotherapy|Leg vein prolotherapy|Vein prolotherapy R leg|Diagnostic injection prolotherapy R hip
Diagnostic lidocaine injection R SI joint prolotherapy|Diagnostic SI joint injection prolotherapy|Family prolotherapy
Mother prolotherapy|Daughter prolotherapy R knee|Prolotherapy R knee daughter|Prolotherapy R knee mother
Prolotherapy R knee brother|Prolotherapy R knee his dog|Equine prolotherapy R hock|Veterinary prolotherapy
Dog prolotherapy|Denied prolotherapy R knee|Appeal prolotherapy R knee|Prolotherapy R knee denied Aetna
PA prolotherapy R knee|PA needed prolotherapy R knee|PA request prolotherapy R knee
Prior authorization prolotherapy R knee|Auth prolotherapy R knee|Auth request prolotherapy R knee
Precert prolotherapy R knee|Pre-cert prolotherapy|Benefits prolotherapy|Verify benefits prolotherapy R knee
Insurance prolotherapy R knee|Insurance verification prolotherapy|Check Aetna prolotherapy|Call Aetna prolotherapy
Medicare ABN prolotherapy R knee|ABN prolotherapy R knee|Good faith estimate prolotherapy R knee
GFE prolotherapy R knee|Waiver prolotherapy R knee|Prolotherapy R knee waiver|Superbill prolotherapy R knee
Rodillera proloterapia rodilla|Rodillera, proloterapia rodilla derecha|Férula proloterapia muñeca
Faja proloterapia lumbar|Faja lumbar, proloterapia|Reposo proloterapia|Reposo 3 dias proloterapia rodilla
Control proloterapia|Control post proloterapia|Seguimiento proloterapia rodilla|Visita control proloterapia
Cita control proloterapia|Receta proloterapia|Terapia fisica proloterapia|Ejercicios proloterapia
Consulta proloterapia|Educacion proloterapia|Consentimiento proloterapia|Ecografia rodilla proloterapia
Ecografía rodilla, proloterapia|Ecografía de rodilla derecha, proloterapia|Resonancia proloterapia
Radiografia proloterapia|Placa rodilla proloterapia|Laboratorio proloterapia|Glucosa, proloterapia
Dolor por proloterapia|Dolor con proloterapia rodilla|Dolor rodilla por proloterapia|Mejoria con proloterapia
Mejor con proloterapia rodilla|Tratado con proloterapia rodilla|Inyectado con proloterapia
Artrosis tratada con proloterapia|Evaluación proloterapia|Valorar proloterapia|Infiltracion corticoide proloterapia
Plantilla proloterapia|Plantillas, proloterapia fascia plantar|Bastón proloterapia|Taxi proloterapia
Transporte proloterapia|Médico de proloterapia|Doctor de proloterapia|Doctor proloterapia rodilla
Equipo de proloterapia|Prolotherapy R knee photos|Prolotherapy R knee video|Prolotherapy lecture R knee anatomy
Prolotherapy R knee simulation|Prolotherapy teach R knee|Prolotherapy R knee audit|Prolotherapy R knee survey
Prolotherapy R knee teaching|Prolotherapy R knee precert|Prolotherapy R knee denial|Prolotherapy R knee peer to peer
Prolotherapy R knee op note|Prolotherapy R knee dictation|Prolotherapy R knee addendum|Prolotherapy R knee coding
Prolotherapy R knee claim|Prolotherapy R knee EOB|Prolotherapy R knee refund|Prolotherapy R knee ice pack
Prolotherapy R knee aftercare|Prolotherapy R knee post care|Prolotherapy R knee post procedure visit
Prolotherapy R knee post check|Prolotherapy R knee check|Prolotherapy R knee recheck 2 weeks
Prolotherapy R knee f/u 2 weeks|Prolotherapy R knee follow up 2 weeks|Prolotherapy R knee outcome
Prolotherapy R knee result|Prolotherapy R knee response|Prolotherapy R knee review|Prolotherapy R knee discuss
Prolotherapy R knee options|Prolotherapy R knee info|Prolotherapy R knee ?|Prolotherapy R knee vs HA
Prolotherapy R knee or HA|Prolotherapy R knee research|Prolotherapy R knee placebo|Prolotherapy R knee sham
Prolotherapy R knee blinded|Prolotherapy R knee registry|Prolotherapy R knee complication|Prolotherapy R knee fever
Prolotherapy R knee cellulitis|Prolotherapy R knee sepsis|Prolotherapy R knee hematoma|Prolotherapy R knee bleeding
Prolotherapy R knee pneumothorax|Prolotherapy rib pneumothorax|Prolotherapy R knee kit|Prolotherapy R knee syringes
Prolotherapy R knee drape|Prolotherapy R knee gauze|Ultrasound tech prolotherapy R knee
Ultrasound machine, prolotherapy R knee|Room prolotherapy R knee|Reserve room prolotherapy
Set up prolotherapy R knee tray|Setup prolotherapy|Stock prolotherapy|Order dextrose prolotherapy stock
Dextrose vial prolotherapy|Dextrose 50% vial, prolotherapy R knee|Dextrose 50% 50 mL x2, prolotherapy supply
Dextrose supply prolotherapy|Lido vial prolotherapy R knee|Lidocaine 1% vial prolotherapy R knee
Syringe 10 mL prolotherapy|10 mL syringes, prolotherapy|25 ga needles prolotherapy|27g needle prolotherapy R knee
Gloves prolotherapy|Sterile gloves prolotherapy R knee|Drape prolotherapy R knee|Sharps prolotherapy
Bone density prolotherapy|Bone age prolotherapy|Bone scan prolotherapy R knee|Joint survey prolotherapy
Spine survey prolotherapy|Spine series prolotherapy|Cervical spine series, prolotherapy
Flexion extension views prolotherapy neck|Flex ext views, prolotherapy cervical
Weight bearing views R knee prolotherapy|Standing AP lateral R knee, prolotherapy
AP lateral R knee, prolotherapy R knee|AP and lateral R knee prolotherapy|2 views R knee prolotherapy
3 view R ankle, prolotherapy|R knee 3 views, prolotherapy|Oblique lumbar spine, prolotherapy
Lumbar spine complete, prolotherapy|R knee complete, prolotherapy|Cone beam TMJ prolotherapy
Panoramic prolotherapy TMJ|Long leg standing, prolotherapy R knee|Sunrise R knee, prolotherapy
Merchant view prolotherapy R knee|Scanogram prolotherapy|Home exercises prolotherapy R knee
Stretching prolotherapy R hamstring|Strengthening prolotherapy R knee|Quad strengthening prolotherapy R knee
Core strengthening, prolotherapy low back|Range of motion prolotherapy R knee|ROM R knee prolotherapy
ROM R knee, prolotherapy|Traction cervical prolotherapy|Cervical traction, prolotherapy|Manual therapy, prolotherapy
Swim therapy prolotherapy|Bike prolotherapy R knee|Stationary bike prolotherapy R knee|Elliptical prolotherapy
Running form prolotherapy R knee|Gait eval prolotherapy R hip|Functional capacity prolotherapy
Functional movement screen prolotherapy|Work hardening prolotherapy|Work conditioning, prolotherapy low back
Posture prolotherapy neck|Ergonomic eval prolotherapy neck|Sit stand desk prolotherapy
Standing desk prolotherapy low back|Standing desk, prolotherapy lumbar|Desk prolotherapy lumbar
Chair prolotherapy low back""".replace("\n", "|").split("|")

#: Near what was learnt later: clinicians, numbers that refer, bounds in time, polite orders.
MORE_NAMES = """Dr. Lee note prolotherapy R knee|Dr Lee records prolotherapy|Dr. Lee referral prolotherapy R knee
Per Dr. Lee: MRI then prolotherapy R knee|Per Dr Lee no prolotherapy|Per Dr. Lee: hold prolotherapy
Per Dr Lee: PT before prolotherapy|VORB Dr Lee: cancel prolotherapy|VORB Dr Lee: tramadol after prolotherapy
Dr Lee follow up prolotherapy R knee|Dr Lee visit prolotherapy questions|Call Dr Lee re prolotherapy
Dr Lee signature prolotherapy R knee|Dr Lee signature needed prolotherapy R knee|Fax Dr Lee prolotherapy R knee
Dr Lee dictation prolotherapy|Dr Lee callback prolotherapy|Dr Lee lunch talk prolotherapy|Dr Lee CME prolotherapy
Prolotherapy R knee labs|Prolotherapy R knee, labs|Prolotherapy R knee, labs pending|Prolotherapy R knee, labs today
Prolotherapy R knee, MRI|Prolotherapy R knee (MRI)|Prolotherapy R knee, UA|Prolotherapy R knee, tylenol
Prolotherapy R knee, tramadol 50|Prolotherapy R knee on hold|Prolotherapy R knee, on hold until 4/1
Prolotherapy R knee - hold til May|Prolotherapy R knee not until cleared|Prolotherapy R knee not until MRI
Prolotherapy R knee by Dr Smith 2023|Prolotherapy R knee in 2022|Prolotherapy R knee before MRI
Prolotherapy R knee after surgery|Prolotherapy R knee after TKA|Prolotherapy in June 2023 R knee
Prolotherapy R knee on 3/2/24, MRI|Prolotherapy R knee done by 4/1|Prolotherapy R knee done in May
Prolotherapy R knee completed in May|Prolotherapy R knee no later|Prolotherapy R knee: no
Prolotherapy R knee, no work|Prolotherapy R knee work note|Prolotherapy R knee, no school note
Prolotherapy R knee hold surgery clearance|Prolotherapy R knee no driver consent
Prolotherapy R knee claim 12345 appeal|Claim 12345 prolotherapy R knee|Claim #12345: prolotherapy R knee
Case 55512 prolotherapy R knee|Ticket 4411 prolotherapy R knee|Auth 99213 prolotherapy|Ref 12345 prolotherapy appeal
Prolotherapy R knee denied claim 12345|Prolotherapy R knee bill 12345|Prolotherapy MRN 12345 records
Prolotherapy R knee #29881|Prolotherapy CPT 29881|99213 prolotherapy|Prolotherapy code 20610 denied
Could we get prolotherapy records|Could you call re prolotherapy R knee|Can we discuss prolotherapy R knee
Can we get an MRI for prolotherapy R knee|Could we get a brace for prolotherapy R knee
Would you please review prolotherapy R knee|Could you please sign prolotherapy form R knee
Can you send prolotherapy info|Ready for prolotherapy R knee?|Restart PT after prolotherapy R knee
Restart NSAIDs after prolotherapy|Restart naproxen prolotherapy R knee|Resume NSAIDs prolotherapy R knee
Resume running prolotherapy R knee|Agreed prolotherapy not indicated|Agree prolotherapy R knee no benefit
Add to prolo list MRI R knee|Patient of Dr Smith prolotherapy failed|Joint or ligament injury prolotherapy failed
R or L knee MRI prolotherapy|Referred by Dr Smith for prolotherapy consult|Ref'd by Dr Chu: eval prolotherapy
Referred by Dr Chu, prolotherapy R knee ?|Ref by ortho, prolotherapy eval R knee|Procedure only if prolotherapy fails
Injection only, no prolotherapy|Consult done, prolotherapy not recommended R knee
Consult completed prolotherapy declined|No order for prolotherapy|No code for prolotherapy R knee billing
No insurance prolotherapy quote|Approved thru 12/31 prolotherapy appeal|What: MRI. Where: R knee after prolotherapy
What: brace after prolotherapy|When: prolotherapy done|Who: Dr Lee consult prolotherapy
Next step: consult for prolotherapy|Doing: PT, prolotherapy later|To do: prolotherapy records
To do: call re prolotherapy|PT. Prolotherapy R knee failed|Scopes R knee prolotherapy failed
García prolotherapy records|Garcia consult prolotherapy|Lee, prolotherapy question|Prolotherapy (Lee) consult
Prolotherapy (Garcia) records|Prolotherapy R knee (Lee) f/u|Smith prolotherapy handout
Prolotherapy L bracelet|Prolotherapy R watch|Prolotherapy to residents|Prolotherapy to fellows L""".replace(
    "\n", "|"
).split("|")

#: The name of an order, and its note.
NOTES = """Knee pads >> prolotherapy R knee
Walking poles >> prolotherapy R knee
CMP >> prolotherapy R knee
POC glucose >> prolotherapy R knee today
Wrist splints >> Prolotherapy R wrist
Night guard >> prolotherapy TMJ bilat
Pain med >> prolotherapy R knee
Pain meds >> prolotherapy R knee
Weight bearing as tolerated >> prolotherapy R ankle
RTC 2 weeks >> prolotherapy R knee
Recheck 4 weeks >> prolotherapy R knee
F/U 2 weeks >> prolotherapy R knee #1 done
Follow up 6 wks >> prolotherapy L SI
No NSAIDs >> prolotherapy R knee
Activity limits >> prolotherapy R knee
Activity >> prolotherapy R knee
OPAT >> prolotherapy R knee
RF >> prolotherapy R hand
Rest >> prolotherapy R knee
Athletic trainer >> prolotherapy R knee
Coach >> prolotherapy R knee
Contact >> prolotherapy R knee
Cover >> prolotherapy R knee
Compression >> prolotherapy R leg
Sterile water >> prolotherapy R knee
Zinc >> prolotherapy R knee
Water >> prolotherapy
Betadine >> prolotherapy R knee
US R knee >> prolotherapy R knee
LIMDU >> prolotherapy R knee
Free T4 >> prolotherapy
Start prior auth >> prolotherapy R knee
Insurance does not cover >> prolotherapy
Bring films >> prolotherapy R knee
Procedure >> Responded well to prolotherapy R knee
Injection >> No relief from prolotherapy R knee
Injection >> R knee pain secondary to prolotherapy
Injection R knee >> good relief with prolotherapy R knee
Procedure >> s/p prolotherapy R knee, tolerated well
Procedure >> Prolotherapy R knee, tolerated well
Procedure >> Prolotherapy R knee done last week
Procedure >> Prolotherapy team will call
Injection >> R knee swelling with prolotherapy
Joint injection R knee >> Prolotherapy R knee 2022
Joint injection R knee >> prolotherapy R knee per old records
Procedure >> treated with prolotherapy R knee
Injection >> Referred for prolotherapy R knee
Procedure >> consider prolotherapy R knee
Procedure >> prolotherapy handout given
Procedure >> family hx: mother had prolotherapy R knee
Procedure >> asked about prolotherapy R knee
Injection >> prolotherapy not offered here
Injection >> prolotherapy elsewhere R knee
Injection >> prolotherapy R knee at outside clinic
Injection >> getting prolotherapy R knee with Dr Smith elsewhere
Injection R knee >> continues prolotherapy R knee with naturopath
Injection >> Getting prolotherapy L knee at another clinic
Joint injection >> kenalog today. prolotherapy next
Joint injection >> Steroid today, prolotherapy next month
Joint injection >> Kenalog 40 mg R knee. Prolotherapy R knee in 6 weeks
Joint injection >> Synvisc R knee. Prolotherapy R knee was too expensive
Joint injection >> PRP R elbow, prolotherapy R elbow failed
Procedure >> tenotomy R elbow; prolotherapy R elbow last year""".splitlines()

#: What may stand between such a word and the service.
BETWEEN = (" ", ", ", " - ", ": ", " R knee, ", " R knee ")

#: Orders for the service with the same words: behind its name they say nothing of another thing.
OWN = """Prolotherapy R knee, marching band|Prolotherapy L ankle, point guard, WBAT|Prolotherapy R IT band
Prolotherapy both feet, plantar plate|Prolotherapy L knee, superior pole of patella|Prolotherapy R shoulder, no NSAIDs
Prolotherapy R knee #2, tolerated #1 well|Prolotherapy R knee, session 3, responded well to first
Prolotherapy L SI joint, RTC 4 weeks|RTC 2 weeks for prolotherapy R knee|US guided R knee prolotherapy
R knee injection with prolotherapy|Start with prolotherapy R knee|Prolotherapy R knee, varsity wrestler
Prolotherapy R knee, OA secondary to trauma|Prolotherapy shin splints, bilateral|Prolotherapy R knee, sterile water diluent
Prolotherapy R hand, RA|Prolotherapy lumbar, LIMDU|Proloterapia rodilla derecha con ecografía
Unlisted procedure - prolotherapy|Misc procedure, prolotherapy R knee|Unspecified injection (prolotherapy), L SI
Superior pole patella prolotherapy|Knee OA, prolotherapy R knee|Prolotherapy R knee, f/u 2 weeks""".replace(
    "\n", "|"
).split("|")


def test_a_name_for_something_near_the_service_is_not_answered_as_it(rules: Rules) -> None:
    assert len(NAMES) > 700
    assert [text for text in (*NAMES, *MORE_NAMES) if _strength(rules, text) in SURE] == []


@pytest.mark.parametrize("text", NOTES)
def test_a_note_that_tells_of_the_service_does_not_order_it(text: str, rules: Rules) -> None:
    name, _, note = text.partition(" >> ")

    assert _strength(rules, name, note) not in SURE


@pytest.mark.parametrize("between", BETWEEN)
def test_what_is_ordered_itself_before_the_service_is_never_taken_for_it(between: str, rules: Rules) -> None:
    heads = [head for head in rules.vocabulary.heads.heads if not head.endswith((",", "for"))]

    assert len(heads) > 200
    assert [head for head in heads if _strength(rules, f"{head}{between}prolotherapy") in SURE] == []


def test_a_name_of_such_words_leaves_nothing_to_a_note(rules: Rules) -> None:
    heads = [head for head in rules.vocabulary.heads.heads if not head.endswith((",", "for"))]

    assert [head for head in heads if _strength(rules, head, "prolotherapy R knee") in SURE] == []


def test_what_makes_another_thing_of_the_name_is_never_taken_for_the_service(rules: Rules) -> None:
    tails = (*rules.vocabulary.heads.compounds, *rules.vocabulary.heads.results)

    assert [tail for tail in tails if _strength(rules, f"Prolotherapy {tail}") in SURE] == []


@pytest.mark.parametrize("text", OWN)
def test_the_same_words_where_they_say_no_more_leave_the_order_as_it_is(text: str, rules: Rules) -> None:
    assert _strength(rules, text) in SURE


@pytest.mark.parametrize(
    ("note", "is_sure"),
    [
        ("Acupuncture - no. PRP - no. Prolotherapy - yes, L TMJ.", True),
        ("PRP: no. Ozone: no. Prolotherapy: yes, R knee.", True),
        ("Acupuncture: yes. PRP: no. Prolotherapy: no.", False),
        ("PRP, no prolotherapy.", False),
    ],
)
def test_what_a_list_answers_with_no_is_not_given(note: str, is_sure: bool, rules: Rules) -> None:
    assert (_strength(rules, "Today's treatments", note) in SURE) is is_sure


@pytest.mark.parametrize(
    ("note", "is_sure"),
    [
        ("Seen and examined w/ fellow. Agree w/ prolotherapy to the R sacrotuberous lig.", True),
        ("Dr Lee agrees w prolotherapy L SI, book it", True),
        ("Dr B wants her in for prolotherapy neck.", True),
        ("Her doctor wants her in for prolotherapy", False),
        ("Pt wants in for prolotherapy neck.", False),
        ("Does not agree with prolotherapy", False),
        ("I agree with prolotherapy in principle, not now", False),
        ("Family agrees prolotherapy might help", False),
    ],
)
def test_who_agrees_to_the_service_or_wants_somebody_in_for_it_orders_it(
    note: str, is_sure: bool, rules: Rules
) -> None:
    assert (_strength(rules, "Procedure", note) in SURE) is is_sure
