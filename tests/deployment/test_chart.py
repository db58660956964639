"""The Helm chart: rendered by Helm, valid by the schemas of Kubernetes, and as safe as it says with all values."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_hooks.console.mount import check_console
from cds_hooks.settings import PREFIX, Settings, read_settings
from tests.conftest import ROOT
from tests.deployment.helm import CHART, HOOK, ChartError, Helm, Rendered
from tests.deployment.values import INGRESS, LEAST, SETS, SQLITE, Values

pytest_plugins = ["tests.deployment.fixtures"]

#: The oldest that the chart installs on, the newest that is known, and two between.
KUBERNETES = ("1.27.0", "1.30.0", "1.33.0", "1.37.0")

#: What Kubernetes itself does not know, and so has no schema for.
OF_OPERATORS = {"ServiceMonitor", "PrometheusRule"}

TOOLS = next((ROOT / ".venv-deployment").glob("lib/python*/site-packages"), None)


@pytest.fixture(scope="module", name="rendered")
def _rendered(helm: Helm) -> dict[str, Rendered]:
    return {name: helm.render(values) for name, values in SETS.items()}


@pytest.fixture(scope="module", name="kubernetes")
def _kubernetes() -> Iterator[Any]:
    if TOOLS is None or not (ROOT / ".venv-deployment" / "installed").exists():
        pytest.skip("needs the schemas of Kubernetes (scripts/deployment-tools)")
    sys.path.append(str(TOOLS))
    import kubernetes_validate

    yield kubernetes_validate
    sys.path.remove(str(TOOLS))


def env_of(pod: dict[str, Any]) -> dict[str, Any]:
    [container] = pod["containers"]
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", [])}


def test_helm_finds_nothing_wrong_with_the_chart(helm: Helm) -> None:
    said = [line for line in helm.lint().splitlines() if "icon is recommended" not in line]

    assert said == []


def test_the_chart_is_of_the_version_it_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == project["version"]


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name", SETS)
def test_every_manifest_is_valid_in_every_kubernetes(name: str, version: str, helm: Helm, kubernetes: Any) -> None:
    for manifest in helm.render(SETS[name], version).manifests:
        if manifest["kind"] not in OF_OPERATORS:
            assert kubernetes.validate(manifest, version, strict=True) == version.removesuffix(".0")


def test_a_manifest_that_is_not_valid_is_noticed(kubernetes: Any, rendered: dict[str, Rendered]) -> None:
    wrong = {**rendered["least"].of("Service", "-server"), "speck": {}}

    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(wrong, "1.33.0", strict=True)


@pytest.mark.parametrize("name", SETS)
def test_no_pod_may_do_more_than_it_needs(name: str, rendered: dict[str, Rendered]) -> None:
    """Not root, nothing writable but what is named, no capability, no token of the cluster, bounded memory."""
    pods = rendered[name].pods()
    assert {"Deployment", "Pod"} <= set(pods)
    for pod in pods.values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"].get("runAsUser", 1) > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert not [volume for volume in pod.get("volumes", []) if "hostPath" in volume]
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} == set(container["resources"]["limits"]) == set(container["resources"]["requests"])


@pytest.mark.parametrize("name", SETS)
def test_what_may_be_written_is_in_memory_or_bounded(name: str, rendered: dict[str, Rendered]) -> None:
    """The workers' counts (/dev/shm), temporary files, and where the image would put its file."""
    pod = rendered[name].pods()["Deployment"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = pod["containers"][0]["volumeMounts"]

    assert {mount["name"] for mount in mounts} == set(volumes)
    writable = {mount["mountPath"]: volumes[mount["name"]] for mount in mounts if not mount.get("readOnly")}
    assert set(writable) == {"/tmp", "/dev/shm", "/var/lib/crd"}  # noqa: S108 - paths in the container
    assert writable["/dev/shm"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "64Mi"}  # noqa: S108 - the same
    assert [
        v for v in writable.values() if "sizeLimit" not in v.get("emptyDir", {}) and "persistentVolumeClaim" not in v
    ] == []


@pytest.mark.parametrize("name", SETS)
def test_no_secret_is_in_a_manifest(name: str, rendered: dict[str, Rendered]) -> None:
    """URLs with passwords come from Secrets that are there already."""
    manifests = rendered[name]
    assert "Secret" not in manifests.kinds()
    for pod in manifests.pods().values():
        for variable in ("CRD_DATABASE_URL", "CRD_RATE_STORE", "CRD_CONSOLE_KEY", "CRD_OIDC_SECRET"):
            given = env_of(pod).get(variable)
            assert given is None or "secretKeyRef" in given or given.startswith("sqlite:////")


@pytest.mark.parametrize("name", SETS)
def test_the_settings_are_ones_that_the_service_starts_with(
    name: str, rendered: dict[str, Rendered], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("{}")
    variables = {k: v for k, v in env_of(rendered[name].pods()["Deployment"]).items() if k.startswith(PREFIX)}
    assert {k.removeprefix(PREFIX).lower() for k in variables} <= set(Settings.model_fields)
    for variable, value in variables.items():
        if isinstance(value, dict):
            value = {"CRD_RATE_STORE": "valkey://v/0"}.get(variable, "postgresql+psycopg://crd@db/crd")
        if value.startswith("/etc/crd/"):
            value = str(tmp_path if "/rules/" in value else tmp_path / "file")
        monkeypatch.setenv(variable, value)

    settings = read_settings()

    assert settings.may_migrate == (name == "SQLite")
    assert settings.console == ("login" if name == "console" else "off")
    check_console(settings)


def test_every_file_that_a_setting_names_is_mounted(rendered: dict[str, Rendered]) -> None:
    pod = rendered["everything"].pods()["Deployment"]
    folders = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
    named = [value for value in env_of(pod).values() if isinstance(value, str) and value.startswith("/etc/crd/")]

    assert len(named) == 4
    assert [value for value in named if not any(value.startswith(folder) for folder in folders)] == []
    assert env_of(pod)["CRD_PAYERS"] == "/etc/crd/rules/payers/release-7/payers"


def test_the_tables_are_changed_before_the_service_is_and_by_their_owner(rendered: dict[str, Rendered]) -> None:
    job = rendered["everything"].of("Job")
    policy = rendered["everything"].of("NetworkPolicy", "-migrate")

    assert job["metadata"]["annotations"][HOOK] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == ["crd", "store", "migrate", "--wait", "60"]
    assert env_of(rendered["everything"].pods()["Job"]) == {
        "CRD_DATABASE_URL": {"secretKeyRef": {"name": "crd-owner", "key": "url"}}
    }
    assert "serviceAccountName" not in job["spec"]["template"]["spec"]  # which is made after the hooks
    weights = [int(one["metadata"]["annotations"][f"{HOOK}-weight"]) for one in (policy, job)]
    assert weights == sorted(weights)
    assert policy["spec"]["ingress"] == []


def test_a_hook_selects_no_pod_of_the_service(rendered: dict[str, Rendered]) -> None:
    """Calls go to replicas alone, and each policy is for its own Pods."""
    found = rendered["everything"]
    service = found.of("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    job = found.of("Job")["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        found.of("Service", "-server")["spec"]["selector"],
        found.of("Service", "-metrics")["spec"]["selector"],
    ]
    selectors += [found.of(kind)["spec"]["selector"]["matchLabels"] for kind in ("Deployment", "PodDisruptionBudget")]
    selectors.append(found.of("NetworkPolicy", "-server")["spec"]["podSelector"]["matchLabels"])

    assert [one for one in selectors if not one.items() <= service or one.items() <= job] == []
    migrating = found.of("NetworkPolicy", "-migrate")["spec"]["podSelector"]["matchLabels"].items()
    assert migrating <= job
    assert not migrating <= service


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("least", {"httpGet": {"path": "/ready", "port": "http", "scheme": "HTTP"}}),
        ("TLS", {"httpGet": {"path": "/ready", "port": "http", "scheme": "HTTPS"}}),
        ("mutual TLS", {"tcpSocket": {"port": "http"}}),
    ],
)
def test_a_probe_speaks_as_the_service_does(name: str, expected: Values, rendered: dict[str, Rendered]) -> None:
    """Nobody gives the kubelet a certificate, so under mutual TLS it sees that the port is open."""
    container = rendered[name].pods()["Deployment"]["containers"][0]

    assert expected.items() <= container["readinessProbe"].items()
    assert ("httpGet" in expected) == ("httpGet" in container["livenessProbe"])
    if "httpGet" in expected:
        assert (
            container["livenessProbe"]["httpGet"]["path"] == "/health"
        )  # a database that is gone is no reason to restart


def test_a_replica_that_is_to_end_has_time_to_answer_what_it_has(rendered: dict[str, Rendered]) -> None:
    """5 s until nobody sends more, 10 s for a worker that is told to stop (docs/deployment.md)."""
    pod = rendered["least"].pods()["Deployment"]

    assert pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"]
    assert pod["terminationGracePeriodSeconds"] >= 5 + 10
    assert rendered["least"].of("Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_an_ingress_serves_the_host_over_tls_and_nothing_but_the_services(rendered: dict[str, Rendered]) -> None:
    ingress = rendered["ingress"].of("Ingress")

    [rule] = ingress["spec"]["rules"]
    assert ingress["spec"]["tls"] == [{"hosts": ["crd.payer.example"], "secretName": "crd-tls"}]
    assert rule["host"] == "crd.payer.example"
    assert [path["path"] for path in rule["http"]["paths"]] == ["/cds-services"]
    told = {k.rpartition("/")[2]: v for k, v in ingress["metadata"]["annotations"].items()}
    assert (told["proxy-next-upstream"], told["force-ssl-redirect"]) == ("off", "true")
    assert told["proxy-body-size"] == str(Settings.model_fields["max_body_bytes"].default)


def test_the_pages_for_people_are_shown_behind_their_login_and_nothing_else_is(rendered: dict[str, Rendered]) -> None:
    """docs/console.md: they lie at / and under /console."""
    [rule] = rendered["console"].of("Ingress")["spec"]["rules"]

    paths = [(path["path"], path["pathType"]) for path in rule["http"]["paths"]]
    assert paths == [("/", "Exact"), ("/cds-services", "Prefix"), ("/console", "Prefix")]
    assert env_of(rendered["console"].pods()["Deployment"])["CRD_CONSOLE"] == "login"


def test_a_body_that_the_service_takes_passes_the_ingress(rendered: dict[str, Rendered]) -> None:
    told = rendered["everything"].of("Ingress")["metadata"]["annotations"]

    assert told["nginx.ingress.kubernetes.io/proxy-body-size"] == "1048576"
    assert env_of(rendered["everything"].pods()["Deployment"])["CRD_MAX_BODY_BYTES"] == "1048576"


def test_replicas_follow_the_calls_in_flight(rendered: dict[str, Rendered]) -> None:
    """One metric each, or both; the Deployment then leaves the number to the autoscaler."""
    both, one = (rendered[name].of("HorizontalPodAutoscaler")["spec"] for name in ("autoscaling", "everything"))

    assert [metric["type"] for metric in both["metrics"]] == ["Pods", "Resource"]
    assert [metric["type"] for metric in one["metrics"]] == ["Pods"]
    assert one["metrics"][0]["pods"]["metric"] == {"name": "crd_threads_busy"}
    assert (one["minReplicas"], one["maxReplicas"]) == (3, 12)
    assert "replicas" not in rendered["autoscaling"].of("Deployment")["spec"]


def test_the_network_is_closed_but_for_what_is_named(rendered: dict[str, Rendered]) -> None:
    """Metrics for Prometheus only; the database and the Valkey; public servers, at 443."""
    spec = rendered["everything"].of("NetworkPolicy", "-server")["spec"]

    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule["from"] for rule in spec["ingress"])
    [metrics] = [rule for rule in spec["ingress"] if rule["ports"][0]["port"] == "metrics"]
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    to = {rule["ports"][0]["port"]: rule.get("to") for rule in spec["egress"]}
    assert to[5432] == [{"ipBlock": {"cidr": "10.2.0.10/32"}}]
    assert to[6379] == [{"podSelector": {"matchLabels": {"app": "valkey"}}}]
    assert "169.254.0.0/16" in to[443][0]["ipBlock"]["except"]
    assert set(to) == {53, 5432, 6379, 443, 4318}
    assert "NetworkPolicy" not in rendered["OpenShift"].kinds()


def test_metrics_are_found_and_alerts_fit_the_release(rendered: dict[str, Rendered]) -> None:
    """By the operators' own words (monitoring.coreos.com/v1), for which Kubernetes has no schema."""
    found = rendered["everything"]
    monitor, rule, service = found.of("ServiceMonitor"), found.of("PrometheusRule"), found.of("Service", "-metrics")
    shipped = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"][0]["rules"]

    assert monitor["apiVersion"] == rule["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"] == [{"port": "metrics", "path": "/metrics", "interval": "30s"}]
    assert service["spec"]["ports"][0]["name"] == "metrics"
    [group] = rule["spec"]["groups"]
    assert group["rules"] == [one for one in shipped if one.get("alert") != "CrdNotReloaded"]


def test_a_worker_is_missing_where_there_are_fewer_than_there_should_be(helm: Helm) -> None:
    values = {**LEAST, "workers": 4, "metrics": {"prometheusRule": {"enabled": True}}}
    [group] = helm.render(values).of("PrometheusRule")["spec"]["groups"]

    assert [one["expr"] for one in group["rules"] if one.get("alert") == "CrdWorkerMissing"] == ["crd_workers < 4"]


def test_a_trial_with_a_file_is_one_replica_that_keeps_it(rendered: dict[str, Rendered]) -> None:
    found = rendered["SQLite"]

    assert found.of("Deployment")["spec"]["replicas"] == 1
    assert found.of("Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert found.of("PersistentVolumeClaim")["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert not {"Job", "PodDisruptionBudget", "HorizontalPodAutoscaler"} & found.kinds()


REFUSED: dict[str, tuple[Values, str]] = {
    "no address": ({**LEAST, "publicBaseUrl": ""}, "publicBaseUrl must be set"),
    "no clients": ({**LEAST, "auth": {}}, "auth.clientsSecret must be set"),
    "no database": ({**LEAST, "database": {}}, "database.secret must be set"),
    "two files": ({**SQLITE, "replicas": 2}, "database.sqlite allows one replica only"),
    "files that grow in number": (
        {**SQLITE, "autoscaling": {"enabled": True, "maxReplicas": 3}},
        "database.sqlite allows one replica only",
    ),
    "both databases": (
        {**SQLITE, "database": {"secret": "d", "sqlite": {"enabled": True}}},
        "exclude each other",
    ),
    "an Ingress without TLS": ({**INGRESS, "ingress": {"enabled": True}}, "ingress.tlsSecret must be set"),
    "an Ingress that is not believed": ({**INGRESS, "trustedProxies": ""}, "trustedProxies must be set"),
    "tokens for http": ({**INGRESS, "publicBaseUrl": "http://crd.payer.example"}, "must begin with https://"),
    "a path": ({**INGRESS, "publicBaseUrl": "https://payer.example/crd"}, "has a path"),
    "a CA alone": ({**LEAST, "tls": {"clientCaSecret": "ca"}}, "needs tls.secret"),
    "scaling by nothing": ({**LEAST, "autoscaling": {"enabled": True, "cpuUtilization": 0}}, "autoscaling needs"),
    "scaling by what is not measured": (
        {**LEAST, "metrics": {"enabled": False}, "autoscaling": {"enabled": True, "callsInFlight": 9}},
        "needs metrics.enabled",
    ),
    "a setting with a value of its own": ({**LEAST, "settings": {"CRD_AUTH": "none"}}, "settings.CRD_AUTH is set"),
    "a console with a key for each": ({**LEAST, "console": {"enabled": True}}, "console.keySecret must be set"),
    "a console for nobody": ({**LEAST, "console": {"enabled": True, "keySecret": "k"}}, "nobody could log in"),
    "no proof": ({**LEAST, "auth": {"mode": "none", "clientsSecret": "c"}}, "pattern"),
    "a value that is none": ({**LEAST, "replicaCount": 3}, "replicaCount"),
    "root": ({**LEAST, "runAsUser": 0}, "minimum"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_values_that_make_no_good_service_are_refused_and_it_says_why(name: str, helm: Helm) -> None:
    values, why = REFUSED[name]

    with pytest.raises(ChartError, match=re.escape(why)):
        helm.render(values)


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    with pytest.raises(ChartError, match="kubeVersion"):
        helm.render(LEAST, "1.26.0")


def test_the_notes_say_what_is_missing(helm: Helm) -> None:
    least, everything = helm.notes(LEAST), helm.notes(SETS["everything"])

    assert "https://crd.payer.example/cds-services" in least
    assert "NOT encrypted" in least
    assert "counts calls for itself" in least
    assert "NOT encrypted" not in everything
    assert "counts calls" not in everything


def test_every_value_is_in_the_schema_and_said_in_the_file() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())

    assert set(values) == set(schema["properties"]) - {"global"}
    for name, value in values.items():
        known = schema["properties"][name].get("properties")
        if isinstance(value, dict) and known:
            assert set(value) == set(known), name
