"""What is shipped to watch the service by: the alerts are the documented ones, and every query is about what there is."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_hooks.telemetry.metrics import METRICS
from tests.conftest import ROOT

FILES = ROOT / "deploy" / "chart" / "files"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())
RULES = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"][0]["rules"]
ALERTS = [rule for rule in RULES if "alert" in rule]

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="needs promtool (apt-get install prometheus)")

#: What Prometheus itself puts onto every series, and onto the buckets of a histogram.
EVERYWHERE = {"job", "instance", "le"}


def queries() -> dict[str, str]:
    """Return every query of the dashboard by its panel and letter, with Grafana's variables replaced."""
    found = {}
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"].replace("$__rate_interval", "5m").replace("$job", ".*")
            found[f"{panel['title']} {target['refId']}"] = query
    return found


QUERIES = queries()
ALL = QUERIES | {rule.get("alert", rule.get("record")): rule["expr"] for rule in RULES}


def metrics_of(query: str) -> list[tuple[str, str]]:
    """Return the metrics that a query is about, each with what it selects by."""
    found = re.findall(r"\b(crd_\w+)(?:\{([^}]*)\})?", query)
    return [(re.sub(r"_(bucket|count|sum|total)$", "", name), labels) for name, labels in found]


@pytest.mark.parametrize("name", ALL)
def test_a_query_is_about_metrics_and_labels_that_there_are(name: str) -> None:
    found = metrics_of(ALL[name])

    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", ALL[name]) for label in group.split(",")}
    known = {label for metric, _ in found for label in METRICS[metric].labels} | EVERYWHERE | {"hook"}
    assert found or "crd:calls_within_5s" in ALL[name]
    assert grouped <= known
    for metric, labels in found:
        assert set(re.findall(r"(\w+)[=!]~?", labels)) <= {*METRICS[metric].labels, *EVERYWHERE}


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {metric for query in QUERIES.values() for metric, _ in metrics_of(query)}

    assert set(METRICS) - shown == set()


def test_panels_do_not_overlap_and_fill_the_width() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        covered = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not covered & cells, panel["title"]
        cells |= covered
    assert len(cells) == 24 * (1 + max(y for _, y in cells))
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_a_legend_names_labels_that_its_query_keeps() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            kept = {
                one.strip() for group in re.findall(r"\bby \(([^)]*)\)", target["expr"]) for one in group.split(",")
            }
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, panel["title"]


def test_the_alerts_are_those_that_the_document_has() -> None:
    rows = re.findall(r"^\| ([^|]+) \| `((?:[^`])+)`[^|]* \|$", OPERATIONS, re.MULTILINE)
    documented = [(what, query.replace(r"\|", "|")) for what, query in rows if "crd_" in query or "crd:" in query]
    documented = [(what, query) for what, query in documented if re.search(r" (<|>|>=) ", query)]

    assert len(documented) == 15
    assert [(alert["annotations"]["summary"], alert["expr"]) for alert in ALERTS] == documented


def test_the_recorded_rule_is_the_documented_one() -> None:
    [block] = re.findall(r"```yaml\n(- record: crd:.*?)```", OPERATIONS, re.DOTALL)

    assert yaml.safe_load(block) == [rule for rule in RULES if "record" in rule]


def test_every_alert_says_how_bad_it_is_and_what_it_found() -> None:
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("critical", "warning", "info")
        assert "$" in alert["annotations"]["description"]


def run(*arguments: object) -> str:
    done = subprocess.run([str(PROMTOOL), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_prometheus_takes_the_rules_and_every_query(tmp_path: Path) -> None:
    shown = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(QUERIES.values())]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": shown}]}))

    assert f"{len(RULES)} rules found" in run("check", "rules", "--lint-fatal", FILES / "alerts.yaml")
    assert f"{len(shown)} rules found" in run("check", "rules", "--lint-fatal", tmp_path / "panels.yaml")


#: Series under which an alert fires, the labels it fires with, and when. `a+bxN` is a start, a step, and how often.
FIRING: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "CrdAnswersLate": (
        {
            'crd_call_duration_seconds_bucket{hook="order-sign",outcome="answered",le="5.0"}': "0+8x120",
            'crd_call_duration_seconds_count{hook="order-sign",outcome="answered"}': "0+10x120",
        },
        {"hook": "order-sign"},
        "1h",
    ),
    "CrdCallsFail": (
        {'crd_calls_total{status="200"}': "0+90x60", 'crd_calls_total{status="503"}': "0+10x60"},
        {},
        "30m",
    ),
    "CrdCoverageNotPrefetched": (
        {
            'crd_prefetch_total{client="north",key="coverage",outcome="absent"}': "0+9x180",
            'crd_prefetch_total{client="north",key="coverage",outcome="given"}': "0+1x180",
        },
        {"client": "north"},
        "2h",
    ),
    "CrdFhirServersFail": (
        {'crd_fhir_reads_total{outcome="READ"}': "0+5x60", 'crd_fhir_reads_total{outcome="TOO_LATE"}': "0+5x60"},
        {},
        "30m",
    ),
    "CrdTokensRefused": (
        {'crd_tokens_rejected_total{claimed="north",cause="expired"}': "0+60x60"},
        {"claimed": "north", "cause": "expired"},
        "30m",
    ),
    "CrdTokensTried": ({'crd_tokens_rejected_total{claimed="unknown",cause="no-kid"}': "0+1200x60"}, {}, "30m"),
    "CrdKeysNotFetched": ({'crd_jwks_fetches_total{outcome="too-late"}': "0+1x60"}, {}, "40m"),
    "CrdClientThrottled": ({'crd_rate_refusals_total{client="north"}': "0+120x60"}, {"client": "north"}, "30m"),
    "CrdThreadsBusy": ({"crd_threads_busy": "128x60", "crd_threads": "128x60"}, {}, "30m"),
    "CrdStoreBehind": ({'crd_queue_length{queue="store"}': "2000x60"}, {"queue": "store"}, "30m"),
    "CrdCommitsSlow": (
        {
            'crd_store_commit_duration_seconds_bucket{le="0.5"}': "0+1x60",
            'crd_store_commit_duration_seconds_bucket{le="1.0"}': "0+9x60",
            'crd_store_commit_duration_seconds_bucket{le="+Inf"}': "0+9x60",
        },
        {},
        "30m",
    ),
    "CrdAnswersRejected": (
        {'crd_feedback_total{policy="acme-12",outcome="overridden"}': "0+1x180"},
        {"policy": "acme-12"},
        "3h",
    ),
    "CrdWorkerMissing": ({"crd_workers": "1x60"}, {}, "30m"),
    "CrdNotReloaded": ({"crd_rules_loaded_timestamp_seconds": "0x2000"}, {}, "25h"),
    "CrdLessCovered": (
        {'crd_answers_total{policy="acme-12",covered="not-covered"}': "0+1x1440 1440+9x240"},
        {"policy": "acme-12"},
        "27h",
    ),
}


def unit_test(name: str, fires: bool) -> dict[str, Any]:
    """Return a test of promtool: some series, and whether the alert fires by them."""
    series, labels, at = FIRING[name]
    [alert] = [one for one in ALERTS if one["alert"] == name]
    given = [{"series": f"{one}", "values": values if fires else "0x2000"} for one, values in series.items()]
    fired = [{"exp_labels": {**labels, **alert["labels"]}}] if fires else []
    return {
        "interval": "1m",
        "input_series": given,
        "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": fired}],
    }


@needs_promtool
def test_every_alert_fires_when_it_should(tmp_path: Path) -> None:
    assert set(FIRING) == {alert["alert"] for alert in ALERTS}
    rules = [{k: v for k, v in rule.items() if k != "annotations"} for rule in RULES]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "crd", "rules": rules}]}))
    tests = [unit_test(name, fires=True) for name in FIRING]
    told = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(told))

    assert "SUCCESS" in run("test", "rules", tmp_path / "tests.yaml")


@needs_promtool
def test_no_alert_fires_where_nothing_happens(tmp_path: Path) -> None:
    """No calls, no refusals: all series stand still."""
    quiet = [name for name in FIRING if name not in ("CrdWorkerMissing", "CrdNotReloaded", "CrdThreadsBusy")]
    (tmp_path / "rules.yaml").write_text((FILES / "alerts.yaml").read_text())
    tests = [unit_test(name, fires=False) for name in quiet]
    told = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(told))

    assert "SUCCESS" in run("test", "rules", tmp_path / "tests.yaml")
