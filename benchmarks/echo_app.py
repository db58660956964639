"""The echo: Flask and orjson, what any JSON service of this stack costs at the least. It reads and writes the body."""

import orjson
from flask import Flask, Response, request

from cds_hooks.server.process import create_server
from cds_hooks.settings import read_settings


def create_app() -> Flask:
    """Return the application, which answers a POST to any path with its own body, read and written anew."""
    app = Flask("echo")

    @app.post("/<path:_>")
    def echo(_: str) -> Response:
        return Response(orjson.dumps(orjson.loads(request.get_data())), mimetype="application/json")

    @app.get("/ready")
    def ready() -> str:
        return "ready"

    return app


if __name__ == "__main__":
    create_server(read_settings(), "benchmarks.echo_app:create_app").serve()
