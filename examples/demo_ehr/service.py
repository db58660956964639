"""The call: what a service offers, a hook, and feedback, over HTTP. What goes wrong is put in words for a clinician."""

import time
from typing import Any, Final, NamedTuple

import requests

from examples.demo_ehr.signing import Signer

#: Seconds after which ordering goes on without an answer (CRD: 90 % within 5 s).
_TIMEOUT: Final = 10.0


class Reply(NamedTuple):
    """What came back: status and JSON, and after how many milliseconds. Status 0 is no answer, and `said` tells why."""

    url: str
    status: int
    document: Any
    milliseconds: float
    said: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether it has cards, be it none of them."""
        return self.status == 200 and isinstance(self.document, dict) and isinstance(self.document.get("cards"), list)


class Service:
    """One service of a payer, known by its base URL."""

    def __init__(self, base: str, signer: Signer) -> None:
        self.discovery = f"{base.rstrip('/')}/cds-services"
        self._signer = signer
        self._offered: list[dict[str, Any]] = []

    def offer(self, hook: str) -> dict[str, Any] | Reply:
        """Return what is offered for a hook: id and prefetch templates; where that is not known, why.

        It is read once; after a call that failed it is read anew.
        """
        if not self._offered:
            reply = self._ask("GET", self.discovery)
            offered = reply.document.get("services") if isinstance(reply.document, dict) else None
            if reply.status != 200 or not isinstance(offered, list):
                return reply._replace(said=reply.said or _explain(reply))
            self._offered = offered
        for one in self._offered:
            if one["hook"] == hook:
                return one
        return Reply(self.discovery, 0, None, 0.0, f"The payer's service has nothing for {hook}.")

    def call(self, service_id: str, body: dict[str, Any], claims: dict[str, Any]) -> Reply:
        """Call a service with a token that says `claims`."""
        reply = self._ask("POST", self.url_of(service_id), body, claims)
        if reply.is_answer:
            return reply
        self._offered = []
        return reply._replace(said=reply.said or _explain(reply))

    def tell(self, service_id: str, feedback: dict[str, Any]) -> Reply:
        """Report what became of a card (CDS Hooks 2.0, Feedback)."""
        reply = self._ask("POST", f"{self.url_of(service_id)}/feedback", {"feedback": [feedback]})
        return reply if reply.status == 200 else reply._replace(said=reply.said or _explain(reply))

    def url_of(self, service_id: str) -> str:
        """Return the URL of a service: what its tokens are made for."""
        return f"{self.discovery}/{service_id}"

    def _ask(self, method: str, url: str, body: Any = None, claims: dict[str, Any] | None = None) -> Reply:
        token = self._signer.sign(claims or self._signer.claims(url))
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        started = time.perf_counter()
        status, document, said = 0, None, ""
        try:
            answer = requests.request(method, url, json=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
            status, document = answer.status_code, answer.json() if answer.content else None
        except requests.Timeout:
            said = f"The payer's service did not answer within {_TIMEOUT:.0f} seconds. Ordering goes on without it."
        except requests.JSONDecodeError:
            said = "The payer's service sent something that is not JSON."
        except requests.RequestException:
            said = f"The payer's service cannot be reached at {url}. Ordering goes on without it."
        return Reply(url, status, document, (time.perf_counter() - started) * 1000, said)


def _explain(reply: Reply) -> str:
    if reply.status == 401:
        return "The payer's service does not know this EHR. It has to be registered there first."
    if reply.status == 429:
        return "The payer's service asks this EHR to call less often."
    issues = reply.document.get("issue", ()) if isinstance(reply.document, dict) else ()
    said = "; ".join(str(issue.get("diagnostics") or issue.get("code")) for issue in issues)
    return f"The payer's service gave no answer: {said or f'status {reply.status}'}."
