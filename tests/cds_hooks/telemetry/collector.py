"""A receiver of OTLP over HTTP, for tests. It prints its port when it is ready.

GET /__log lists the spans so far as JSON, each with the resource and scope it came under, exactly as sent.
"""

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    """Takes spans."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                around = {"resource": MessageToDict(resource.resource), "scope": MessageToDict(scope.scope)}
                SPANS.extend({**MessageToDict(span), **around} for span in scope.spans)
        self._reply(b"", "application/x-protobuf")

    def do_GET(self) -> None:
        self._reply(json.dumps(SPANS).encode(), "application/json")

    def _reply(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)  # noqa: T201 (the port is told on standard output)
        server.serve_forever()
