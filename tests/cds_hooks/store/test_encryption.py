"""What is kept is compressed, and with a key only who has it can read it."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.errors import StartError
from cds_hooks.store import encryption
from cds_hooks.store.encryption import RecordCipher, SealError, make_key, read_keys

TEXT = b'{"resourceType":"Patient","name":[{"family":"Invented"}]}' * 20
ONE, OTHER = b"1" * 32, b"2" * 32

#: TEXT as the first dictionary had it.
FIRST = "010128b52ffd607403cd000020507d5d7d05002770f503a638f37cceb97049c7bd89984f10"


def seal(cipher: RecordCipher, text: bytes, about: bytes = b"a") -> bytes:
    return cipher.seal([(text, about)])[0]


@given(st.lists(st.tuples(st.binary(max_size=5000), st.binary(max_size=20)), min_size=1, max_size=5), st.booleans())
def test_what_is_sealed_can_be_opened(texts: list[tuple[bytes, bytes]], encrypts: bool) -> None:
    cipher = RecordCipher([ONE] if encrypts else [])
    assert [cipher.open(one, about) for one, (_, about) in zip(cipher.seal(texts), texts, strict=True)] == [
        text for text, _ in texts
    ]


@pytest.mark.parametrize("keys", [[], [ONE]])
def test_it_is_smaller(keys: list[bytes]) -> None:
    assert len(seal(RecordCipher(keys), TEXT)) < len(TEXT) / 5


def test_with_a_key_nothing_can_be_read_and_nothing_is_alike() -> None:
    cipher = RecordCipher([ONE])
    first, second = cipher.seal([(b"Invented" * 3, b"a"), (b"Invented" * 3, b"a")])
    assert b"Invented" not in first
    assert first != second
    with pytest.raises(SealError, match="is not in CRD_AUDIT_KEYS"):
        RecordCipher([OTHER]).open(first, b"a")
    with pytest.raises(SealError, match="is not in CRD_AUDIT_KEYS"):
        RecordCipher().open(first, b"a")


def test_after_a_change_of_keys_both_can_be_opened() -> None:
    old = seal(RecordCipher([ONE]), TEXT)
    both = RecordCipher([OTHER, ONE])
    new = seal(both, TEXT)
    assert both.open(old, b"a") == both.open(new, b"a") == TEXT
    assert not both.is_current(old)
    assert both.is_current(new)
    assert RecordCipher([OTHER]).open(new, b"a") == TEXT


def test_what_was_kept_before_there_was_a_key_can_be_opened() -> None:
    plain = seal(RecordCipher(), TEXT)
    assert RecordCipher([ONE]).open(plain, b"a") == TEXT
    assert not RecordCipher([ONE]).is_current(plain)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_text_is_noticed(place: int, change: int) -> None:
    cipher = RecordCipher([ONE])
    sealed = bytearray(seal(cipher, TEXT))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(SealError):
        cipher.open(bytes(sealed), b"a")


def test_a_text_of_another_record_is_noticed() -> None:
    cipher = RecordCipher([ONE])
    with pytest.raises(SealError, match="belongs to another record"):
        cipher.open(seal(cipher, TEXT, b"a"), b"b")


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    first, second = make_key(), make_key()
    file.write_text(f"# since 2026-11\n{first}  # the current one\n\n{second}\n")
    keys = read_keys(file)
    assert [len(key) for key in keys] == [32, 32]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("text", ["", "# none\n", "abc\n", "c2hvcnQ=\n", "é\n"])
def test_a_file_without_good_keys_stops_the_start_and_is_not_repeated(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(StartError, match="crd audit new-key") as told:
        read_keys(tmp_path / "keys")
    assert "c2hvcnQ" not in str(told.value)


def test_dictionaries_never_change() -> None:
    """Records of years rest on them."""
    folder = Path(encryption.__file__).parent / "dictionaries"
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in folder.iterdir()}
    assert digests == {"1.bin": "a8621896d1170a5b", "2.bin": "25191413e58d828c"}


def test_what_was_kept_with_the_first_dictionary_can_be_opened() -> None:
    """As it was written, byte for byte, before there was a second."""
    sealed = bytes.fromhex(FIRST)
    assert RecordCipher().open(sealed, b"a") == TEXT
    assert seal(RecordCipher(), TEXT)[1] > sealed[1]


def test_a_text_of_a_newer_version_is_told() -> None:
    sealed = seal(RecordCipher(), TEXT)
    with pytest.raises(SealError, match="of a newer version"):
        RecordCipher().open(sealed[:1] + b"\xfa" + sealed[2:], b"a")
