"""`python -m examples.demo_ehr --service URL`: the demo EHR, for this machine alone, until it is stopped."""

import argparse
import json
import logging
import sys
from pathlib import Path

from werkzeug.serving import make_server

from examples.demo_ehr.catalogue import read_catalogue
from examples.demo_ehr.pages import create_app
from examples.demo_ehr.signing import Signer


def main() -> int:
    """Serve the EHR."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo_ehr", description=__doc__)
    parser.add_argument("--service", default="http://127.0.0.1:8000", help="base URL of the service to ask")
    parser.add_argument("--port", type=int, default=8001, help="port of this EHR, on 127.0.0.1")
    parser.add_argument("--catalogue", type=Path, help="codes that can be ordered: what `crd export fhir` writes")
    parser.add_argument("--registration", action="store_true", help="print what the service has to know, and end")
    given = parser.parse_args()
    base = f"http://127.0.0.1:{given.port}"
    if given.registration:
        json.dump(Signer(base).registration(f"{base}/fhir"), sys.stdout, indent=2)
        return 0
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = create_app(base, given.service, read_catalogue(given.catalogue))
    try:
        make_server("127.0.0.1", given.port, app, threaded=True).serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
