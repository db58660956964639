"""The ids of an answer are UUIDs of names, as every other program derives them."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.answering.summary import name_uuid


@given(st.uuids(), st.text())
def test_an_id_is_the_version_5_uuid_of_its_name(namespace: UUID, name: str) -> None:
    """RFC 9562, 5.5: whoever has the namespace can derive it again."""
    assert name_uuid(namespace.bytes, name) == str(uuid5(namespace, name))
