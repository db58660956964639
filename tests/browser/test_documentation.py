"""The documentation site in a browser: under its strict policy, offline, by search, in light and dark and on a phone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import AXE, BY_LOOK, DESK, PATIENCE, PHONE, Open, faults_of, take_pictures
from tests.running_service import RunningService

pytest_plugins = ["tests.documents.site_fixture"]


@pytest.fixture(scope="module", name="documented")
def _documented(site: Path, start_service: Callable[..., RunningService]) -> RunningService:
    """A service that shows the site."""
    return start_service(CRD_DOCS=str(site))


def search(page: Page) -> None:
    """Search, and follow the first thing that is found."""
    page.wait_for_function("[...document.body.children].some(one => one.shadowRoot)")  # where the search is
    page.keyboard.press("/")
    page.keyboard.type("override reasons")
    expect(page.locator("mark, b, a").get_by_text("override", exact=False).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_visible()


def test_the_search_finds_pages_of_a_running_service(open_page: Open, documented: RunningService) -> None:
    page = open_page("/docs/", base=documented.base)
    search(page)

    assert page.url.startswith(f"{documented.base}/docs/")
    assert "index" not in page.url


def test_the_search_works_where_pages_are_opened_as_files(chromium: Browser, site: Path) -> None:
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{site}/index.html")
    search(page)
    page.close()

    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


PAGES = ("index", "crd", "connect", "requirements", "reference/settings")


@pytest.mark.parametrize("name", PAGES)
def test_its_pages_can_be_used_by_everybody(open_page: Open, documented: RunningService, name: str) -> None:
    for size, scheme in ((DESK, "light"), (DESK, "dark"), (PHONE, "light")):
        page = open_page(
            f"/docs/{name}.html" if name != "index" else "/docs/", size, documented.base, color_scheme=scheme
        )
        page.wait_for_selector("h1")
        take_pictures(page, f"docs-{name.replace('/', '-')}", scheme, whole=False)

        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        if AXE.is_file() and name != "requirements":  # four hundred rows of the same
            assert faults_of(page, None if (size, scheme) == (DESK, "light") else BY_LOOK) == []
