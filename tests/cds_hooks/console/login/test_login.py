"""Insights is behind a login always, the other pages where others than this machine may come."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cds_hooks.console.mount import check_console
from cds_hooks.errors import StartError
from cds_hooks.settings import read_settings
from cds_hooks.store.tables import ACCESSES, LOGINS
from tests.cds_hooks.console.operating import INSIGHTS, PASSWORD, Operating, form_token, log_in, operating, post

Make = Callable[..., Operating]

PAGES = ("/", "/console/why", "/console/policies", "/console/coverage", "/console/drafts", "/console/impact")


@pytest.fixture(name="console")
def _console(tmp_path: Path) -> Iterator[Operating]:
    with operating(tmp_path) as made:
        yield made


@pytest.fixture(name="elsewhere")
def _elsewhere(tmp_path: Path) -> Iterator[Operating]:
    """A console behind a proxy that serves TLS."""
    with operating(tmp_path, console="login", public_base_url="https://plan.example.org/crd") as made:
        yield made


def test_insights_leads_to_the_login_and_back(console: Operating) -> None:
    browser = console.browser()
    answer = browser.get(f"{INSIGHTS}?days=7")
    assert answer.status_code == 302
    assert answer.location == "/console/login?next=/console/insights?days%3D7"

    answer = log_in(browser, "rita", next="/console/insights?days=7")
    assert (answer.status_code, answer.location) == (303, "/console/insights?days=7")
    assert browser.get(INSIGHTS).status_code == 200
    assert browser.get("/console/login").status_code == 302


def test_on_this_machine_the_other_pages_need_none(console: Operating) -> None:
    assert [console.browser().get(page).status_code for page in PAGES] == [200] * len(PAGES)


def test_elsewhere_every_page_needs_it_and_none_is_told_from_what_is_not_there(elsewhere: Operating) -> None:
    browser = elsewhere.browser()
    for page in (*PAGES, INSIGHTS, f"{INSIGHTS}/call", "/console/coverage/table.csv", "/console/nowhere"):
        answer = browser.get(page, base_url="https://plan.example.org")
        assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/console/login"), page
    assert browser.post("/", data={}, base_url="https://plan.example.org").status_code == 400  # no token
    style = browser.get("/console/static/console.css")
    assert style.status_code == 200
    style.close()


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "wrong password, but long"), ("nobody", PASSWORD), ("", ""), ("alice", ""), ("\x00", "\x00")],
)
def test_who_does_not_know_the_password_is_told_the_same(console: Operating, name: str, password: str) -> None:
    answer = log_in(console.browser(), name, password)
    assert answer.status_code == 403
    assert "This name and password do not belong together." in answer.text


def test_a_login_is_a_new_session_and_logging_out_ends_it(console: Operating) -> None:
    browser = console.browser()
    before = browser.get("/console/login").headers["Set-Cookie"]
    after = log_in(browser, "alice").headers["Set-Cookie"]
    assert before.partition(";")[0] != after.partition(";")[0]
    cookie = after.partition(";")[0]

    assert post(browser, "/console/login/end").status_code == 303
    thief = console.browser()
    answer = thief.get(INSIGHTS, headers={"Cookie": cookie})
    assert answer.status_code == 302  # the cookie from before is worth nothing


def test_the_session_of_before_the_login_is_not_the_one_after(console: Operating) -> None:
    """Whoever has put a cookie into the browser does not share its login (session fixation)."""
    browser = console.browser()
    planted = browser.get("/console/login").headers["Set-Cookie"].partition(";")[0]
    log_in(browser, "alice")
    assert console.browser().get(INSIGHTS, headers={"Cookie": planted}).status_code == 302


def test_the_cookie_goes_nowhere_else(elsewhere: Operating, console: Operating) -> None:
    secure = elsewhere.browser().get("/console/login", base_url="https://plan.example.org")
    assert secure.headers["Set-Cookie"].startswith("__Host-crd-console")
    assert all(flag in secure.headers["Set-Cookie"] for flag in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/;"))
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
    plain = console.browser().get("/console/login").headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "Secure" not in plain


def test_the_store_has_no_secret_that_logs_in(console: Operating) -> None:
    console.browser("alice")
    with console.parts.records.reading.connect() as connection:
        [row] = connection.execute(sa.select(LOGINS)).all()
        accesses = connection.execute(sa.select(ACCESSES.c.actor, ACCESSES.c.action)).all()
    assert (len(row.digest), row.operator, row.role) == (32, "alice", "operator")
    assert [tuple(one) for one in accesses] == [("alice", "login")]


@pytest.mark.parametrize("what", ["seen", "since"])
def test_a_login_ends_when_it_is_not_used_or_old(console: Operating, what: str) -> None:
    browser = console.browser("alice")
    age = 30 * 60 + 1 if what == "seen" else 12 * 3600 + 1
    with console.parts.records.reading.connect() as connection:
        connection.execute(sa.update(LOGINS).values({what: int(time.time()) - age}))
    assert browser.get(INSIGHTS).status_code == 302


def test_what_is_sent_after_that_is_told_kindly(console: Operating) -> None:
    browser = console.browser("alice")
    token = form_token(browser.get(INSIGHTS).text)
    with console.parts.records.reading.connect() as connection:
        connection.execute(sa.delete(LOGINS))
    answer = browser.post(f"{INSIGHTS}/call", data={"csrf_token": token})
    assert answer.status_code == 401
    assert "Your login has ended" in answer.text


def test_who_is_taken_out_of_the_file_is_out_at_once_and_a_new_role_counts_at_once(console: Operating) -> None:
    alice, rita = console.browser("alice"), console.browser("rita")
    console.file.set("alice", "reader", PASSWORD)
    console.file.remove("rita")
    assert alice.get(INSIGHTS).status_code == 200
    assert alice.get(f"{INSIGHTS}/call").status_code == 403
    assert rita.get(INSIGHTS).status_code == 302


def test_where_members_are_asked_only_operators_look_them_up(tmp_path: Path) -> None:
    """CRD-79: a reader sees figures, and nobody's coverage; on this machine all stays as it is."""
    with operating(
        tmp_path, console="login", public_base_url="https://plan.example.org/crd", members="database"
    ) as asking:
        alice, rita = asking.browser("alice"), asking.browser("rita")

        for page in ("/", "/console/why"):
            assert alice.get(page).status_code == 200
            assert rita.get(page).status_code == 403
        assert rita.get("/console/policies").status_code == 200


def test_many_attempts_have_to_wait(console: Operating) -> None:
    browser = console.browser()
    found = [log_in(browser, "nobody", "x") for _ in range(9)]
    assert [one.status_code for one in found] == [403] * 8 + [429]
    assert "Too many attempts. Wait 5 minutes" in found[-1].text
    assert int(found[-1].headers["Retry-After"]) > 290
    assert log_in(browser, "alice").status_code == 303  # another name


@pytest.mark.parametrize(
    "where",
    ["https://evil.example.org/", "//evil.example.org", "/\\evil.example.org", "/console//evil", "/cds-services", ""],
)
def test_a_login_leads_nowhere_else(console: Operating, where: str) -> None:
    assert log_in(console.browser(), "rita", next=where).location == INSIGHTS


def test_under_a_path_of_a_proxy_links_have_it(elsewhere: Operating) -> None:
    answer = elsewhere.browser().get(INSIGHTS, base_url="https://plan.example.org/crd")
    assert answer.location.startswith("/crd/console/login?next=/crd/console/insights")
    page = elsewhere.browser().get("/console/login", base_url="https://plan.example.org/crd").text
    assert 'action="/crd/console/login"' in page
    assert 'href="/crd/cds-services"' in page


def test_a_form_without_its_token_logs_nobody_in(console: Operating) -> None:
    answer = console.browser().post("/console/login", data={"name": "alice", "password": PASSWORD})
    assert answer.status_code == 400


def test_without_operators_the_page_says_what_to_do(tmp_path: Path) -> None:
    with operating(tmp_path, operators=None) as made:
        page = made.browser().get("/console/login").text
    assert "crd operators add alice --role operator" in page
    assert 'type="password"' not in page


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"console": "login"}, "nobody can log in"),
        ({"console": "login", "oidc_issuer": "https://id.example.org"}, "CRD_OIDC_CLIENT"),
        ({"console": "login", "operators": "there", "host": "10.0.0.7"}, "in the clear"),
        ({"console": "login", "operators": "there", "public_base_url": "http://plan.example.org"}, "in the clear"),
    ],
)
def test_a_login_that_protects_nothing_stops_the_start(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    if "operators" in settings:
        with operating(tmp_path) as made:
            settings = {**settings, "operators": made.settings.operators}
    with pytest.raises(StartError, match=says):
        check_console(read_settings(**settings))
