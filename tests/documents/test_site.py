"""The documentation site: complete, without a dead link, and fit for a strict Content-Security-Policy."""

import re
import shutil
import subprocess
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from cds_hooks.commands.main import COMMANDS
from cds_hooks.errors import HTTP_STATUS
from cds_hooks.settings import Settings
from cds_hooks.telemetry.metrics import METRICS
from cds_hooks.web.openapi import ROUTES
from documentation import diagrams, links
from documentation.__main__ import BuildError, build
from documentation.finishing import POLICY_FILE
from documentation.navigation import read_sections
from tests.conftest import ROOT
from tests.running_service import RunningService

pytest_plugins = ["tests.documents.site_fixture"]

assert subprocess  # these tests run the generator: they count as those that start processes

DOCS = ROOT / "docs"
TEXTS = {path: path.read_text() for path in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]}
DIAGRAMS = [one for path in sorted(DOCS.glob("*.md")) for one in diagrams.find(path)]


def text_of(site: Path, page: str) -> str:
    return re.sub(r"<[^>]+>", "", (site / page).read_text())


def test_every_document_is_in_the_navigation() -> None:
    named = [page.path for section in read_sections(DOCS) for page in section.pages]

    assert sorted(named) == sorted(path.name for path in DOCS.glob("*.md") if path.name != "README.md")


def test_no_link_of_the_site_leads_nowhere(site: Path) -> None:
    assert len(list(site.glob("*.html"))) > 20
    assert links.faults(site) == []


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("nowhere.md", "page does not exist"),
        ("other.md#nowhere", "anchor does not exist"),
        ("../cards/nowhere.json", "nowhere.json"),
        ("pictures/nowhere.png", "nowhere.png"),
    ],
)
def test_a_dead_link_fails_the_build(tmp_path: Path, link: str, reason: str) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("cards", "cds_hooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "docs" / "README.md").write_text(
        f"# A\n\n## B\n\n| to | [other.md](other.md) |\n\n![a]({link}) [a]({link})\n"
    )
    for name in ("other", "connect", "operations"):
        (tmp_path / "docs" / f"{name}.md").write_text("# Other\n\n## 8. When there is no answer\n")

    with pytest.raises(BuildError, match=re.escape(reason)):
        build(tmp_path, tmp_path / "out")


def test_a_dead_link_or_a_picture_from_elsewhere_is_found_in_what_was_built(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        "\n".join(
            (
                '<a href="b.html">b</a><a href="#here">x</a><p id="there"><img src="https://elsewhere.example/a.png">',
                '<a href="https://elsewhere.example/">good</a><a href="a.html#there">good</a>',
            )
        )
    )

    assert [fault.link for fault in links.faults(tmp_path)] == ["b.html", "#here", "https://elsewhere.example/a.png"]


def test_no_page_has_a_script_or_style_of_its_own(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not re.search(
            r"<script(?![^>]* (?:src|type=\"application/json\"))|<style| style=| on\w+=", page.read_text()
        )


def test_the_policy_lets_nothing_run_but_the_sites_own_files(site: Path) -> None:
    policy = (site / POLICY_FILE).read_text()

    assert "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda one: one.name)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_diagrams_picture_was_drawn_of_its_text(diagram: diagrams.Diagram, scheme: str) -> None:
    """`make screenshots` draws them."""
    picture = DOCS / "pictures" / f"{diagram.name}-{scheme}.svg"

    assert picture.read_text().startswith(f"<!-- of {diagram.digest} -->\n")
    assert diagram.shows != "Diagram"


def test_every_picture_is_shown_and_small_and_none_is_missing() -> None:
    shown = {Path(one).name for text in TEXTS.values() for one in re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", text)}
    kept = sorted((DOCS / "pictures").glob("*.png"))

    assert shown == {path.name for path in kept}
    assert max(path.stat().st_size for path in kept) < 150_000


def test_the_readme_opens_with_a_picture() -> None:
    lines = TEXTS[ROOT / "README.md"].splitlines()

    assert any(line.startswith("![") for line in lines[:8])


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("settings", [f"CRD_{name.upper()}" for name in Settings.model_fields]),
        ("commands", [f"crd {name}" for name in COMMANDS]),
        ("http", [route.path for route in ROUTES]),
        ("errors", [f"{status} {HTTPStatus(status).phrase}" for status in set(HTTP_STATUS.values())]),
        ("metrics", list(METRICS)),
        ("policy-schema", ["all-versions", "place-of-service", "prior-authorization.expedited-review"]),
        ("cases-schema", ["info-needed"]),
        ("payer-schema", ["recognised-by"]),
        ("clients-schema", ["max-lifetime"]),
    ],
)
def test_the_reference_says_what_the_code_says(site: Path, page: str, names: list[str]) -> None:
    text = text_of(site, f"reference/{page}.html")

    assert [name for name in names if name not in text] == []


def test_nothing_of_this_machine_is_in_the_site(site: Path) -> None:
    pages = [page.name for page in site.rglob("*.html") if str(ROOT) in page.read_text()]

    assert pages == []


def test_a_running_service_shows_the_site_where_it_was_built(
    site: Path, start_service: Callable[..., RunningService]
) -> None:
    service = start_service(CRD_DOCS=str(site))

    page = requests.get(f"{service.base}/docs/calls.html", timeout=60)
    assert page.headers["Content-Security-Policy"] == (site / POLICY_FILE).read_text().strip()
    assert "<h1" in page.text
    assert requests.get(f"{service.base}/docs", timeout=60).url == f"{service.base}/docs/"
    again = requests.get(f"{service.base}/docs/calls.html", timeout=60, headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    for path in ("/docs/nowhere.html", "/docs/..%2f..%2fpages%2findex.md", "/docs/%2e%2e/zensical.toml", "/docsx"):
        assert requests.get(service.base + path, timeout=60).status_code == 404
    assert '<a href="/docs/">Documents</a>' in requests.get(f"{service.base}/", timeout=60).text
    assert requests.post(f"{service.base}/docs/calls.html", timeout=60).status_code in (404, 405)


def test_a_service_without_a_site_shows_none(
    site: Path, tmp_path: Path, start_service: Callable[..., RunningService]
) -> None:
    shutil.copyfile(site / "index.html", tmp_path / "index.html")  # a folder that is no built site
    for setting in ("off", str(tmp_path)):
        service = start_service(CRD_DOCS=setting)
        answer = requests.get(f"{service.base}/docs/", timeout=60)
        assert answer.status_code == 404
        assert "`make docs` builds it" in answer.json()["issue"][0]["diagnostics"]
        assert "Documents" not in requests.get(f"{service.base}/", timeout=60).text
