"""Orders are dropped onto a page, which reports on them; nothing of them stays."""

import io
import json
import os
import subprocess  # noqa: F401 - the page starts a process: the tests are marked so (tests/conftest.py)
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.console.impact import impact_runs
from tests.cds_hooks.console.conftest import send, token, words
from tests.conftest import ROOT

PAGE = "/console/impact"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
LINES: list[Any] = [
    {
        "resourceType": "Coverage",
        "id": "c1",
        "beneficiary": {"reference": "Patient/p1"},
        "payor": [{"identifier": {"system": "http://example.org/payer-id", "value": "EHP01"}}],
    },
    {
        "resourceType": "ServiceRequest",
        "id": "secret-order",
        "status": "active",
        "authoredOn": "2026-03-01",
        "code": {"coding": [{"system": HCPCS, "code": "M0076"}]},
        "subject": {"reference": "Patient/p1"},
        "requester": {"reference": "Practitioner/d1"},
    },
]


def file_of(*lines: Any, name: str = "orders.ndjson") -> tuple[io.BytesIO, str]:
    return io.BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines)), name


def report_on(browser: FlaskClient, **fields: Any) -> tuple[str, str]:
    """Drop files and wait for the report; return its URL and its page."""
    answer = browser.post(PAGE, data={"csrf_token": token(browser, PAGE), **fields}, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    url = answer.location
    for _ in range(1200):
        page = browser.get(url)
        if "Refresh" not in page.headers:
            return url, page.text
        assert "The report is being made" in words(page.text)
        time.sleep(0.1)
    raise AssertionError("no report came")


def test_dropped_orders_are_reported_on_and_not_kept(browser: FlaskClient) -> None:
    url, page = report_on(browser, orders=[file_of(*LINES, "not a resource")])

    assert "1 order" in words(page)
    assert "Not covered a policy in force says so 1 100.0 %" in words(page)
    assert "1 line of 3 set aside" in words(page)
    assert "evicore-cmm-204 1 1 0 0" in words(page)
    report = browser.get(f"{url}/report.html")
    assert ">100.0 %<" in report.text
    assert report.headers["Content-Disposition"].startswith("attachment")
    assert "What the policies would have said" in report.text
    assert "secret-order" not in page + report.text
    folder = impact_runs._root() / url.rpartition("/")[2]
    assert [path.name for path in folder.iterdir()] == ["report"]
    assert folder.parent.stat().st_mode & 0o077 == 0


def test_a_policy_that_is_not_live_is_compared(browser: FlaskClient) -> None:
    document = json.loads((ROOT / "cards/policies/evicore-cmm-204/policy.json").read_text())
    for version in document["versions"].values():
        version.update({"covered": "covered", "pa-needed": "no-auth", "verdict": "covered", "position": "It is."})

    policy = (io.BytesIO(json.dumps(document).encode()), "policy.json")
    _, page = report_on(browser, orders=[file_of(*LINES)], policy=policy)

    assert "evicore-cmm-204 Not covered Covered 1" in words(page)


def test_a_wrong_policy_is_told_without_where_it_was(browser: FlaskClient) -> None:
    _, page = report_on(browser, orders=[file_of(*LINES)], policy=(io.BytesIO(b"{}"), "policy.json"))

    assert 'role="alert"' in page
    assert "policy.json" in words(page)
    assert tempfile.gettempdir() not in words(page)


def test_no_orders_are_told_kindly(browser: FlaskClient) -> None:
    assert "No orders here" in words(send(browser, PAGE))


def test_files_without_an_order_are_told_and_no_table_is_empty(browser: FlaskClient) -> None:
    _, page = report_on(browser, orders=[(io.BytesIO(b"\x89PNG\r\n\x1a\n"), "picture.png")])

    assert "No order was found in these files." in words(page)
    assert "set aside: not JSON in UTF-8" in words(page)
    assert "<table" not in page


def test_where_the_packages_are_missing_the_page_says_which(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impact_runs, "find_spec", lambda _: None)

    page = browser.get(PAGE).text

    assert "crd-server[impact]" in words(page)
    assert 'name="orders"' not in page


@pytest.mark.parametrize("run", ["0" * 32, "..", "x"])
def test_a_report_that_is_not_there_is_not_found(browser: FlaskClient, run: str) -> None:
    assert browser.get(f"{PAGE}/{run}").status_code == 404
    assert browser.get(f"{PAGE}/{run}/report.html").status_code == 404


def test_a_report_is_forgotten_after_an_hour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, new = impact_runs._root() / ("a" * 32), impact_runs._root() / ("b" * 32)
    for folder, age in ((old, 3700), (new, 3500)):
        folder.mkdir()
        os.utime(folder, (time.time() - age,) * 2)

    impact_runs._forget_old()

    assert [path.name for path in impact_runs._root().iterdir()] == [new.name]


def test_one_report_is_made_at_a_time(browser: FlaskClient) -> None:
    with impact_runs._RUNNING:
        assert "Another report is being made" in words(send(browser, PAGE, orders=[file_of(*LINES)]))
