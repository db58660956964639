"""Database servers as processes of their own, on free loopback ports, with data in a folder of their own."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.free_ports import free_port

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _program(*names: str) -> str | None:
    """Return the first of some programs that is there; Debian keeps those of PostgreSQL off the PATH."""
    folders = [*map(str, _PROGRAMS), os.environ.get("PATH", "")]
    found = (shutil.which(name, path=os.pathsep.join(folders)) for name in names)
    return next((path for path in found if path), None)


INITDB, POSTGRES, BASEBACKUP = _program("initdb"), _program("postgres"), _program("pg_basebackup")
VALKEY = _program("valkey-server", "redis-server")

#: Why a server cannot run here; empty where it can.
NO_POSTGRESQL = "" if INITDB and POSTGRES else "needs PostgreSQL (apt-get install postgresql)"
NO_VALKEY = "" if VALKEY else "needs Valkey or Redis (apt-get install redis-server)"


class Server:
    """A server process that can be stopped, killed and started again on the same port with the same data."""

    def __init__(self, command: list[str], port: int, user: str | None = None, folder: Path | None = None) -> None:
        self.port = port
        self._command, self._user, self._folder = command, user, folder
        self.start()

    def start(self) -> None:
        """Start it and wait until it accepts connections; what it needs may still be held by its predecessor."""
        for _ in range(5):
            with (Path(self._folder or ".") / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, user=self._user, cwd=self._folder, stdout=log, stderr=log
                )
            if self._answers():
                return
            time.sleep(0.5)
        raise AssertionError((Path(self._folder or ".") / "log").read_text()[-2000:])

    def _answers(self) -> bool:
        for _ in range(600):
            if self._process.poll() is not None:
                return False
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=60).close()
            except OSError:
                time.sleep(0.05)
            else:
                return True
        return False

    def stop(self, number: int = 2) -> None:
        """Stop it by a signal: 2 ends PostgreSQL's sessions and then itself, 9 kills."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)


class PostgreSQL(Server):
    """A PostgreSQL server; as root it runs as another user, since it refuses to run as root.

    With a `primary` it is a standby of that server, and has what that had when this was made.
    """

    def __init__(self, folder: Path, primary: "PostgreSQL | None" = None) -> None:
        port, user = free_port(), _user()
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        made = [str(INITDB), "-D", str(data), "-U", "crd", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        if primary:
            source = f"host=127.0.0.1 port={primary.port} user=crd application_name=standby"
            made = [str(BASEBACKUP), "-D", str(data), "-d", source, "-R", "--checkpoint=fast", "--no-sync"]
        subprocess.run(made, user=user, cwd=folder, check=True, capture_output=True)
        command = [
            str(POSTGRES),
            "-D",
            str(data),
            "-p",
            str(port),
            "-k",
            str(folder),
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        super().__init__(command, port, user, folder)
        self._databases = 0

    def new_database(self) -> str:
        """Make an empty database, and return its URL."""
        import psycopg  # only here where the server is

        self._databases += 1
        name = f"crd{self._databases}"
        for _ in range(100):
            try:
                connection = psycopg.connect(f"postgresql://crd@127.0.0.1:{self.port}/postgres", autocommit=True)
            except psycopg.OperationalError:  # it accepts connections a moment before it serves them
                time.sleep(0.05)
            else:
                with connection:
                    connection.execute(f"CREATE DATABASE {name}")
                return f"postgresql+psycopg://crd@127.0.0.1:{self.port}/{name}"
        raise AssertionError("PostgreSQL does not serve")


class Valkey(Server):
    """A Valkey or Redis server that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        super().__init__([str(VALKEY), "--port", str(port), "--bind", "127.0.0.1", "--save", ""], port, folder=folder)
        self.url = f"redis://127.0.0.1:{port}/0"


def _user() -> str | None:
    return "postgres" if os.geteuid() == 0 else None
