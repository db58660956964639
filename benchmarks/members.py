"""Members to look a patient up among, the patient of the benchmarks being one of them."""

from benchmarks.bodies import MEMBER
from cds_hooks.members.database_directory import MEMBERS
from cds_hooks.members.digests import digests_of
from cds_hooks.members.loading import DirectoryLoad
from cds_hooks.members.rows import MemberRow
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher

#: So many members are looked among.
COUNT = 100_000


def write_members(url: str) -> None:
    """Load members into a database, which is made where there is none."""
    prepare(url)
    engine = connect(url, durable=False)
    ids = (MEMBER, *(f"EX-{number}" for number in range(10_000, 10_000 + COUNT - 1)))
    with DirectoryLoad(engine, MEMBERS, RecordCipher(), digests_of(())[0]) as directory:
        directory.write(MemberRow("http://example.org/member", one, plan="example-health-plan") for one in ids)
        directory.become_current({})
    engine.dispose()
