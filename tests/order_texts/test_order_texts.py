"""The labelled order texts: identity, liveness and recall per set, and the levels reached, which must not fall."""

import json
from collections import Counter

import pytest

from cds_hooks.rules.loading import Rules
from tests.order_texts.figures import BEGIN, END, README, SETS, SURE, answer, measure, read_set, write_table

LABELS = {"definitive", "stated", "qualified", "inferred", "unlisted", "none"}

#: Lowest share by set: what was reached, less one or two orders.
LEVELS = {
    "development": {"recall": 0.91, "caught": 0.66, "nothing": 0.87},
    "held-out": {"recall": 0.71, "caught": 1.0, "nothing": 0.80},
    "fresh": {"recall": 0.92, "caught": 0.90, "nothing": 0.72},
    "everyday": {"recall": 0.95, "caught": 0.95, "nothing": 0.95},
    "everyday-sealed": {"recall": 0.92, "caught": 0.88, "nothing": 0.92},
    "walk-in": {"recall": 0.95, "caught": 0.93, "nothing": 0.87},
    "late": {"recall": 0.95, "caught": 0.90, "nothing": 1.0},
    "physiatry": {"recall": 0.95, "caught": 0.95, "nothing": 0.93},
    "private-practice": {"recall": 0.95, "caught": 0.95, "nothing": 0.93},
    "coders": {"recall": 0.95, "caught": 0.96, "nothing": 0.94},
    "physiatry-sealed": {"recall": 0.94, "caught": 0.88, "nothing": 0.88},
    "private-practice-sealed": {"recall": 0.94, "caught": 0.88, "nothing": 0.88},
    "coders-sealed": {"recall": 0.95, "caught": 0.92, "nothing": 0.87},
    "family-and-sports": {"recall": 0.96, "caught": 0.96, "nothing": 0.95},
    "spine-and-hand": {"recall": 0.96, "caught": 0.96, "nothing": 0.95},
    "rheumatology-and-rural": {"recall": 0.86, "caught": 0.95, "nothing": 0.94},
    "urgent-care-and-dental": {"recall": 0.91, "caught": 0.95, "nothing": 0.94},
    "pain-clinic-and-military": {"recall": 0.89, "caught": 0.92, "nothing": 0.85},
    "academic-and-athletic": {"recall": 0.75, "caught": 0.88, "nothing": 0.90},
    "pain-clinic-and-military-sealed": {"recall": 0.70, "caught": 0.86, "nothing": 0.90},
    "academic-and-athletic-sealed": {"recall": 0.87, "caught": 0.92, "nothing": 0.85},
    "dictated-copied-and-spanish": {"recall": 0.95, "caught": 0.91, "nothing": 0.92},
    "dictated-copied-and-spanish-sealed": {"recall": 0.94, "caught": 0.77, "nothing": 0.80},
    "osteopath-resident-and-desk": {"recall": 0.91, "caught": 0.92, "nothing": 0.92},
    "small-town": {"recall": 0.83, "caught": 0.87, "nothing": 0.87},
    "osteopath-resident-and-desk-sealed": {"recall": 0.80, "caught": 0.40, "nothing": 0.75},
    "physiatrist-assistant-and-chiropractor": {"recall": 0.88, "caught": 0.76, "nothing": 0.8},
    "physiatrist-assistant-and-chiropractor-sealed": {"recall": 0.66, "caught": 0.77, "nothing": 0.87},
    "nurse-veterans-desk-and-fellow": {"recall": 0.82, "caught": 0.81, "nothing": 0.91},
    "nurse-veterans-desk-and-fellow-sealed": {"recall": 0.41, "caught": 0.9, "nothing": 0.83},
    "naturopath-authorizations-and-bilingual": {"recall": 0.97, "caught": 0.84, "nothing": 0.71},
    "naturopath-authorizations-and-bilingual-sealed": {"recall": 0.58, "caught": 0.55, "nothing": 0.81},
    "prolotherapist-scheduling-and-athletes": {"recall": 0.85, "caught": 0.92, "nothing": 0.92},
    "prolotherapist-scheduling-and-athletes-sealed": {"recall": 0.66, "caught": 0.77, "nothing": 0.8},
    "family-doctor-surgery-center-and-podiatry": {"recall": 0.86, "caught": 0.91, "nothing": 0.8},
    "family-doctor-surgery-center-and-podiatry-sealed": {"recall": 0.5, "caught": 0.8, "nothing": 0.87},
    "rural-residents-and-telehealth": {"recall": 0.79, "caught": 0.87, "nothing": 0.9},
    "rural-residents-and-telehealth-sealed": {"recall": 0.45, "caught": 0.5, "nothing": 0.57},
    "integrative-central-desk-and-nurse": {"recall": 0.68, "caught": 0.83, "nothing": 0.9},
    "integrative-central-desk-and-nurse-sealed": {"recall": 0.77, "caught": 0.75, "nothing": 0.75},
    "sports-front-desk-and-rheumatology": {"recall": 0.86, "caught": 0.78, "nothing": 0.92},
    "sports-front-desk-and-rheumatology-sealed": {"recall": 0.68, "caught": 0.75, "nothing": 0.75},
    "pain-clinic-assistants-and-health-center": {"recall": 0.89, "caught": 0.8, "nothing": 0.9},
    "pain-clinic-assistants-and-health-center-sealed": {"recall": 0.73, "caught": 0.85, "nothing": 0.85},
    "osteopath-unit-scheduler-and-locum": {"recall": 0.97, "caught": 0.91, "nothing": 0.84},
    "osteopath-unit-scheduler-and-locum-sealed": {"recall": 0.7, "caught": 0.9, "nothing": 0.8},
    "teaching-hospital-integrative-and-injuries": {"recall": 0.8, "caught": 0.92, "nothing": 0.84},
    "teaching-hospital-integrative-and-injuries-sealed": {"recall": 0.77, "caught": 0.75, "nothing": 0.8},
    "rural-physician-surgical-nurse-and-fellow": {"recall": 0.92, "caught": 0.93, "nothing": 0.9},
    "rural-physician-surgical-nurse-and-fellow-sealed": {"recall": 0.65, "caught": 0.71, "nothing": 0.85},
}
#: Live orders answered with a clause of theirs that says nothing against them: words nobody needs.
MOST_HEDGED = 0.10
#: Of a small set two are more; notes as long as those of the last eight authors have more such clauses.
HEDGED = {
    "dictated-copied-and-spanish-sealed": 0.12,
    "pain-clinic-and-military-sealed": 0.12,
    "physiatrist-assistant-and-chiropractor-sealed": 0.17,
    "nurse-veterans-desk-and-fellow": 0.21,
    "nurse-veterans-desk-and-fellow-sealed": 0.26,  # two of its 12 were conditional before
    "naturopath-authorizations-and-bilingual": 0.17,
    "naturopath-authorizations-and-bilingual-sealed": 0.16,
    "prolotherapist-scheduling-and-athletes": 0.21,
    "prolotherapist-scheduling-and-athletes-sealed": 0.31,
    "family-doctor-surgery-center-and-podiatry": 0.19,
    "family-doctor-surgery-center-and-podiatry-sealed": 0.32,
    "rural-residents-and-telehealth-sealed": 0.42,
    "integrative-central-desk-and-nurse-sealed": 0.14,
    "sports-front-desk-and-rheumatology": 0.13,
    "sports-front-desk-and-rheumatology-sealed": 0.21,
    "pain-clinic-assistants-and-health-center-sealed": 0.21,
    "osteopath-unit-scheduler-and-locum": 0.11,
    "teaching-hospital-integrative-and-injuries": 0.13,
    "teaching-hospital-integrative-and-injuries-sealed": 0.18,
    "rural-physician-surgical-nurse-and-fellow": 0.25,
    "rural-physician-surgical-nurse-and-fellow-sealed": 0.15,
}
#: Sets of which more stated orders are answered with nothing: how many.
PASSED_OVER = {"academic-and-athletic": 3, "teaching-hospital-integrative-and-injuries": 3}


def test_the_sets_are_large_of_all_specialties_and_labelled_throughout() -> None:
    items = [item for name in SETS for item in read_set(name)]

    assert len(items) >= 600
    assert len({item["id"] for item in items}) == len(items)
    for name in SETS:  # authors who do not know each other may both write "Prolotherapy" and no more
        orders = [json.dumps(item["order"], sort_keys=True) for item in read_set(name)]
        assert len(set(orders)) == len(orders)
    assert {item["specialty"] for item in items} >= {"orthopaedics", "pain", "sports-medicine", "vascular", "emergency"}
    assert {item["expect"] for item in items} == LABELS
    assert all(("live" in item) is (item["identity"] == "ordered") for item in items)


@pytest.mark.parametrize("name", SETS)
def test_not_covered_is_never_said_of_an_order_for_another_service(name: str, rules: Rules) -> None:
    """Wrong "not covered" is the costlier mistake: identity has a precision of 1.0."""
    wrong = [
        item["id"]
        for item in read_set(name)
        if item["identity"] != "ordered" and (found := answer(item, rules)) and found.match.strength.value in SURE
    ]

    assert wrong == []


@pytest.mark.parametrize("name", SETS)
def test_the_shares_reached_do_not_fall(name: str, rules: Rules) -> None:
    reached = measure(read_set(name), rules)
    shares = {level: getattr(reached, level).share for level in LEVELS[name]}

    assert {level: share for level, share in shares.items() if share < LEVELS[name][level]} == {}
    assert reached.hedged.share <= HEDGED.get(name, MOST_HEDGED)


@pytest.mark.parametrize("name", SETS)
def test_a_code_and_an_unlisted_code_are_found(name: str, rules: Rules) -> None:
    counted: Counter[tuple[str, bool]] = Counter()
    for item in read_set(name):
        found = answer(item, rules)
        counted[item["expect"], bool(found) and found.match.strength.value == item["expect"]] += 1

    assert counted["definitive", False] == counted["unlisted", False] == 0


def test_agents_into_a_place_are_found_mostly(rules: Rules) -> None:
    found = Counter(
        bool(told) and told.match.strength.value == "inferred"
        for name in SETS
        for item in read_set(name)
        if item["expect"] == "inferred"
        for told in [answer(item, rules)]
    )

    assert found[False] <= 0.25 * found[True]


@pytest.mark.parametrize("name", SETS)
def test_an_order_that_names_the_service_is_seldom_passed_over(name: str, rules: Rules) -> None:
    """Stated orders become conditional in doubt; they are not answered with nothing (3 in 100 at most).

    Those of two sets besides are orders for the service elsewhere, by the name of another service, under a nurse's visit,
    and what was agreed to on the phone.
    """
    stated = [item for item in read_set(name) if item["expect"] == "stated"]

    most = PASSED_OVER.get(name, max(1, 0.03 * len(stated)))
    assert sum(answer(item, rules) is None for item in stated) <= most


@pytest.mark.parametrize("name", SETS)
def test_none_of_our_business_gets_no_noise(name: str, rules: Rules) -> None:
    """CRD-26; found-13."""
    others = [item for item in read_set(name) if item["identity"] == "other"]

    assert [item["id"] for item in others if answer(item, rules)] == []


@pytest.mark.parametrize("name", SETS)
def test_what_decided_stands_where_it_is_said_to_stand(name: str, rules: Rules) -> None:
    """Spans are characters of the text as sent; the first is the service's name, the last the clause of a doubt."""
    for item in read_set(name):
        found = answer(item, rules)
        if found and found.deciding:
            if any("resolve()" in span.path for span in found.deciding):
                continue  # a text of a contained record
            texts = [_at(item["order"], span.path)[span.start : span.end] for span in found.deciding]
            assert all(texts), item["id"]
            clause = found.match.doubt.clause if found.match.doubt else None
            assert clause is None or clause.words == texts[-1], item["id"]


def _at(order: dict, path: str) -> str:
    """Return the text at a FHIRPath of the kind the reader writes."""
    value: object = order
    for step in path.split(".")[1:]:
        name, _, index = step.partition("[")
        assert isinstance(value, dict)
        value = value[name]
        if index:
            assert isinstance(value, list)
            value = value[int(index.rstrip("]"))]
    assert isinstance(value, str)
    return value


def test_the_figures_in_the_readme_are_those_of_today(rules: Rules) -> None:
    """`python -m tests.order_texts.figures --write` puts them there."""
    told = README.read_text().partition(BEGIN)[2].partition(END)[0]

    assert told.strip() == write_table(rules).strip()
