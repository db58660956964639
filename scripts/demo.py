"""`make demo`: starts the service, posts the first example, prints its card, and leaves the service running."""

import argparse
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "fhir_examples" / "evicore-cmm-204" / "m0076-order-select" / "request.json"


def main() -> int:
    """Run the demonstration; the exit code is that of the service."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    base = f"http://127.0.0.1:{port}"
    if _is_taken(port):
        print(f"Port {port} of 127.0.0.1 is taken; use another: make demo PORT=8001", file=sys.stderr)
        return 2
    print(f"Starting the service on {base}, for this machine only ...", flush=True)
    command = [str(Path(sys.executable).parent / "crd"), "serve", "--port", str(port)]
    service = subprocess.Popen(command, env={**os.environ, "CRD_LOG_LEVEL": os.environ.get("CRD_LOG_LEVEL", "error")})
    try:
        if not _wait_until_ready(base, service):
            return service.wait() or 1
        url = f"{base}/cds-services/order-select-crd"
        print(f"Asking it about an order, as an EHR does: POST {url}")
        print(f"with {EXAMPLE.relative_to(ROOT)}. It answers:\n", flush=True)
        response = requests.post(
            url, data=EXAMPLE.read_bytes(), headers={"Content-Type": "application/json"}, timeout=10
        )
        _show(response.json())
        print(f"\nThe service is running at {base}/cds-services. Ctrl-C stops it.")
        print(f"To try orders of your own and see why, open {base}/ in a browser.", flush=True)
        return service.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        service.terminate()
        service.wait()


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until_ready(base: str, service: "subprocess.Popen[bytes]") -> bool:
    for _ in range(300):
        if service.poll() is not None:
            return False
        try:
            if requests.get(f"{base}/ready", timeout=1).ok:
                return True
        except requests.ConnectionError:
            time.sleep(0.1)
    return False


def _show(answer: "dict[str, list[dict[str, object]]]") -> None:
    for card in answer["cards"]:
        print(f"  [{card['indicator']}] {card['summary']}")
        print(f"  from {card['source']['label']}")
        for line in str(card["detail"]).splitlines():
            print(textwrap.fill(line, 100, initial_indent="    ", subsequent_indent="      "))
        for link in card.get("links", ()):
            print(f"    -> {link['label']}: {link['url']}")
    for action in answer.get("systemActions", ()):
        extension = action["resource"]["extension"][-1]["extension"]
        said = {part["url"]: next(v for k, v in part.items() if k.startswith("value")) for part in extension}
        shown = ("covered", "pa-needed", "date", "coverage-assertion-id")
        print(f"  and on the order, for the machine: {json.dumps({name: said[name] for name in shown})}")


if __name__ == "__main__":
    sys.exit(main())
