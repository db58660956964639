"""The benchmark judges what it measured, and says what it did not."""

from xml.etree import ElementTree

import pytest

from benchmarks.demands import EXPLAINED, Demand, Results, judge
from benchmarks.rounds import Row, table
from benchmarks.soak import Sample, growth
from benchmarks.waterfall import draw

SVG = "{http://www.w3.org/2000/svg}"


def row(name: str, cost: float = 100.0, rate: float = 1000.0, connections: int = 8, part: str = "parts") -> Row:
    return Row(part, name, connections, rate, 1.0, 2.0, 3.0, cost, {"worker 1": cost}, 50.0)


def verdicts(found: Results) -> dict[str, str]:
    return {demand.text: demand.verdict for demand in judge(found)}


@pytest.mark.parametrize(("cost", "verdict"), [(300.0, "met"), (301.0, "explained"), (2000.0, "missed")])
def test_processor_time_is_judged_by_the_echos(cost: float, verdict: str) -> None:
    found = Results([row("echo"), row("as shipped", cost)], {})

    assert verdicts(found)["processor time as shipped, by the echo's, 8 at a time"] == verdict


@pytest.mark.parametrize(("rate", "verdict"), [(330.0, "met"), (320.0, "explained"), (50.0, "missed")])
def test_throughput_is_a_floor(rate: float, verdict: str) -> None:
    found = Results([row("echo"), row("as shipped", rate=rate)], {})

    assert verdicts(found)["throughput as shipped, by the echo's, 8 at a time"] == verdict


def test_what_a_token_adds_is_judged_by_the_bare_check_of_its_signature() -> None:
    found = Results(
        [row("without a token", 200, connections=1), row("token of ES384", 560, connections=1)],
        {"check of ES384, µs": 300.0},
    )

    assert found.jwt("ES384") == pytest.approx(1.2)
    assert verdicts(found)["what a token of ES384 adds, by its signature's check"] == "met"


@pytest.mark.parametrize(("cost", "verdict"), [(275.0, "met"), (290.0, "explained"), (340.0, "missed")])
def test_a_look_up_of_the_member_is_judged_by_the_same_call_without(cost: float, verdict: str) -> None:
    found = Results([row("without members", 250, connections=1), row("with members", cost, connections=1)], {})

    assert verdicts(found)["processor time with members, by the same call without"] == verdict


def test_every_miss_that_is_explained_is_one_of_a_demand() -> None:
    demands = {demand.text: demand for demand in judge(Results([], {}))}

    assert EXPLAINED.keys() <= demands.keys()
    for text, level in EXPLAINED.items():
        assert level < demands[text].limit if demands[text].is_floor else level > demands[text].limit


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert set(verdicts(Results([], {})).values()) == {"not measured"}
    assert "not measured" in Demand("t", 1.0, None).describe()


def test_a_table_says_what_each_row_is_relative_to_the_first_of_its_part() -> None:
    rows = [row("echo"), row("as shipped", 250, 400), row("1 order", 70, part="bodies")]

    _, echo, shipped, order = table(rows)
    assert "( 1.00)" in echo
    assert "(0.40)" in shipped
    assert "( 2.50)" in shipped
    assert "( 1.00)" in order


def test_each_bar_of_the_chart_begins_where_the_one_above_it_ends() -> None:
    costs = {"echo": 100, "bare answer": 200, "+ logs": 250, "+ metrics": 240, "as shipped": 400}
    chart = ElementTree.fromstring(draw([row(name, cost) for name, cost in costs.items()], "a & b"))  # noqa: S314

    bars = [{k: float(v) for k, v in one.attrib.items() if k in ("x", "width")} for one in chart.iter(f"{SVG}rect")][1:]
    ends = [round(bar["x"] + bar["width"], 1) for bar in bars]
    _, bare, logs, metrics, recording, shipped = bars
    assert bars[0]["x"] == bare["x"] == shipped["x"]
    assert logs["x"] == ends[1]
    assert metrics["x"] + metrics["width"] == pytest.approx(ends[2], abs=0.2)  # it goes back: metrics took less
    assert recording["x"] == pytest.approx(metrics["x"], abs=0.2)
    assert ends[4] == pytest.approx(ends[5], abs=0.2)


def test_growth_of_memory_is_counted_from_when_all_that_stays_is_there() -> None:
    warm = [Sample(1, 1, 100.0)] * 2
    steady = [Sample(1, 1, 200.0)] * 6

    assert growth([*warm, *steady, *[Sample(1, 1, 210.0)] * 2]) == pytest.approx(0.05)
