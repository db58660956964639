"""Ids of answers."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.answer import derive_uuid


@given(st.uuids(), st.text())
def test_derived_ids_are_uuid5(namespace: uuid.UUID, name: str) -> None:
    """RFC 9562, 5.5."""
    assert derive_uuid(namespace.bytes, name) == str(uuid.uuid5(namespace, name))
