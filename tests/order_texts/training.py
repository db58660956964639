"""Learns the weights of cards/vocabulary/learned.json of the labelled orders in this folder.

python -m tests.order_texts.training              learn of all orders, and write the file
python -m tests.order_texts.training --by-author  answer each author's orders with weights learned of all the others, and
                                                  print what comes of it by how the authors were asked to write

Logistic regressions (scikit-learn) over what cards/matching/features.py finds in an order that mentions the service: is
it ordered, does an order for it stand, is it concerned at all? Features of fewer than `FEWEST` orders are left out, then all but
the `MOST` heaviest, and what is left is weighed anew: fewer weights are read sooner and, as measured, generalise better.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from cards import PolicyIndex, read_order
from cards.word_kinds import LearnedLimits, LearnedWeights, LearnedWords
from cds_hooks.rules.loading import Rules, RulesError, load_rules
from tests.order_texts.figures import CARDS, Figures, add, answer, measure, read_all, read_set, shipped_rules
from tests.order_texts.sentences import read_sentences

FILE: Final = CARDS / "vocabulary" / "learned.json"
#: The list of words.json whose orders these are.
LIST: Final = "prolotherapy"
FEWEST: Final = 3
MOST: Final = 8000
#: The inverse of the regularisation.
STRENGTH: Final = 100.0
DIGITS: Final = 3

#: From where on the learned reading overrules the rules: chosen by --by-author (README.md, A second reading).
LIMITS: Final = LearnedLimits(
    accept=0.9,
    accept_name=0.95,
    accept_passed_over=0.95,
    ask=0.9,
    refuse_name=0.7,
    refuse_note=0.5,
    silent=0.4,
    stands=0.7,
    clear=0.8,
    told=0.5,
    falls=0.2,
)


class Example(NamedTuple):
    """A labelled order that mentions the service: its author, its features, and the answers to all questions."""

    author: str
    features: frozenset[str]
    is_ordered: bool
    stands: bool
    is_concerned: bool


def read_rules() -> Rules:
    """Return the shipped rules without what was learned before, which may not fit what is to be learned now."""
    with TemporaryDirectory() as folder:
        vocabulary = Path(folder) / "vocabulary"
        shutil.copytree(FILE.parent, vocabulary, ignore=shutil.ignore_patterns(FILE.name))
        return load_rules(vocabulary, CARDS / "policies", CARDS / "payers")


def read_examples(rules: Rules, sets: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Example]:
    """Return the orders of all sets in which the service is named."""
    return [found for name, items in sets.items() for item in items if (found := _read_example(rules, name, item))]


def _read_example(rules: Rules, name: str, item: Mapping[str, Any]) -> Example | None:
    order = read_order({"resourceType": "ServiceRequest", **item["order"]}, rules.vocabulary.code_systems)
    features = rules.index.read(order).features(LIST)
    if not features:
        return None
    is_ordered, is_concerned = item["identity"] == "ordered", item["identity"] != "mentioned"
    return Example(author_of(name), features, is_ordered, item.get("live", False), is_concerned)


def read_orders() -> dict[str, Sequence[Mapping[str, Any]]]:
    """Return all labelled orders by the set they are in, and as sets of their own what other tests ask.

    `rules.json` has the orders of the tests of single rules (tests/cards), labelled as those hold them.
    """
    return {**read_all(), "sentences": read_sentences(), "rules": read_set("rules")}


def author_of(name: str) -> str:
    """Return the author of a set; the sealed part of one is by the same."""
    return name.removesuffix("-sealed")


def kind_of(author: str) -> str:
    """Return how an author was asked to write, of those that were asked for these; the others have one kind."""
    folder, _, name = author.rpartition("/")
    return name.rpartition("-")[0] if folder else "hostile" if author == "hostile" else "earlier authors"


def learn(examples: Sequence[Example]) -> LearnedWords:
    """Return the weights that these orders teach."""
    features = [one.features for one in examples]
    own = [one for one in examples if one.is_ordered]
    return LearnedWords(
        ordered=_fit(features, [one.is_ordered for one in examples]),
        stands=_fit([one.features for one in own], [one.stands for one in own]),
        concerns=_fit(features, [one.is_concerned for one in examples]),
        limits=LIMITS,
    )


def _fit(features: Sequence[frozenset[str]], labels: Sequence[bool]) -> LearnedWeights:
    counting = CountVectorizer(analyzer=sorted, min_df=FEWEST, binary=True, dtype=numpy.float64)
    counted = counting.fit_transform(features)
    first = _regress(counted, labels)
    kept = numpy.sort(numpy.argsort(-abs(first.coef_[0]), kind="stable")[:MOST])
    last = _regress(counted[:, kept], labels)
    names = counting.get_feature_names_out()[kept]
    weights = {str(name): round(float(weight), DIGITS) for name, weight in zip(names, last.coef_[0], strict=True)}
    return LearnedWeights(round(float(last.intercept_[0]), DIGITS), weights)


def _regress(counted: Any, labels: Sequence[bool]) -> LogisticRegression:
    regression = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=0)
    return regression.fit(normalize(counted), labels)


def with_words(rules: Rules, words: LearnedWords) -> Rules:
    """Return the rules with other weights."""
    vocabulary = replace(rules.vocabulary, learned={LIST: words})
    return replace(rules, vocabulary=vocabulary, index=PolicyIndex(rules.index.policies.values(), vocabulary))


def digest_of(examples: Iterable[Example]) -> str:
    """Return the SHA-256 of what is learned of, and how."""
    digest = hashlib.sha256(repr((FEWEST, MOST, STRENGTH, DIGITS, LIMITS)).encode())
    for one in sorted(examples, key=lambda one: (sorted(one.features), one[2:])):
        digest.update(json.dumps([sorted(one.features), *one[2:]]).encode())
    return digest.hexdigest()


def tell_changes(rules: Rules, words: LearnedWords) -> Iterator[str]:
    """Yield the labelled orders that other weights than those of the file answer in another way."""
    try:
        before = shipped_rules()
    except RulesError:
        yield "What was learned before cannot be read, so that no change is told.\n"
        return
    after = with_words(rules, words)
    for item in (item for items in read_all().values() for item in items):
        found, other = (
            found.match.strength.value if (found := answer(item, by)) else "nothing" for by in (before, after)
        )
        if found != other:
            yield f"{item['id']} ({item['expect']}): {found}, now {other}\n"


def write(words: LearnedWords, examples: Sequence[Example]) -> None:
    """Write the file of the weights."""
    limits = {name.replace("_", "-"): value for name, value in words.limits._asdict().items()}
    entry = {
        "orders": len(examples),
        "texts": digest_of(examples),
        "limits": limits,
        "ordered": words.ordered._asdict(),
        "stands": words.stands._asdict(),
        "concerns": words.concerns._asdict(),
    }
    note = (
        "Learned of the labelled orders of tests/order_texts by python -m tests.order_texts.training; not to be edited."
    )
    document = {"$schema": "learned.schema.json", "note": note, "lists": {LIST: entry}}
    FILE.write_text(json.dumps(document, ensure_ascii=False, indent=0) + "\n")


def by_author(rules: Rules) -> Mapping[str, Figures]:
    """Return the figures of every author's orders, read with weights learned of all other authors' orders."""
    sets = read_orders()
    examples = read_examples(rules, sets)
    authors = [one for one in dict.fromkeys(map(author_of, sets)) if one not in ("rules", "sentences")]
    with ProcessPoolExecutor() as pool:
        words = pool.map(learn, ([one for one in examples if one.author != author] for author in authors))
        tasks = zip(authors, words, strict=True)
        return {
            author: measure(
                [item for name, items in sets.items() if author_of(name) == author for item in items],
                with_words(rules, weights),
            )
            for author, weights in tasks
        }


def main() -> None:
    """Learn and write the file, or print the figures by author."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by-author", action="store_true")
    rules = read_rules()
    if not parser.parse_args().by_author:
        examples = read_examples(rules, read_orders())
        words = learn(examples)
        sys.stdout.write(f"Learned of {len(examples)} orders and sentences.\n" + "".join(tell_changes(rules, words)))
        write(words, examples)
        return
    figures = by_author(rules)
    for kind in dict.fromkeys(map(kind_of, figures)):
        of_kind = [figure for author, figure in figures.items() if kind_of(author) == kind]
        sys.stdout.write(f"| {kind} | {len(of_kind)} | {' | '.join(map(str, add(of_kind)))} |\n")


if __name__ == "__main__":
    main()
