"""Feedback is tied to a call only where the card was sent to whoever reports on it."""

from pathlib import Path

from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.feedback import find_card
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.samples import exchange, ids


def test_a_card_is_found_for_the_client_it_was_sent_to_and_for_no_other(tmp_path: Path) -> None:
    """Whoever has read a card's id elsewhere does not count among those who saw it."""
    url = f"sqlite:///{tmp_path}/crd.sqlite3"
    prepare(url)
    writer = Writer(connect(url), RecordCipher())
    writer.write(exchange(1, client="north"))
    writer.close()
    engine, card = connect(url, each_alone=True), ids(1)[1]

    sent = find_card(engine, RecordCipher(), card, "north")
    elsewhere = find_card(engine, RecordCipher(), card, "south")
    engine.dispose()

    assert sent is not None
    assert elsewhere is None
