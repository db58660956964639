"""HL7's validator engine as a process of its own: built by Maven once, started once, asked line by line."""

import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).resolve().parent
TARGET = HERE / "target"
CLASSPATH = TARGET / "classpath"
SHARED = Path(os.environ.get("CRD_SHARED", HERE.parents[2] / "shared"))

#: The published definitions of 2.0.1; those of 2.1 and 2.2 are in `definitions/`.
PACKAGE = "davinci-crd-2.0.1.tgz"

#: Seconds that Maven may take to download 200 MB and to compile, and the validator to answer (it reads R4 first).
BUILD_SECONDS, ANSWER_SECONDS = 480, 180
#: Short runs gain more by starting soon than by the better compiler.
JAVA = ("java", "-Xmx2g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp")
#: Maven's word for what a machine without the registry cannot mend.
_NOT_THERE = re.compile(
    r"\[ERROR\].*(?:Could not (?:resolve|transfer|find)|could not be resolved|No plugin found|Unknown host).*"
)


class Finding(NamedTuple):
    """What the validator says of an element: `location` is a FHIRPath, `id` names the rule (JSON faults have none)."""

    severity: str
    location: str | None
    id: str | None
    message: str

    @property
    def is_error(self) -> bool:
        return self.severity in ("error", "fatal")


class Validator:
    """A running validator; `versions` are those whose definitions it has read."""

    def __init__(self, log: Path, folders: Mapping[str, Path]) -> None:
        self.versions = frozenset(folders)
        self._answers: dict[str, list[Finding]] = {}
        self._log = log
        path = os.pathsep.join((str(TARGET / "classes"), CLASSPATH.read_text().strip()))
        arguments = [f"{version}={folder}" for version, folder in folders.items()]
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*JAVA, path, "Validate", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                encoding="utf-8",
            )

    def validate(self, version: str, resource: Mapping[str, Any], *profiles: str) -> list[Finding]:
        """Return what is wrong with a resource: by R4, by `profiles`, and by the definitions of its extensions.

        Skips the test where the version's definitions are not on this machine.
        """
        if version not in self.versions:
            pytest.skip(f"HL7's validator needs {SHARED / 'ig' / PACKAGE} for CRD {version}")
        line = json.dumps({"version": version, "profiles": profiles, "resource": json.dumps(resource)})
        if line not in self._answers:
            self._answers[line] = [Finding(**finding) for finding in json.loads(self._ask(line))]
        return self._answers[line]

    def _ask(self, line: str) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        watch = threading.Timer(ANSWER_SECONDS, self._process.kill)
        watch.start()
        try:
            stdin.write(line + "\n")
            stdin.flush()
            answer = stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            watch.cancel()
        if not answer:
            raise AssertionError(f"the validator ended: {self._log.read_text()[-2000:]}")
        return answer

    def stop(self) -> None:
        """End it and wait for its end."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def run_validator(work: Path) -> Iterator[Validator]:
    """Build it where that is due, and run it with all versions whose definitions are here, or skip."""
    build()
    folders = {"2.1": HERE / "definitions" / "2.1.0", "2.2": HERE / "definitions" / "2.2.1"}
    package = SHARED / "ig" / PACKAGE
    if package.is_file():
        with tarfile.open(package) as archive:
            archive.extractall(work, filter="data")
        folders["2.0"] = work / "package"
    validator = Validator(work / "validator.log", folders)
    try:
        yield validator
    finally:
        validator.stop()


def build() -> None:
    """Compile the runner, and write the class path of what Maven downloaded, unless that is done, or skip."""
    missing = [tool for tool in ("java", "javac", "mvn") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"HL7's validator needs a Java development kit (17) and Maven; not found: {', '.join(missing)}")
    if _is_built():
        return
    goals = ["compiler:compile", "dependency:build-classpath"]
    command = ["mvn", "--quiet", "--batch-mode", "--file", str(HERE / "pom.xml"), *goals]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"Maven could not download HL7's validator within {BUILD_SECONDS} seconds")
    if lacking := _NOT_THERE.search(done.stdout):
        pytest.skip(f"Maven could not download HL7's validator: {lacking[0][:160]}")
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    CLASSPATH.touch()


def _is_built() -> bool:
    sources = [HERE / "pom.xml", *HERE.glob("src/main/java/*.java")]
    made = [CLASSPATH, *(TARGET / "classes" / f"{path.stem}.class" for path in sources[1:])]
    if not all(path.is_file() for path in made):
        return False
    if any(path.stat().st_mtime > CLASSPATH.stat().st_mtime for path in sources):
        return False
    return all(Path(jar).is_file() for jar in CLASSPATH.read_text().strip().split(os.pathsep))
