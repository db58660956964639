"""Settings: typed, checked at start, each fault with name, value and what is allowed."""

import uuid

import pytest

from cds_hooks.errors import StartError
from cds_hooks.settings import Settings, describe_settings, nearest_setting, read_settings, unknown_variables


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CRD_PORT", "eighty", "1 to 65535"),
        ("CRD_PORT", "70000", "1 to 65535"),
        ("CRD_PORT", "tcp://10.0.0.1:80", "1 to 65535"),  # what Kubernetes sets for a service named crd
        ("CRD_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("CRD_FHIR_CHECK", "maybe", "lenient"),
        ("CRD_POLICIES", "/no/such/folder", "no such folder"),
        ("CRD_TIME_ZONE", "Mars/Olympus", "no such time zone"),
        ("CRD_MAX_NESTING", "1000", "16 to 100"),
        ("CRD_CORS_ORIGINS", "ehr.example.org", "not an origin"),
        ("CRD_CORS_ORIGINS", "https://ehr.example.org/path", "not an origin"),
        ("CRD_ID_NAMESPACE", "x", "UUID"),
        ("CRD_DEFAULT_VERSION", "2.3", "2.0, 2.1 or 2.2"),
        ("CRD_FHIR_TIME_BUDGET", "6", "0.1 to 5"),
        ("CRD_FHIR_SERVERS", "ehr.example.org", "not a base URL"),
        ("CRD_FHIR_SERVERS", "https://ehr.example.org/r4,https://other.example.org/r4?x=1", "not a base URL"),
        ("CRD_PUBLIC_BASE_URL", "payer.example.com", "not a base URL"),
        ("CRD_PUBLIC_BASE_URL", "https://payer.example.com/crd?x", "not a base URL"),
        ("CRD_PUBLIC_BASE_URL", "https://", "not a base URL"),
        ("CRD_CLIENTS", "/no/such/file", "no such file"),
    ],
)
def test_a_wrong_setting_is_refused_with_name_value_and_what_is_allowed(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(StartError) as refused:
        read_settings()

    assert f"{name}={value}" in str(refused.value)
    assert says in str(refused.value)


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_PORT", "x")
    monkeypatch.setenv("CRD_WORKERS", "0")

    with pytest.raises(StartError) as refused:
        read_settings()

    assert len(str(refused.value).splitlines()) == 2


def test_a_wrong_setting_is_said_in_words_of_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_CORS_ORIGINS", "here")

    with pytest.raises(StartError, match=r"^CRD_CORS_ORIGINS=here: not an origin \(origins that"):
        read_settings()


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_PORT", "1234")

    assert read_settings().port == 1234
    assert read_settings(port=5678).port == 5678


def test_an_empty_variable_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_PORT", "")

    assert read_settings().port == 8000


def test_a_variable_that_is_no_setting_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_PROT", "1234")

    assert "CRD_PROT" in unknown_variables()
    assert nearest_setting("CRD_PROT") == {"did_you_mean": "CRD_PORT"}
    assert nearest_setting("CRD_COLOUR_OF_THE_SKY") == {}


def test_every_setting_says_what_it_means_and_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_PORT", "1234")

    rows = {row["name"]: row for row in describe_settings(read_settings())}

    assert len(rows) == len(Settings.model_fields)
    assert rows["CRD_PORT"]["from"] == "environment"
    assert rows["CRD_HOST"]["from"] == "default"
    assert all(row["meaning"] for row in rows.values())


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_DATABASE_URL", "postgresql+psycopg://crd:secret-zyx@db.example.org/crd")

    rows = {row["name"]: row for row in describe_settings(read_settings())}

    assert rows["CRD_DATABASE_URL"]["value"] == "postgresql+psycopg://crd:***@db.example.org/crd"


def test_the_id_namespace_is_a_uuid() -> None:
    assert isinstance(read_settings().id_namespace, uuid.UUID)
