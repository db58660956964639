"""`make bench-fetch`: calls that wait on a FHIR server, answered by workers of many threads and of more, in one run.

The FHIR server answers every read after 100 ms, as many at once as come; 32 callers sign an order whose Coverage was
not sent. Beside that, calls that wait on nothing: what many threads cost them. Of few threads a server would have too
small a share for so many callers (`outbound/thread_shares.py`).
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bodies import SIGN, sign
from benchmarks.load import Call, LoadError, check_wrk, measure
from benchmarks.processes import stop
from benchmarks.services import ROOT, Plan, Service, running

DELAY = 0.1
CALLERS = 32
ORGANIZATION = {"identifier": {"system": "http://example.org/payer-id", "value": "EHP01"}}
COVERAGE = {
    "resourceType": "Coverage",
    "id": "cov-1",
    "status": "active",
    "beneficiary": {"reference": "Patient/pat-1"},
    "payor": [ORGANIZATION],
}
BUNDLE = json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": COVERAGE}]}).encode()


def main() -> int:
    """Run the benchmark, or with --serve the FHIR server of it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--threads", type=int, nargs="+", default=[64, 128])
    chosen = options.parse_args()
    if chosen.serve:
        asyncio.run(_serve())
        return 0
    try:
        check_wrk()
        with tempfile.TemporaryDirectory() as folder:
            _run(Path(folder), chosen)
    except LoadError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


def _run(folder: Path, chosen: argparse.Namespace) -> None:
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.fetch", "--serve"], stdout=subprocess.PIPE, cwd=ROOT)
    assert server.stdout  # noqa: S101 (it is a pipe)
    base = f"http://127.0.0.1:{server.stdout.readline().decode().strip()}/fhir"
    sent = json.loads(sign())
    unsent = {**sent, "fhirServer": base, "fhirAuthorization": {"access_token": "t"}, "prefetch": {}}
    print(f"{chosen.workers} workers, {CALLERS} callers, a FHIR server that takes {DELAY * 1000:.0f} ms")
    settings = {"CRD_AUDIT": "off", "CRD_ALLOW_PRIVATE_FHIR_SERVERS": "1"}
    plans = [Plan(f"{threads}", {**settings, "CRD_THREADS": f"{threads}"}) for threads in chosen.threads]
    try:
        with running(plans, folder, chosen.workers) as services:
            for service in services:
                read, not_read = (_rate(service, request, chosen.seconds) for request in (unsent, sent))
                print(
                    f"{service.name:>3} threads a worker: {read:6.0f} calls/s that read, {not_read:6.0f} that need not"
                )
    finally:
        stop(server)


def _rate(service: Service, request: object, seconds: int) -> float:
    call = Call(SIGN, json.dumps(request, separators=(",", ":")).encode())
    measure(service, call, CALLERS, 1)
    return measure(service, call, CALLERS, seconds).rate


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n" % len(BUNDLE)
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(DELAY)
            writer.write(head + BUNDLE)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


if __name__ == "__main__":
    sys.exit(main())
