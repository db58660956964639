"""Who sees the console: browsers on this machine, of a service that listens on it alone."""

from collections.abc import Iterable
from typing import Any

import pytest

from cds_hooks.console.mount import why_hidden, with_console
from cds_hooks.settings import read_settings


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, None),
        ({"host": "::1"}, None),
        ({"host": "localhost", "public_base_url": "http://localhost:8000"}, None),
        ({"host": "0.0.0.0"}, "CRD_HOST"),  # noqa: S104 - what is refused
        ({"host": "10.0.0.7"}, "CRD_HOST"),
        ({"trusted_proxies": "127.0.0.1"}, "CRD_TRUSTED_PROXIES"),
        ({"public_base_url": "https://payer.example.com/crd"}, "CRD_PUBLIC_BASE_URL"),
        ({"console": "off"}, "CRD_CONSOLE"),
    ],
)
def test_it_is_shown_where_only_this_machine_can_call(settings: dict[str, Any], why: str | None) -> None:
    reason = why_hidden(read_settings(**settings))

    assert reason is None if why is None else reason and why in reason


def answered(path: str, **environ: str) -> str:
    """Return which of the two applications answers."""

    def application(name: str) -> Any:
        def answer(_: dict[str, Any], __: Any) -> Iterable[bytes]:
            return [name.encode()]

        return answer

    both = with_console(application("service"), lambda: application("console"))
    [body] = both(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "HTTP_HOST": "127.0.0.1:8000",
            "REMOTE_ADDR": "127.0.0.1",
            **environ,
        },
        None,
    )
    return body.decode()


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.0.0.1"])
def test_it_answers_at_its_pages_by_a_name_of_this_machine(host: str) -> None:
    for path in ("/", "/console/why", "/console/static/console.css", "/console"):
        assert answered(path, HTTP_HOST=host) == "console"


@pytest.mark.parametrize(
    "path", ["/cds-services", "/cds-services/order-sign-crd", "/health", "/openapi.json", "/x", ""]
)
def test_the_service_keeps_its_own_urls(path: str) -> None:
    assert answered(path) == "service"


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_HOST": "attacker.example.org"},
        {"HTTP_HOST": "127.0.0.1.attacker.example.org:8000"},
        {"HTTP_HOST": ""},
        {"REMOTE_ADDR": "10.0.0.7"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.9"},
        {"HTTP_FORWARDED": "for=203.0.113.9"},
        {"HTTP_VIA": "1.1 proxy"},
    ],
)
def test_a_name_made_to_lead_here_and_an_undeclared_proxy_get_no_page(environ: dict[str, str]) -> None:
    assert answered("/", **environ) == "service"
    assert answered("/console/policies", **environ) == "service"


def test_the_console_is_made_once_and_only_when_it_is_asked_for() -> None:
    made = []

    def create() -> Any:
        made.append(1)
        return lambda *_: [b"console"]

    both = with_console(lambda *_: [b"service"], create)
    here = {"HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1"}
    list(both({"REQUEST_METHOD": "GET", "PATH_INFO": "/cds-services", **here}, None))
    assert not made
    for _ in range(3):
        list(both({"REQUEST_METHOD": "GET", "PATH_INFO": "/", **here}, None))
    assert made == [1]
