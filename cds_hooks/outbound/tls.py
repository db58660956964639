"""TLS of outgoing connections, to FHIR servers as to servers of keys."""

import ssl

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from cds_hooks.outbound.sockets import TlsBudgetSocket


def make_tls_context() -> ssl.SSLContext:
    """Return a context that trusts the system's authorities (or those of SSL_CERT_FILE) and certifi's; TLS 1.2 on.

    Authorities take 20 ms to load, so whoever connects more than once keeps it.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    context.sslsocket_class = TlsBudgetSocket
    return context
