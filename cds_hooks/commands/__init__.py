"""The command `crd`: serve, settings, store, policies, audit, explain and export."""
