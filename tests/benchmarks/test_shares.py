"""Whose code the samples of a profile were in."""

from benchmarks.shares import sum_up

_SERVE = "serve (granian/server.py:1);answer (/x/cds_hooks/web/hook_calls.py:40)"


def test_a_sample_belongs_to_the_innermost_frame_of_the_service() -> None:
    found = sum_up(
        [
            f"{_SERVE};fullmatch (re/__init__.py:2) 1",
            f"{_SERVE};respond (/x/cards/response/respond.py:9);dumps (orjson) 2",
            f"{_SERVE};write (/x/cds_hooks/store/writer.py:9) 1",
        ]
    )
    assert found == [
        ("writing cards and coverage information", 0.5),
        ("HTTP: admission, headers, errors", 0.25),
        ("recording", 0.25),
    ]


def test_what_no_frame_of_the_service_is_in_is_the_servers() -> None:
    assert sum_up(["thread (0x1);wait (threading.py:1) 3", "a line that is no stack"]) == [
        ("the server, and waiting for the interpreter's lock", 1.0)
    ]
