"""The other side of the wire: a hook call as a client makes it, for `crd send` and `crd jwks`."""
