"""TLS where the service terminates it itself: the files checked before anything starts, 1.2 at the least (CRD-89)."""

import ssl
from pathlib import Path
from typing import Any

from granian.constants import SSLProtocols

from cds_hooks.errors import StartError
from cds_hooks.settings import Settings


def tls_options(settings: Settings) -> dict[str, Any]:
    """Return granian's options for TLS, none where it is not terminated here; StartError for what cannot be used.

    TLS 1.2 and 1.3 are spoken, as the guide's base asks and with the cipher suites that rustls has: all of them with
    forward secrecy and authenticated encryption (HK-2, HK-168, sec-2).
    """
    certificate, key, client_ca = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate is None or key is None:
        if certificate or key or client_ca:
            raise StartError("TLS: needs both CRD_TLS_CERTIFICATE and CRD_TLS_KEY")
        return {}
    _check_key(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise StartError(f"CRD_TLS_CERTIFICATE={certificate}: is not usable with CRD_TLS_KEY ({_why(error)})") from None
    options = {"ssl_cert": certificate, "ssl_key": key, "ssl_protocol_min": SSLProtocols.tls12}
    return options | (_client_options(context, client_ca) if client_ca else {})


def _client_options(context: ssl.SSLContext, client_ca: Path) -> dict[str, Any]:
    try:
        context.load_verify_locations(client_ca)
    except (OSError, ValueError) as error:
        raise StartError(
            f"CRD_TLS_CLIENT_CA={client_ca}: has no certificate that can be read ({_why(error)})"
        ) from None
    return {"ssl_ca": client_ca, "ssl_client_verify": True}


def _check_key(key: Path) -> None:
    """Refuse what granian cannot read: anything but an unencrypted PKCS#8 PEM."""
    try:
        text = key.read_bytes()
    except OSError as error:
        raise StartError(f"CRD_TLS_KEY={key}: {error.strerror}") from None
    if b"-----BEGIN PRIVATE KEY-----" not in text:
        raise StartError(
            " ".join(
                (
                    f"CRD_TLS_KEY={key}: must be an unencrypted key in PKCS#8 PEM (BEGIN PRIVATE KEY); convert it with",
                    "openssl pkcs8 -topk8 -nocrypt -in key.pem -out key.pkcs8.pem",
                )
            )
        )


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
