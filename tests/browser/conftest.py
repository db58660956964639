"""One browser and one service for all tests of the console as people use it: Debian's Chromium, without a window."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.cds_hooks.console.operating import operators_of_tests
from tests.cds_hooks.store.reading import store_of
from tests.fact_samples import seed_facts
from tests.running_service import TODAY, RunningService

HERE = Path(__file__).resolve().parent
CHROMIUM = shutil.which("chromium")

AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"

#: Where pictures of all pages are put, for people to look at; CI keeps the folder.
SCREENSHOTS = HERE.parents[1] / "build" / "screenshots"

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"]

#: Milliseconds that a page may take on a machine that has other things to do.
PATIENCE = 60_000

#: Width and height of a desk's screen and of a phone's.
DESK, PHONE = (1280, 900), (375, 812)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a browser where there is none, and say so."""
    if CHROMIUM is None:
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(
                    pytest.mark.skip(reason="the console is tried in a browser only with Debian's chromium")
                )


@pytest.fixture(scope="session", name="chromium")
def _chromium(start_shared_service: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:  # noqa: ARG001
    """The browser; it asks for `start_shared_service` so that its tests count as those that start processes."""
    home = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env=home)
        yield browser
        browser.close()


@pytest.fixture(scope="module", name="operated")
def _operated(start_service: Callable[..., RunningService], tmp_path_factory: pytest.TempPathFactory) -> RunningService:
    """A service with operators, and four weeks of facts."""
    file = tmp_path_factory.mktemp("operators") / "operators.json"
    file.write_text(operators_of_tests())
    service = start_service(CRD_OPERATORS=str(file))
    seed_facts(store_of(service), TODAY)
    return service


Open = Callable[..., Page]


@pytest.fixture(name="open_page")
def _open_page(chromium: Browser, service: RunningService) -> Iterator[Open]:
    """Open pages of the console; at the end nothing may have gone wrong in any of them."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(url: str = "/", size: tuple[int, int] = DESK, base: str = "", **how: Any) -> Page:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="en-US", **how)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: _note_outsider(asked.url, base or service.base, wrong))
        page.goto(f"{base or service.base}{url}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    # A page that says that something is not there is answered with that status, which the browser reports, too.
    assert [said for said in wrong if "status of 404" not in said] == []


def _note_outsider(url: str, base: str, wrong: list[str]) -> None:
    if not url.startswith((base, "data:")):
        wrong.append(f"asked for {url}")


def take_pictures(page: Page, name: str, scheme: str, *, whole: bool = True) -> None:
    """Keep pictures of a page, or of what of it is seen first, in light and dark; it goes on in the scheme it had."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for shown in ("dark", "light") if scheme == "light" else ("light", "dark"):
        page.emulate_media(color_scheme=shown)  # type: ignore[arg-type]
        file = f"{name}-{shown}-{(page.viewport_size or {})['width']}.png"
        page.screenshot(path=SCREENSHOTS / file, full_page=whole, animations="disabled")


#: The rules of axe whose findings change with colours and width; the others need no second look.
BY_LOOK = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"]


def faults_of(page: Page, rules: list[str] | None = None) -> list[str]:
    """Return what axe finds on a page that keeps somebody from using it: serious and critical findings."""
    page.evaluate(f"{AXE.read_text()}; null")
    found = page.evaluate("rules => axe.run({resultTypes: ['violations'], ...(rules && {runOnly: rules})})", rules)
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {json.dumps([node['html'][:160] for node in one['nodes'][:3]])}" for one in serious]
