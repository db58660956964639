"""Every picture of the documents is taken here, from the running product; every diagram is drawn of its text.

`make screenshots` puts them into docs/pictures; any other run looks whether they can still be taken, and are as large.
"""

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from documentation import diagrams
from tests.browser.conftest import HERE, SCREENSHOTS, Open
from tests.browser.test_pages import answer, dropped, why
from tests.cds_hooks.console.operating import PASSWORD
from tests.conftest import ROOT
from tests.demo_ehr.running import RunningEhr
from tests.running_service import RunningService

pytest_plugins = ["tests.demo_ehr.fixtures"]

KEPT = ROOT / "docs" / "pictures"
TAKEN = ROOT / os.environ.get("PICTURES", (SCREENSHOTS / "documents").as_posix())

MERMAID = HERE / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"

#: Takes out what only the machine has that takes the picture: where its checkout is.
_WITHOUT_THIS_MACHINE = """root => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(root, "");
}"""


def ehr_card(page: Page) -> None:
    page.fill("#codes", "M0076")
    page.fill("#text", "Prolotherapy, right knee")
    page.wait_for_selector("text=is not covered: considered investigational")
    page.evaluate("document.activeElement.blur()")


def wire(page: Page) -> None:
    ehr_card(page)
    page.locator(".step summary").first.click()
    page.locator("#steps").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#steps').scrollIntoView()")


def try_it(page: Page) -> None:
    answer(page)
    page.wait_for_selector("text=is not covered: considered investigational")
    page.evaluate("scrollTo(0, 0)")


def from_heading(selector: str) -> Callable[[Page], None]:
    """Return what scrolls to a part of the page."""

    def scroll(page: Page) -> None:
        page.wait_for_selector(selector)
        page.evaluate("selector => document.querySelector(selector).scrollIntoView()", selector)

    return scroll


def answered(page: Page) -> None:
    try_it(page)
    page.locator(".card details[open] summary").click()
    from_heading(".card")(page)


def explained(page: Page) -> None:
    why(page)
    page.wait_for_selector("text=Step by step")


def changed(page: Page) -> None:
    dropped(page)
    page.wait_for_selector("text=To make it live")
    from_heading("main h2")(page)


def logged_in(page: Page) -> None:
    page.fill("#name", "alice")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("text=How quickly")


def nothing(_: Page) -> None:
    """Take the page as it comes."""


#: The pictures by name: whose page, its URL, what is done there, and how high the picture is; all are 1,100 wide.
PICTURES: dict[str, tuple[str, str, Callable[[Page], None], int]] = {
    "ehr-card": ("ehr", "/patients/ida", ehr_card, 700),
    "wire": ("ehr", "/patients/ida", wire, 700),
    "try": ("console", "/", try_it, 620),
    "answer": ("console", "/", answered, 620),
    "why": ("console", "/console/why", explained, 700),
    "drafts": ("console", "/console/drafts", changed, 700),
    "insights": ("operated", "/console/insights", logged_in, 760),
    "policy": ("console", "/console/policies/evicore-cmm-204", nothing, 760),
}

DIAGRAMS = [one for page in sorted((ROOT / "docs").glob("*.md")) for one in diagrams.find(page)]


def size_of(picture: Path) -> tuple[int, int]:
    """Return the width and height of a PNG."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_the_documents_is_taken_from_the_running_product(
    open_page: Open, ehr: RunningEhr, operated: RunningService, name: str
) -> None:
    whose, url, use, height = PICTURES[name]
    ehr.client().post("/patients/ida/new")
    page = open_page(url, (1100, height), {"ehr": ehr.base, "operated": operated.base}.get(whose, ""))
    use(page)

    page.evaluate(_WITHOUT_THIS_MACHINE, f"{ROOT}/")
    page.wait_for_timeout(200)  # what moves has come to rest
    TAKEN.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=TAKEN / f"{name}.png")

    assert size_of(TAKEN / f"{name}.png") == size_of(KEPT / f"{name}.png")


@pytest.mark.skipif(not MERMAID.is_file(), reason="Mermaid is not there: scripts/node-modules")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.name)
def test_a_diagram_is_drawn_of_its_text(chromium: Browser, diagram: diagrams.Diagram, scheme: str) -> None:
    page = chromium.new_page()
    page.set_content("<body></body>")
    page.add_script_tag(path=MERMAID)
    drawn = page.evaluate(
        """async ([text, theme]) => {
            mermaid.initialize({startOnLoad: false, theme, securityLevel: "strict", deterministicIds: true, handDrawnSeed: 1,
                                fontFamily: "system-ui, sans-serif", flowchart: {htmlLabels: false}});
            const {svg} = await mermaid.render("diagram", text);
            const holder = document.createElement("div");
            holder.innerHTML = svg;  // Mermaid's text is HTML's, not XML's
            const shown = holder.querySelector("svg");
            const [, , width, height] = shown.getAttribute("viewBox").split(" ").map(Number);
            shown.setAttribute("width", Math.ceil(width));
            shown.setAttribute("height", Math.ceil(height));
            shown.removeAttribute("style");
            return new XMLSerializer().serializeToString(shown);
        }""",
        [diagram.text, "neutral" if scheme == "light" else "dark"],
    )
    page.close()
    TAKEN.mkdir(parents=True, exist_ok=True)
    (TAKEN / f"{diagram.name}-{scheme}.svg").write_text(f"<!-- of {diagram.digest} -->\n{drawn}\n")

    labels = re.findall(r'"([^"]+)"\]', diagram.text)
    assert "<svg" in drawn
    assert [label for label in labels if label.split("<br>")[0].split()[0] not in drawn] == []
