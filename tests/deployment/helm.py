"""Helm's own library as a process: fetched by Maven once, started once, asked line by line."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHART = ROOT / "deploy" / "chart"
CLASSPATH = HERE / "target" / "classpath"

#: Seconds that Maven may take to download 30 MB.
FETCH_SECONDS = 240

JAVA = ("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp")
#: Maven's word for what a machine without the registry cannot mend.
_NOT_THERE = re.compile(r"\[ERROR\].*(?:Could not (?:resolve|transfer|find)|could not be resolved|Unknown host).*")


#: How an annotation says that something is a hook of Helm, and what stands for it in the copy.
HOOK, _PUT_AWAY = "helm.sh/hook", "put-away.helm.sh/hook"

#: The Kubernetes that is rendered for where it does not matter.
_NEW = "1.33.0"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ChartError(Exception):
    """Helm refused the chart or its values; the text is what it says."""


class Rendered(NamedTuple):
    """What a chart becomes with some values."""

    manifests: list[dict[str, Any]]

    def of(self, kind: str, ending: str = "") -> dict[str, Any]:
        """Return the one manifest of a kind whose name ends so."""
        [found] = [one for one in self.manifests if one["kind"] == kind and _name(one).endswith(ending)]
        return found

    def kinds(self) -> set[str]:
        """Return the kinds of all manifests."""
        return {one["kind"] for one in self.manifests}

    def pods(self) -> dict[str, dict[str, Any]]:
        """Return the specification of every Pod that there would be, by the kind of what makes it."""
        made = {
            one["kind"]: one["spec"]["template"]["spec"] for one in self.manifests if "template" in one.get("spec", {})
        }
        return made | {one["kind"]: one["spec"] for one in self.manifests if one["kind"] == "Pod"}


class Helm:
    """A process that renders and lints the chart.

    The library's `template` leaves hooks out, so it is given a copy in which they are none, and their annotations get
    their names back afterwards.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copy = folder / "chart"
        shutil.copytree(CHART, self._copy)
        for template in self._copy.rglob("templates/**/*.yaml"):
            template.write_text(template.read_text().replace(HOOK, _PUT_AWAY))
        self._process = subprocess.Popen(
            [*JAVA, CLASSPATH.read_text().strip(), str(HERE / "RunHelm.java")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def lint(self) -> str:
        """Return what Helm has to say of the chart; ChartError where it is wrong."""
        return self._ask("lint", CHART, {}, _NEW)

    def notes(self, values: dict[str, Any]) -> str:
        """Return what is said after an installation."""
        return self._ask("notes", CHART, values, _NEW)

    def render(self, values: dict[str, Any], kubernetes: str = _NEW) -> Rendered:
        """Return the manifests with some values; ChartError where Helm, the schema or the chart refuses them."""
        text = self._ask("template", self._copy, values, kubernetes).replace(_PUT_AWAY, HOOK)
        return Rendered([one for one in yaml.load_all(text, Loader=_LOADER) if one])

    def _ask(self, what: str, chart: Path, values: dict[str, Any], kubernetes: str) -> str:
        given, out = self._folder / "values.yaml", self._folder / "said"
        given.write_text(json.dumps(values))
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write("\t".join(map(str, (what, chart, given, kubernetes, out))) + "\n")
        stdin.flush()
        answer = stdout.readline().strip()
        if answer != "ok":
            raise ChartError(out.read_text() if answer else "Helm's process has ended")
        return out.read_text()

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def fetch() -> None:
    """Have Maven download Helm, unless that is done, or skip."""
    missing = [tool for tool in ("java", "javac", "mvn") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"Helm's library needs a Java development kit (17) and Maven; not found: {', '.join(missing)}")
    if _is_there():
        return
    command = ["mvn", "--quiet", "--batch-mode", f"-Dhelm.library={_library()}", "--file", str(HERE / "pom.xml")]
    try:
        done = subprocess.run(
            [*command, "dependency:build-classpath"], capture_output=True, text=True, check=False, timeout=FETCH_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"Maven could not download Helm's library within {FETCH_SECONDS} seconds")
    if lacking := _NOT_THERE.search(done.stdout):
        pytest.skip(f"Maven could not download Helm's library: {lacking[0][:160]}")
    assert done.returncode == 0, done.stdout + done.stderr
    CLASSPATH.touch()


def _is_there() -> bool:
    if not CLASSPATH.is_file() or CLASSPATH.stat().st_mtime < (HERE / "pom.xml").stat().st_mtime:
        return False
    return all(Path(jar).is_file() for jar in CLASSPATH.read_text().strip().split(os.pathsep))


def _library() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{sys.platform}-{machine}"


def _name(manifest: dict[str, Any]) -> str:
    return str(manifest["metadata"]["name"])
