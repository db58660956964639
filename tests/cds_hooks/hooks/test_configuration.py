"""The options of `davinci-crd.configuration`: announced, obeyed, and never in the way (crd.md 4)."""

from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.hooks.configuration import OPTIONS, read_configuration

SIGN = "/cds-services/order-sign-crd"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists, max_leaves=3
)


def configured(example: Any, **options: Any) -> dict[str, Any]:
    """An order-sign with one order not covered, one in doubt, and an M0076 of another patient, who has no Coverage."""
    request = example("m0076-order-sign")
    entries = request["context"]["draftOrders"]["entry"]
    doubtful = {
        **entries[0]["resource"],
        "id": "doubt",
        "subject": {"reference": "Patient/other"},
        "code": {"text": "Evaluate for prolotherapy"},
    }
    request["context"]["draftOrders"]["entry"] = [{"resource": doubtful}, *entries]
    request["extension"] = {
        "davinci-crd.configuration": {name.replace("_", "-"): value for name, value in options.items()}
    }
    return request


def topics(response: Any) -> list[str]:
    return [card["source"]["topic"]["code"] for card in response.json()["cards"]]


def test_every_service_announces_its_options(service: Any) -> None:
    """CRD-108, CRD-110 to 116, CRD-120 to 123; dev-4, dev-5, dev-7 to 9."""
    services = requests.get(f"{service.base}/cds-services", timeout=60).json()["services"]

    for entry in services:
        options = entry["extension"]["davinci-crd.configuration-options"]
        assert [option["code"] for option in options] == ["coverage-info", "off-guideline", "guideline", "max-cards"]
        for option in options:
            assert list(option) == ["code", "type", "name", "description", "default"]
            assert type(option["default"]) is {"boolean": bool, "integer": int}[option["type"]]
            assert option["description"].endswith(".")
        for field in ("code", "name", "description"):
            assert len({option[field] for option in options}) == len(options)


def test_without_configuration_everything_is_sent(service: Any, example: Any) -> None:
    """CRD-129, dev-15: it is never required."""
    response = service.post(SIGN, configured(example))

    assert topics(response) == ["off-guideline", "coverage-info"]
    assert len(response.json()["systemActions"]) == 1


@pytest.mark.parametrize(
    ("declined", "left", "actions"),
    [
        ("off-guideline", ["coverage-info"], 1),
        ("guideline", ["off-guideline", "coverage-info"], 1),
        ("coverage-info", ["off-guideline"], 0),
    ],
)
def test_what_is_switched_off_is_not_sent(
    declined: str, left: list[str], actions: int, service: Any, example: Any
) -> None:
    """CRD-116, CRD-128, dev-14; resp-28: coverage-info is the system action too."""
    response = service.post(SIGN, configured(example, **{declined: False}))

    assert topics(response) == left
    assert len(response.json()["systemActions"]) == actions


@pytest.mark.parametrize(("most", "left"), [(0, []), (1, ["off-guideline"]), (2, ["off-guideline", "coverage-info"])])
def test_max_cards_counts_cards_and_keeps_the_most_important(
    most: int, left: list[str], service: Any, example: Any
) -> None:
    """Spec 4: highest priority first; never count system actions."""
    response = service.post(SIGN, configured(example, max_cards=most))

    assert topics(response) == left
    assert len(response.json()["systemActions"]) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"alt-drug": True, "unknown": {"x": 1}},
        {"coverage-info": "false", "max-cards": "1"},
        {"coverage-info": None, "off-guideline": 0, "max-cards": True},
        {"max-cards": -1},
        {"max-cards": 1.0},
        {"coverage-info": [False]},
    ],
)
def test_nonsense_is_left_at_the_default_and_logged(options: dict[str, Any], service: Any, example: Any) -> None:
    """CRD-117 to 119, CRD-131; dev-6, dev-17: unknown options are ignored, wrong types are logged by name."""
    response = service.post(SIGN, configured(example, **options))

    assert topics(response) == ["off-guideline", "coverage-info"]
    assert len(response.json()["systemActions"]) == 1
    announced = {option.code for option in OPTIONS}
    assert service.logged(response).get("ignored_options", []) == sorted(announced & options.keys())


@pytest.mark.parametrize("whole", [7, "x", [], True])
def test_a_configuration_that_is_none_changes_nothing(whole: Any, service: Any, example: Any) -> None:
    request = configured(example)
    request["extension"]["davinci-crd.configuration"] = whole

    assert topics(service.post(SIGN, request)) == ["off-guideline", "coverage-info"]


@given(given_options=JSON | st.dictionaries(st.sampled_from([option.code for option in OPTIONS]) | st.text(), JSON))
def test_reading_a_configuration_never_fails(given_options: Any) -> None:
    """dev-6."""
    read = read_configuration(given_options)

    assert read.max_cards >= 0
    assert read.declined <= {option.code for option in OPTIONS if option.type == "boolean"}
