"""How it listens: address, processes, limits of connections and time, TLS, logs, metrics and traces."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from cds_hooks.settings.values import File, Networks


class ServingSettings(BaseSettings):
    """How it listens"""

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on, 1 to 65535")
    workers: int = Field(1, ge=1, le=256, description="worker processes, 1 to 256")
    threads: int = Field(
        64, ge=1, le=256, description="threads of each worker that answer calls, or wait on FHIR servers, 1 to 256"
    )
    connections: int = Field(
        256, ge=16, le=8192, description="connections that each worker holds at a time; more wait, 16 to 8192"
    )
    header_timeout: float = Field(
        30.0, ge=1, le=60, description="seconds within which the headers of a (next) request must come, 1 to 60"
    )
    body_timeout: float = Field(
        10.0, ge=1, le=120, description="seconds for the body of a request, 1 to 120; see docs/deployment.md"
    )
    max_body_bytes: int = Field(
        2 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="largest request body in bytes, 1 KiB to 256 MiB",
    )
    trusted_proxies: Networks = Field(
        "", description="addresses and networks whose X-Forwarded-For is believed, separated by commas"
    )
    tls_certificate: File | None = Field(None, description="file of the certificate chain (PEM) to serve TLS by itself")
    tls_key: File | None = Field(None, description="file of the certificate's private key (PKCS#8 PEM, no password)")
    tls_client_ca: File | None = Field(
        None,
        description="file of the CA (PEM) that clients must have a certificate of (mutual TLS); none asks for none",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe log records to write: debug, info, warning or error"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="port to serve metrics (Prometheus) on, 1 to 65535; 0 serves none"
    )
    metrics_host: str = Field("127.0.0.1", min_length=1, description="address to serve metrics on")
    otel: Literal["off", "otlp"] = Field(
        "off", description="traces (OpenTelemetry): off, or otlp, sent as the variables OTEL_* say"
    )
