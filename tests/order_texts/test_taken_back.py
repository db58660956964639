"""What takes an order back, as clinicians and desks write it beside the service's name, and what only sounds so."""

import pytest

from cards.matching.match import Finding, Strength
from cds_hooks.rules.loading import Rules
from tests.order_texts.figures import answer

TAKEN_BACK = """Did this 8/3.
Did it already 4/2.
We did this one last Tuesday.
Already had this done at the VA.
Had it done elsewhere.
She got it done in Denver.
Meant to order PT.
Meant to put in MRI.
Clicked wrong one.
Clicked the wrong button.
Picked the wrong thing.
Hit the wrong one, meant CSI.
Never again per pt.
Drop ours.
Take this off.
Take off the books.
Please take off schedule.
Pull this order.
Pull it.
Scratch this.
Scrap this, doing PRP.
Nix this.
Kill this order.
Toss this order.
Trash this.
Forget this one.
Skip this one.
Never mind.
Nevermind, pt doing better.
No longer wants it.
Changed her mind.
Pt backed out.
Pt chickened out.
Pt bailed.
Cold feet.
Got cold feet, will think.
Can't do it now, lost her job.
Lost insurance.
Can't swing the cost.
Too much money for her.
Moved away.
Moved to Texas.
Pt died.
Pt deceased 3/2.
Passed away.
In hospice now.
In the hospital with pneumonia.
Admitted with sepsis.
Has COVID.
Has the flu, call back when better.
Broke out in shingles over the site.
Rash over the knee, wait.
Open sore on knee.
Having TKA in May instead.
Going with surgery.
Going to see ortho instead.
Feels fine now.
All better.
Pain gone.
No pain x 6 wks, doesn't need it.
Doesn't need this now.
Not needed anymore.
Don't need this.
Old order.
Old order, ignore.
Ignore.
Disregard, dup.
Double entry.
In twice.
Entered twice.
Someone already put this in.
Test order.
Training only.
Do not use.
Not this patient.
Wrong chart.
Not hers.
Belongs to her mom.
Waiting on MRI before we do this.
MRI first.
Need labs first.
Cardiology has to clear first.
Hold for now.
Holding off til spring.
Not this year.
Not yet.
He'll call when he's ready.
Will call us when ready.
Revisit in the fall.
Revisit later.
Talk again in 3 months.
On the back burner.
Let's wait.
Wait and see.
Insurance said no.
Not approved.
Denied x2.
Dr. retired, no one does these now.
We don't do these anymore.
Clinic closed.
MRI first, then we decide. Cancel this.
Order cancelled, entered under wrong pt.
Asked to be taken off the list.
Talked about risks, pt said no.
Declined.
Refused at check-in.
Was ready, changed mind.
Reconsidered and chose surgery.
Not covered, dropped it.
Insurance denied, dropped.
Can't afford.
Doing the steroid instead.
Got cortisone at ortho, better, cancel.
MRI: full tear, ortho to fix, stop this.
A1c 11, not until under 8.
Fever today, not done.
on hold per Dr
Put on hold, mother in hospital.
Wants to wait.
Stop.
Series stopped.
Done 3/3.
Completed at outside clinic.
Done elsewhere.
dup of 3/2 order
Remove.
delete this please
Voided, wrong side.
This is for her sister.
Entered by mistake.
I put this in by mistake.
Skip.
No longer wants.
Not interested.
She moved to Ohio.
No show x3, closed.
Order expired.
Attending does not agree, cancel.
Parents said no.
He died 3/1.
Inj cancelled.
Slot given away, pt cancelled.
Pull from schedule.
She already had this here 3/3.
Dr Patel did not sign off.
Declined.  Wants surgery.
Says no.
Wants to postpone.
Hold until MRI.
stop order
Discontinue.
Can we cancel this?
Not a candidate per Dr.
Contraindicated.
order d/c
Finished the series last week.
Pt is done with injections.
Done already.
Pt will call if she changes her mind.
Will call when she has money.
Waiting on cardiology.
Auth denied, closing.
Denied by Blue Cross, patient will not pay.
Closed by system.
Dropped per pt.
Expired.
Replaced with HA.
Same order as yesterday, entered twice.
Looks like a dup.
Disregard.
Active cellulitis.
Having surgery 5/5.
She called it off.
Pulled out at last minute.
Stopped after #2, no help.
Transferred care to VA.
Late cancel, does not wish to rebook.
Deployed, cancel.
Deceased.
Prolo #2 L SI. #1 made it worse. She is not coming back.
Was a good candidate. Now has a DVT. Not doing it.
Elbow better with strap. Does not want it any longer.
Neck: C4-6. MRI shows myelopathy. Referred to NS. Void.
Her last one was done by Dr Kim. She wants to follow him. Cancel with us.
R thumb CMC. Splint works, does not need injection.
Ordered on the wrong hip, redone as R. Ignore this one.
Pt's PCP called, platelets 40. Not safe. Cancelled.
Bumped twice, she got mad and went elsewhere.
Was scheduled for 6/2. On antibiotics for tooth. Postponed, no date.
He is deployed until March. Put on hold.
Pt asked us to cancel. Refund deposit.
Dr said not now, A1c 11. Recheck in 3 mo.
Pt cancelled, does not wish to r/s. Off the board.
Does not wish to proceed.
Pt called and cancelled it. Do not rebook.
Saw Dr Hall for second opinion, he talked her out of it.
Ranch sold, family relocating to Idaho next week. Pull it please.
Knee is fine since he quit roofing. Let's leave well enough alone.
Keep this parked till heme clears her platelets.
Put in under mom, belongs to the kid.
Found out Friday she's expecting. Everything elective waits.
Pharm flagged sulfite allergy with the lidocaine. Not going ahead.
She does not feel comfortable going forward.
Already got stuck by Dr Vance on the 4th for the same thing.
Wife says he is on the vent. Please take him off everything.
Signed in error while cleaning up my inbox.
We lost our ultrasound guy. Refer to Missoula and kill this.
Finished up with #3 yesterday, this 4th one isn't needed.
Cardiology called: new stent, no elective procedures for 6 months.
Consent withdrawn by patient 1/9.
Insurance ended and she can't do cash.
Discussed alternatives. She picks surgery.
Sugars over 400. Turned away. Needs endocrine first.
This belongs in the other Johnson's chart.
Clinic burned down lol, all orders void.
Surgery date moved up to Friday. No point in this now.
Plan of care ended, goals met. No more shots.""".splitlines()

#: Of another thing, of one of the family, or of what was before.
STANDING = """Did this last year on the left, now right.
Meant to come in Tuesday, coming Friday.
Never again wants cortisone.
Skip lunch.
Skip the gym.
Take off the brace before.
Take off work Friday.
Pull up a chair.
Forget-me-not.
Knee replaced on the other side in 2019.
R knee replaced 2019.
Moved the appt to Friday.
Moved up to 2pm.
Had PRP done elsewhere.
Had MRI done elsewhere.
No driver needed.
Doesn't need sedation.
Doesn't need an interpreter.
Ice first.
Numb first.
Lidocaine first.
Warm up first.
Mom died last year, under stress.
Husband deceased.
Wife is pregnant.
Brother has COVID, pt tested negative.
Cardiology cleared.
MRI done first, reviewed.
Denied fever.
Denies rash.
No open sores.
Had the flu in January.
Old injury.
Old ACL tear.
Feels fine after last one.
Waited a year for this.
Insurance said yes.
Insurance said no auth needed.
Can't do surgery.
Can't take NSAIDs.
Lost 20 lbs.
Changed her diet.
Changed jobs.
Wrong shoes made it worse.
Call when checked in.
Will call for a ride.
Revisit diet.
Talk to front desk about payment.
Wait in room 2.
Wait 20 min after.
Next one in a month.
Next year turns 65.
Test dose lido ok.
Training for marathon.
Do not use latex.
Not this knee in 2020, other one.
His wife's appointment was cancelled, his is not.
The 3/3 slot was cancelled by the clinic, next open slot please.
Clinic was closed for snow on 1/5 and his visit got canceled, rebook.
Pt asked about sedation, Dr said no.
Ortho offered a scope, pt said no.
She wants the bone out, we do not do that here.
He was thinking about fusion, decided against it.
Gel shots not covered, appealed, denied, dropped it.
Declined in June, changed mind, ready now.
She canceled in spring because of her mother, calls now to go on.
Was on hold for the wedding, wedding is over, wants in.
Held in winter for flu, all well now.
He backed out in 2022, reconsidered this month.
Didn't want it at first. Talked w/ her sister who had it and is in.
Lost insurance in May, has new plan, proceed.
Had to stop the series in 2021 when she moved, back in town and resuming.
delete if not used: steroid type/dose
[delete if not applicable] side
Cancel if sugar over 300 on the day.
If she cannot come give the slot to the wait list.
Do not cancel this if PT calls.
Please don't discontinue when series is complete, I will.
Void after 180 days.
Stop at the front desk first for the form.
Slot held for her Tues 10:00.
Her PCP does not recommend it, she read up and wants it.
Insurer says no, she pays.
Comp denied, family pays.
Daughter has covid, will reschedule only if he gets it.
Duplicate MRI order removed.
Dup chart merged.
Pls cancel the 9:00 nurse visit, this takes its place.
Please cancel my other order for Euflexxa.
Take her off the wait list, she has a date now.
Remove from cancellation list, she took 5/5.
Had cancellation, can come Thursday.
We had a no show so I gave her that time.
We are done with cortisone.
Done with pills, wants this.
She is off Tuesdays.
Dr is off Friday.
The lumbar MRI got canceled, this order is separate and stands.
Cortisone appt cancelled. Book this.
Asked about valium, declined.
Pt wanted stem cells, Dr does not recommend.
Said no last fall but now wants it.
A1c was too high in March, 6.9 now.
Cancel policy reviewed.
Reschedule if rash at site.
Expires in 90 days.
Hold a room please.
Omit the phenol.
Does not want her husband called.
Colonoscopy refused again.
Consent done.
PT done 6 wks.
Surgery clearance done.
Workup complete, nothing surgical.
Chemo done 2015, in remission.
Husband thinks it is a waste, she wants it.
Pt aware not a covered service.
Brother is our patient too, do not mix up the charts.
The first order had the wrong side, this is right.
On the cancel list for earlier.
Chose this over PRP.
Injections of steroid contraindicated, diabetes.
Dr away until the 8th, book after.
She already had this on the left in 2023 and loved it.
He has already got the consent form.
Wrong side got marked last time so please double check, it's R.
Wants to put off knee replacement until she retires.
Wants to postpone TKA, hence this.
Not indicated for surgery per ortho.
PT complete.
Done with PT.
Imaging done already, in PACS.
Will call if anything changes.
Pt will call back to pick a date.
She will call us with her work schedule.
Labs pending but do not wait for them.
Do not wait for auth, cash.
Denied by Blue Cross, patient elects to pay.
Old order expired so here is a new one.
Last order expired, renewing.
Prior auth expired, not needed for cash.
Replaces the order from 3/2 (expired).
Same order as last month, not a duplicate.
Not a duplicate, this is the other shoulder.
NOT A DUP - #2 of the series.
Looks like a dup but it isn't.
Med list is wrong, ignore warfarin.
Ignore the allergy alert.
Disregard the latex flag.
Overrode duplicate alert, visits are 4 wks apart.
Duplicate alert overridden.
Dup warning ok.
She called off the surgery.
No showed once because of wrong address, corrected, please give another date.
Workers comp denied the MRI so we have no MRI. US shows laxity. Go ahead.
He is on hold with the insurance as we speak but it's cash anyway.
Pain is gone on the left after 2. Right still bad. This is for the right.
Prolo to R ankle. I know she has surgery booked on the other foot, no conflict.
He was deployed until March. Back now. L knee MCL.
She is in the middle of a move, so only after the 15th.
Pt got a letter that her claim was denied, that's the PT claim not this. Series of 3 please.
PCP signed off.
Sedation declined.
Says no to any steroid.
Not ready for knee replacement.
Hold off on MRI.
hold mobic
Discontinue ibuprofen.
Not a surgical candidate.
Warfarin dc'd last year.
Completed 8 wks PT.
All conservative care exhausted.
Time out done.
May need only two, we will see.
Cancel #3 if pain free.
Waiting for his tax refund, will pay at visit.
No auth needed.
Claim will deny, that's ok.
Not work comp.
Clinic closed Monday so Tuesday.
Her license expired so husband drives.
Ignore the pop up about steroid.
Breast feeding ok.
Cellulitis last year, resolved.
Fx ruled out.
ACL surgery cancelled, doing this instead.
Her knee surgery got called off.
Stopped the brace, rash.
Moved closer to us.
First one done at another clinic, we do the rest.
Late cancel last time, fee waived.
Trip got cancelled so any day is fine.
Cancelled Netflix to pay for this lol.
Good candidate. Discussed alternatives; she passed on PRP because of price.
Third of 4. The second one was put off two weeks because of a cold. No cold now.
Pt refused wheelchair. Walks with cane. Needs ground floor room.
Patient was told by another clinic that it can't be done on a statin; that is not so. Proceed as planned.
Pt had vasovagal last time, lay flat. Not afraid any more.
Bumped twice by emergencies, please do not bump again.
Deleted the old med list. Uses Tylenol only. Consent signed.
Dr said skip a week after her dental cleaning, then go.
He declined the shingles vaccine at the same visit. He did not decline this.
Auth denied the Synvisc, separate issue. This one is new, not yet submitted.
cf 3/4: "PRP deferred - cost." Today: agrees to dextrose prolotherapy, US guided.
CESI order from last wk d/c'd, no radicular component.
He walks like a man who does not wish to discuss it.
The colonoscopy was refused and I have stopped taking it personally.
Please use room 4. The exam light in 3 got taken out for repair and hasn't been put back.
Orthotics denied twice by his plan. We quit fighting that. Session 1 of the knee.
PT notes reviewed: discharged 3/1, goals not met.
Not covered by Tricare. Retired Col., will write a check.
Two of her meds fell off the list in the upgrade. Still takes metoprolol.
Her tennis partner's knee got infected after one of these elsewhere so she is nervous; we went over sterile prep and she signed.
Was told by urgent care to wait on any injections till the poison ivy cleared; it has.
Can't tolerate prone, skip the back this time and do knee supine.
Hx: scope 2015, gel 2018 (waste of money), PRP 2021 declined by wallet.
Her ex called trying to cancel it. Not authorized. Do not discuss with him. Appointment is good.
If lot of D50 is recalled again call me, don't just cancel people.
Friend drove her last time, friend has moved; ride service booked.
Won't do MRI, claustrophobic. Ultrasound will do.
Was on the fence, slept on it, called this morning to say yes.
Pt cancelled her cardiology appt, told her she must keep that. Prolo ok meanwhile.
Needs afternoon. AM slots all declined by pt.
Wheelchair van cancelled on her twice, ask for a neighbor's number.
She's due 6 mo after delivery to restart; baby was born in March, so we are there.
Discussed alternatives incl doing nothing, surgery, PRP. She rejects surgery, cannot afford PRP, chooses this.
Nurse: hold tube for labs not needed. Just the shot.
No prior auth, plan says not required, ref 88213.
She works nights, don't call before 2. Do not leave voice mail.
If it rains hard the road closes; he will call and come the next day.
Her surgery date fell through, insurance issue, so wants this in the meantime.
Recert of plan of care. No change. Continue prolo monthly, #4.""".splitlines()


def _ask(rules: Rules, note: str) -> Finding:
    found = answer({"order": {"code": {"text": "Prolotherapy R knee"}, "note": [{"text": note}]}}, rules)
    assert found
    return found


def _strength(rules: Rules, note: str) -> Strength:
    return _ask(rules, note).match.strength


@pytest.mark.parametrize("note", TAKEN_BACK)
def test_an_order_that_is_taken_back_is_not_answered_as_one_that_stands(note: str, rules: Rules) -> None:
    assert _strength(rules, note) is Strength.QUALIFIED


@pytest.mark.parametrize("note", STANDING)
def test_what_is_said_of_another_thing_or_person_does_not_take_the_order_back(note: str, rules: Rules) -> None:
    assert _strength(rules, note) is Strength.STATED


VISIT = (
    "HPI: 52F, R knee pain 3 yrs. PT 12 visits, two cortisone shots, brace.",
    "Exam: MCL tender, 1+ gapping at 30 deg.",
    "Imaging: mild DJD.",
    "Plan: prolotherapy R knee.",
    "Tylenol only.",
    "See me after.",
)


def _visit(*at_its_end: str, between: str = "") -> str:
    return " ".join((*VISIT[:3], between, *VISIT[3:], *at_its_end))


def test_a_long_note_is_believed_to_take_its_order_back_where_it_says_so_twice_or_last(rules: Rules) -> None:
    once = "She was tearful about it and declined."
    twice = "She was tearful about it and declined. Please remove from the schedule."

    said = _ask(rules, _visit(between=once)).match.doubt  # told at least, whether believed or not
    assert said
    assert said.clause
    assert said.clause.words == once[:-1]
    assert _strength(rules, _visit(between=twice)) is Strength.QUALIFIED
    assert _strength(rules, _visit(once)) is Strength.QUALIFIED
    assert _strength(rules, _visit(between="Entered in error.")) is Strength.QUALIFIED


def test_beside_how_the_service_is_done_a_withdrawal_needs_to_be_brief_or_said_twice(rules: Rules) -> None:
    how = "US guided, first available, 4 wks apart."

    assert _strength(rules, f"Last visit she saw the needle and said no. {how}") is Strength.STATED
    assert _strength(rules, f"ON HOLD. {how}") is Strength.QUALIFIED
    assert _strength(rules, f"{how} Pt called and cancelled it. Do not rebook.") is Strength.QUALIFIED
