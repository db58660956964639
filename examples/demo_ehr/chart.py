"""One patient's chart while an order is written, signed, sent and booked: the state, and the calls on the way."""

import threading
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from examples.demo_ehr import hooks
from examples.demo_ehr.actions import apply_action
from examples.demo_ehr.fhir_server import FhirServer, Read, reference_of
from examples.demo_ehr.patients import Resource
from examples.demo_ehr.prefetch import Query, fetch_prefetch
from examples.demo_ehr.service import Reply, Service
from examples.demo_ehr.signing import Signer

#: Steps that a chart shows.
_MOST_STEPS: Final = 12


class Step(NamedTuple):
    """One call: what it was made of, what came back, and what was done about it."""

    hook: str
    reply: Reply
    service_id: str = ""
    claims: dict[str, Any] | None = None
    prefetched: list[Query] = []  # noqa: RUF012 (never changed)
    body: dict[str, Any] | None = None
    reads: list[Read] = []  # noqa: RUF012 (never changed)
    done: list[str] = []  # noqa: RUF012 (never changed)

    @property
    def cards(self) -> list[dict[str, Any]]:
        """The cards of the answer."""
        return list(self.reply.document["cards"]) if self.reply.is_answer else []


#: What is requested before anybody chooses: the version that the service speaks with clients which ask for none.
VERSION = "2.0"


class Desk:
    """What all charts share; `version` is requested of the service, `sends_prefetch` whether anything is sent along."""

    def __init__(self, fhir: FhirServer, fhir_base: str, service: Service, signer: Signer) -> None:
        self.fhir, self.fhir_base, self.service, self.signer = fhir, fhir_base, service, signer
        self.version = VERSION
        self.sends_prefetch = True

    def call(self, hook: str, context: dict[str, Any]) -> Step:
        """Make one call, with everything that belongs to it."""
        offered = self.service.offer(hook)
        if isinstance(offered, Reply):
            return Step(hook, offered)
        templates = offered.get("prefetch", {}) if self.sends_prefetch else {}
        own = self.fhir.open(context["patientId"])
        prefetch, asked = fetch_prefetch(templates, context, self.fhir_base, own)
        self.fhir.close(own)
        token = self.fhir.open(context["patientId"])
        body = hooks.make_call(hook, context, self.fhir_base, token, prefetch, self.version)
        claims = self.signer.claims(self.service.url_of(offered["id"]))
        reply = self.service.call(offered["id"], body, claims)
        return Step(hook, reply, offered["id"], claims, asked, body, self.fhir.close(token))


class Chart:
    """One patient: the order that is open (`stage` writing, asked, signed), and the steps so far, the last one first.

    `records` are those that are being worked on, by `Type/id`; the first is the order.
    """

    def __init__(self, patient: str, desk: Desk) -> None:
        self.patient = patient
        self._desk = desk
        self._count = 0
        self.lock = threading.RLock()
        self.begin()

    def begin(self) -> None:
        """Start a new order."""
        self._count += 1
        self.order_id = f"{self.patient}-order-{self._count}"
        self.records: dict[str, Resource] = {}
        self.steps: list[Step] = []
        self.told: dict[str, str] = {}
        self.stage = "writing"
        self.is_sent = self.is_booked = False
        self.visit = "not begun"

    @property
    def order(self) -> Resource:
        """The order; empty where none is written yet."""
        orders = [one for one in self.records.values() if one["resourceType"] not in ("Appointment", "Encounter")]
        return orders[0] if orders else {}

    @property
    def last(self) -> Step | None:
        """The last call, whose cards replace those before it."""
        return self.steps[0] if self.steps else None

    def write(self, order: Resource) -> None:
        """Take what the form says for the order."""
        self.records = {reference_of(order): order}
        self.stage = "writing"

    def select(self) -> None:
        """Ask while the order is written."""
        self._call("order-select", hooks.order_select(self.patient, self.order))

    def sign(self) -> None:
        """Ask before the order is signed; it is signed at once where nobody has anything to say against it."""
        step = self._call("order-sign", hooks.order_sign(self.patient, self.order))
        self.stage = "asked"
        if step.reply.is_answer and not step.cards:
            self.put_on_file()

    def put_on_file(self) -> None:
        """Sign the order: it is on record from now on."""
        order = self.order | {"status": "active"}
        self.records[reference_of(order)] = order
        self.stage = "signed"
        self._save()

    def dispatch(self) -> None:
        """Ask when the order is sent to whoever performs it."""
        self._call("order-dispatch", hooks.order_dispatch(self.patient, self.order))
        self.is_sent = True
        self._save()

    def book(self, day: str) -> None:
        """Ask when an appointment is booked for the order."""
        appointment = hooks.propose_appointment(self.patient, self.order, day)
        self.records[reference_of(appointment)] = appointment
        self._call("appointment-book", hooks.appointment_book(self.patient, appointment))
        self.is_booked = True
        self._save()

    def start_visit(self) -> None:
        """Ask when the visit for the order begins."""
        planned = hooks.plan_encounter(self.patient, self.order)
        self._go_on_with(planned | {"status": "in-progress"}, "encounter-start")
        self.visit = "begun"

    def discharge(self) -> None:
        """Ask when the visit ends."""
        found = next(one for one in self.records.values() if one["resourceType"] == "Encounter")
        self._go_on_with(found | {"status": "finished"}, "encounter-discharge")
        self.visit = "ended"

    def _go_on_with(self, encounter: Resource, hook: str) -> None:
        """Put a visit on file, where the service's prefetch finds it, and ask about it."""
        self.records[reference_of(encounter)] = encounter
        self._desk.fhir.save(encounter)
        self._call(hook, hooks.encounter(self.patient, encounter["id"]))
        self._save()

    def _save(self) -> None:
        for record in self.records.values():
            self._desk.fhir.save(record)

    def _call(self, hook: str, context: dict[str, Any]) -> Step:
        """Call, do what the answer says must be done, and keep the step; of those while writing only the last."""
        step = self._desk.call(hook, context)
        actions = step.reply.document.get("systemActions", ()) if step.reply.is_answer else ()
        step = step._replace(done=[apply_action(action, self.records, self.patient) for action in actions])
        earlier = self.steps[1:] if self.last and self.last.hook == hook == "order-select" else self.steps
        self.steps = [step, *earlier][:_MOST_STEPS]
        return step

    def accept(self, card_id: str, suggestion_id: str) -> None:
        """Take a suggestion of the last answer: do what it says, report it, and ask again about the changed order."""
        step = self.last
        card = self._find(card_id)
        chosen = next((one for one in card.get("suggestions", ()) if one.get("uuid") == suggestion_id), None)
        if step is None or chosen is None:
            return
        done = [apply_action(action, self.records, self.patient) for action in chosen.get("actions", ())]
        self._tell(card_id, {"outcome": "accepted", "acceptedSuggestions": [{"id": suggestion_id}]})
        self.steps[0] = step._replace(done=[*step.done, *done])
        if done and self.stage != "signed":
            self.stage = "writing"
            self.select()

    def override(self, card_id: str, reason: dict[str, str] | None, comment: str) -> None:
        """Go on in spite of a card, and report why."""
        why = {**({"reason": reason} if reason else {}), **({"userComment": comment} if comment else {})}
        if self._find(card_id):
            self._tell(card_id, {"outcome": "overridden", **({"overrideReason": why} if why else {})})

    def _find(self, card_id: str) -> dict[str, Any]:
        cards = self.last.cards if self.last else []
        return next((card for card in cards if card.get("uuid") == card_id), {})

    def _tell(self, card_id: str, outcome: dict[str, Any]) -> None:
        if self.last and self.last.service_id:
            report = {"card": card_id, **outcome, "outcomeTimestamp": now()}
            reply = self._desk.service.tell(self.last.service_id, report)
            self.told[card_id] = reply.said or f"The payer was told: {outcome['outcome']}."


def now() -> str:
    """Return this moment as FHIR has it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
