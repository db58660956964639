"""The README's sample is the first example, and its commands are those that exist."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_readmes_sample_is_the_first_example() -> None:
    path = re.search(r"<!-- sample: (\S+),", README)
    sample = re.search(r"<!-- sample: .*?-->\n```json\n(.*?)```", README, re.DOTALL)
    assert path
    assert sample
    card = json.loads((ROOT / path[1]).read_text())["cards"][0]
    card.pop("overrideReasons")

    assert json.loads(sample[1]) == card


def test_the_readmes_call_posts_that_example() -> None:
    posted = re.search(r"--data-binary @(\S+)", README)

    assert posted
    assert (ROOT / posted[1]).is_file()
    assert posted[1] in README[README.index("<!-- sample:") - 600 :]


def test_the_first_two_commands_are_demo_and_test() -> None:
    first = re.search(r"```\n(.*?)```", README, re.DOTALL)

    assert first
    assert [line.split()[:2] for line in first[1].splitlines()] == [["make", "demo"], ["make", "test"]]


def test_the_demo_posts_the_readmes_example() -> None:
    assert '"evicore-cmm-204" / "m0076-order-select" / "request.json"' in (ROOT / "scripts" / "demo.py").read_text()
