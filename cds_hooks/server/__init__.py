"""The server process of `crd serve`: granian, TLS, and clients that hold connections too long."""
