"""`make bench-fetch`: calls that wait on a FHIR server, answered by workers of many threads and of more, in one run.

The FHIR server answers every read after 100 ms, as many at once as come; 32 callers sign an order whose Coverage was
not sent. Beside that, calls that wait on nothing: what many threads cost them. Of few threads a server would have too
small a share for so many callers (`outbound/thread_shares.py`).
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import EXAMPLE, load, start, write_post

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
    if not shutil.which("wrk"):
        print("bench: needs wrk (apt-get install wrk)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        _run(Path(folder), chosen)
    return 0


def _run(folder: Path, chosen: argparse.Namespace) -> None:
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    base = f"http://127.0.0.1:{server.stdout.readline().strip()}/fhir"
    sent = json.loads(EXAMPLE.read_bytes())
    unsent = {**sent, "fhirServer": base, "fhirAuthorization": {"access_token": "t"}, "prefetch": {}}
    print(f"{chosen.workers} workers, {CALLERS} callers, a FHIR server that takes {DELAY * 1000:.0f} ms")
    try:
        for threads in chosen.threads:
            process, port = start(
                folder,
                "cds_hooks.app:create_served_app",
                chosen.workers,
                threads,
                CRD_ALLOW_PRIVATE_FHIR_SERVERS="1",
            )
            rates = [_rate(folder, request, port, chosen.seconds) for request in (unsent, sent)]
            print(f"{threads:3} threads a worker: {rates[0]:6.0f} calls/s that read, {rates[1]:6.0f} that need not")
            process.terminate()
            process.wait()
    finally:
        server.terminate()


def _rate(folder: Path, request: object, port: int, seconds: int) -> float:
    write_post(folder, json.dumps(request, separators=(",", ":")).encode())
    return load(folder, f"http://127.0.0.1:{port}/cds-services/order-sign-crd", CALLERS, seconds)


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
