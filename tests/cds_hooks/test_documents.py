"""Files that are written by hand: what is wrong with them is said in words, and where."""

from pathlib import Path

import pytest

from cds_hooks.documents import Schema, read_document
from cds_hooks.errors import StartError

SCHEMA = Schema(
    {
        "type": "object",
        "properties": {
            "covered": {"enum": ["covered", "not-covered"], "description": "the guide's code"},
            "title": {"type": "string"},
        },
        "additionalProperties": False,
    }
)


def read(folder: Path, text: str, encoding: str = "utf-8") -> object:
    file = folder / "policy.json"
    file.write_text(text, encoding=encoding)
    return read_document(file, SCHEMA)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """As the editors of Windows write them (RFC 8259, 8.1)."""
    assert read(tmp_path, '{"title": "x"}', "utf-8-sig") == {"title": "x"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{\u201ctitle\u201d: 1}", "line 1, column 2: not JSON: curly quotes; JSON has straight ones"),
        ('{"title": \u201cx\u201d}', "line 1, column 11: not JSON: curly quotes"),
        ("{'title': 1}", "line 1, column 2: not JSON: single quotes; JSON has double ones"),
        ('{"title": "x",\n}', "line 2, column 1: not JSON: a comma before }; behind the last one JSON has none"),
        ('{"title": ["x", ]}', "not JSON: a comma before ]"),
        ('{// new\n"title": "x"}', "line 1, column 2: not JSON: a comment; JSON has none"),
        ('{"title": "x', "line 1, column 11: not JSON: Unterminated string"),
        ('{"title": "x" "covered": 1}', "line 1, column 15: not JSON: Expecting ',' delimiter"),
        ("", "line 1, column 1: not JSON: Expecting value"),
        ('{"covered": "not covered"}', "$.covered: 'not covered' is not one of"),
        ('{"covered": "not covered"}', "did you mean 'not-covered'? (the guide's code)"),
        ('{"titel": "x"}', "did you mean 'title' for 'titel'?"),
    ],
)
def test_what_hands_and_editors_do_to_json_is_told_in_words(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(StartError) as told:
        read(tmp_path, text)

    assert says in str(told.value)


def test_a_word_that_is_like_none_of_those_allowed_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(StartError) as told:
        read(tmp_path, '{"covered": "xyz"}')

    assert "did you mean" not in str(told.value)


@pytest.mark.parametrize(
    ("written", "meant"), [("title-of-it", "title"), ("cov", "covered"), ("titel", "title"), ("ti", ""), ("place", "")]
)
def test_a_name_that_is_a_part_of_one_that_is_known_may_mean_that(written: str, meant: str, tmp_path: Path) -> None:
    with pytest.raises(StartError) as refused:
        read(tmp_path, f'{{"{written}": "x"}}')

    said = str(refused.value)
    assert said.endswith(f"; did you mean '{meant}' for '{written}'?") if meant else "did you mean" not in said
