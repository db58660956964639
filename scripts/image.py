"""Carries the Dockerfile out without Docker: its COPY, RUN, ENV and CMD, in a folder instead of an image.

The steps are read from the file, so what is tried is what is built: the packages come from the locks with their
hashes, the wheel is built and installed, the installer is removed. Then the command answers its own health check, as
the image's user where that is possible, and what is in it is listed (CycloneDX), beside the other results of CI.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".venv-deployment" / "bin"

#: The folders of the image that are made in the folder.
PLACES = ("/build", "/venv", "/tools", "/wheels", "/var/lib/crd")

#: Seconds until it answers its health check.
PATIENCE = 90


class Step(NamedTuple):
    """An instruction of a Dockerfile: the stage it is in (from 0), its name, and what is behind it."""

    stage: int
    name: str
    text: str


class ImageError(Exception):
    """What is built is not as it should be; the text says how."""


def read_steps(path: Path) -> Iterator[Step]:
    """Yield the instructions of a Dockerfile, those over several lines as one."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    stage = -1
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, text = line.strip().partition(" ")
        stage += name == "FROM"
        yield Step(stage, name, text.strip())


class Builder:
    """Carries out the steps of the first stage in a folder, and knows the environment of the last."""

    def __init__(self, work: Path, steps: list[Step]) -> None:
        self.work, self.last = work, max(step.stage for step in steps)
        self.environment: dict[str, str] = {}
        for place in PLACES:
            (work / place[1:]).mkdir(parents=True, exist_ok=True)
        for step in steps:
            self._carry_out(step)

    def _carry_out(self, step: Step) -> None:
        if step.stage == 0 and step.name == "COPY":
            self._copy(step.text.split())
        elif step.stage == 0 and step.name == "RUN":
            self._run(step.text)
        elif step.stage == self.last and step.name == "ENV":
            for word in shlex.split(step.text):
                name, _, value = word.partition("=")
                self.environment[name] = self.moved(value)

    def moved(self, text: str) -> str:
        """Return a text in which the image's folders are those here."""
        return re.sub(rf"(?<![\w/])({'|'.join(PLACES)})(?=[/\s:*]|$)", rf"{self.work}\1", text).replace(
            "sqlite:////var", f"sqlite:///{self.work}/var"
        )

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        for source in sources:
            place = self.work / "build" / (target if target != "./" else source)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, place)

    def _run(self, command: str) -> None:
        python = re.sub(r"(?<![/\w])python -m venv", f"{shlex.quote(sys.executable)} -m venv", self.moved(command))
        python = python.replace("pip install", "pip install --quiet --disable-pip-version-check")
        print("+", python[:160], flush=True)
        subprocess.run(["sh", "-euc", python], cwd=self.work / "build", check=True)


def check_contents(work: Path) -> str:
    """Say how large it is; ImageError where it holds an installer, or not the versions of the locks."""
    packages = next((work / "venv").glob("lib/python*/site-packages"))
    held = {path.name.lower() for path in packages.iterdir()}
    if {"pip", "pytest"} & held:
        raise ImageError("the image has an installer, or packages of the tests")
    size = sum(path.stat().st_size for path in (work / "venv").rglob("*") if path.is_file() and not path.is_symlink())
    return f"{size / 2**20:.0f} MiB beside Python"


def is_open_to_others(program: Path) -> bool:
    """Tell whether the image's user could run a program of this machine: not where it is in root's own folder."""
    return all(path.stat().st_mode & 0o001 for path in (program.resolve(), *program.resolve().parents))


def check_command(builder: Builder, steps: list[Step], port: int) -> None:
    """Run the image's command as its user, until its health check is content; ImageError where it never is."""
    said = {step.name: step.text for step in steps if step.stage == builder.last}
    command = json.loads(said["CMD"])
    health = json.loads(said["HEALTHCHECK"].partition("CMD ")[2])
    user = int(said["USER"]) if os.geteuid() == 0 and is_open_to_others(Path(sys.executable)) else None
    if user:
        os.chmod(builder.work, 0o755)  # noqa: S103 - the folder of a trial, which the image's user enters
        shutil.chown(builder.work / "var/lib/crd", user)
    told = {"PATH": builder.environment["PATH"].replace("$PATH", os.environ["PATH"]), "CRD_PORT": str(port)}
    told |= {"CRD_AUTH": "none", "CRD_ALLOW_UNAUTHENTICATED": "1", "CRD_HOST": "127.0.0.1"}
    environment = {**builder.environment, **told}
    service = subprocess.Popen(command, env=environment, cwd=builder.work, user=user)
    try:
        ends = time.monotonic() + PATIENCE
        while subprocess.run(health, env=environment, capture_output=True, check=False).returncode:
            if service.poll() is not None or time.monotonic() > ends:
                raise ImageError("the image's command does not answer its health check")
            time.sleep(0.5)
    finally:
        service.terminate()
        service.wait(timeout=30)


def write_contents(work: Path, out: Path) -> int:
    """Write what is in the image as CycloneDX; return how many packages, ImageError where one of a lock is missing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [str(TOOLS / "cyclonedx-py"), "environment", "--output-reproducible", "--output-format", "JSON"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-file", str(out), str(work / "venv/bin/python")]
    subprocess.run(command, check=True, capture_output=True)
    told: dict[str, Any] = json.loads(out.read_text())
    listed = {f"{normal(one['name'])}=={one['version']}" for one in told["components"]}
    if missing := locked_versions() - listed:
        raise ImageError(f"not in the image as locked: {', '.join(sorted(missing))}")
    return len(listed)


def locked_versions() -> set[str]:
    """Return the packages of the locks that the image is made of, as NAME==VERSION."""
    locks = (ROOT / name for name in ("requirements.txt", "requirements-extras.txt"))
    pins = [pin for lock in locks for pin in re.findall(r"^([\w.-]+)==([\w.+!-]+)", lock.read_text(), re.MULTILINE)]
    return {f"{normal(name)}=={version}" for name, version in pins}


def normal(name: str) -> str:
    """Return a package's name as the index compares it (PyPA, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Build, check and list; say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contents", type=Path, default=ROOT / "build" / "image.cdx.json", help="where to list them")
    options = parser.parse_args()
    steps = list(read_steps(ROOT / "Dockerfile"))
    with tempfile.TemporaryDirectory(prefix="crd-image-") as folder:
        builder = Builder(Path(folder), steps)
        size = check_contents(Path(folder))
        check_command(builder, steps, free_port())
        listed = "not listed: scripts/deployment-tools has no cyclonedx-py"
        if (TOOLS / "cyclonedx-py").exists():
            listed = f"{write_contents(Path(folder), options.contents)} packages, listed in {options.contents}"
    print(f"image: {size}, {listed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
