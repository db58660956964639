"""`crd facts recount` counts whole days anew, beside a running service."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from cds_hooks.commands.main import main
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.tables import FACTS
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.samples import exchange

DAY = 86_400_000_000


@pytest.fixture(name="url")
def _url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/crd.sqlite3"
    monkeypatch.setenv("CRD_DATABASE_URL", url)
    return url


def run(*arguments: str, status: int = 0) -> Result:
    ended = CliRunner().invoke(main, ["facts", "recount", *arguments])
    assert ended.exit_code == status, ended.output
    return ended


def counted(url: str) -> int:
    engine = connect(url, each_alone=True)
    with engine.connect() as connection:
        query = sa.select(sa.func.sum(FACTS.c.count)).where(FACTS.c.kind == "call")
        found = connection.execute(query).scalar()
    engine.dispose()
    return int(found or 0)


def test_days_that_are_over_are_counted_and_today_only_when_asked(url: str) -> None:
    prepare(url)
    writer = Writer(connect(url), RecordCipher())
    now = exchange().at
    writer.write(exchange(1, at=now), exchange(2, at=now - DAY), exchange(3, at=now - 2 * DAY))
    writer.close()

    assert run().output.endswith("2 days, 2 calls\n")
    assert counted(url) == 2
    assert run("--with-today").output.endswith("3 days, 3 calls\n")
    assert counted(url) == 3
    assert "say --with-today" in run("--until", "9999-01-01", status=2).output


def test_where_there_is_no_store_it_says_so(url: str) -> None:
    assert "there is no file" in run(status=2).output
    assert url.startswith("sqlite")
