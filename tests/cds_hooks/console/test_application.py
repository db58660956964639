"""What every page keeps to: where its parts come from, how long it is kept, and what it does without script."""

import re

import pytest
from flask.testing import FlaskClient

from tests.cds_hooks.console.conftest import token

PAGES = (
    "/",
    "/console/why",
    "/console/policies",
    "/console/policies/evicore-cmm-204",
    "/console/policies/cms-ncd-150-7/compare",
    "/console/coverage",
    "/console/drafts",
    "/console/nowhere",
)


@pytest.mark.parametrize("url", PAGES)
def test_a_page_runs_and_loads_nothing_but_files_of_its_own(browser: FlaskClient, url: str) -> None:
    answer = browser.get(url)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", answer.text)
    sources = re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', answer.text)
    assert sources
    assert all(source.startswith("/console/static/") for source in sources)


@pytest.mark.parametrize("url", PAGES)
def test_a_page_is_kept_by_nobody_and_says_nothing_to_other_sites(browser: FlaskClient, url: str) -> None:
    headers = browser.get(url).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_an_answer_is_kept_by_its_browser_alone_which_goes_back_to_it(browser: FlaskClient) -> None:
    """Without a copy the button Back leads to an error of the browser, where a form was sent."""
    for url in ("/", "/console/why", "/console/drafts"):
        answer = browser.post(url, data={"csrf_token": token(browser), "code": "M0076"})
        assert answer.headers["Cache-Control"] == "private, no-cache"


def test_files_are_kept_for_good_under_a_name_that_changes_with_them(browser: FlaskClient) -> None:
    [sheet] = re.findall(r'href="(/console/static/console\.css[^"]*)"', browser.get("/").text)

    with browser.get(sheet) as named, browser.get("/console/static/console.css") as bare:
        assert "immutable" in named.headers["Cache-Control"]
        assert bare.headers["Cache-Control"] == "no-store"


def test_the_cookie_is_for_this_site_and_no_script(browser: FlaskClient) -> None:
    cookie = browser.get("/").headers["Set-Cookie"]

    for part in ("crd-console-8000=", "HttpOnly", "SameSite=Strict"):
        assert part in cookie


def test_the_page_shown_is_marked_in_the_navigation(browser: FlaskClient) -> None:
    for url, name in (("/", "Try it"), ("/console/why", "Why"), ("/console/policies/evicore-cmm-204", "Policies")):
        assert re.findall(r'aria-current="page">([^<]+)<', browser.get(url).text) == [name]


def test_what_goes_wrong_is_said_without_how_it_is_made(browser: FlaskClient) -> None:
    for url in ("/console/nowhere", "/console/policies/nobody", "/console/policies/nobody/compare"):
        answer = browser.get(url)

        assert answer.status_code == 404
        assert "There is no such page" in answer.text


def test_the_address_of_an_answer_says_that_it_is_none_of_a_page(browser: FlaskClient) -> None:
    """Whoever asks for it again from the bar of the browser has sent no form that might be damaged."""
    answer = browser.get("/console/fire")

    assert answer.status_code == 405
    assert "This address answers a form, and none was sent." in answer.text
