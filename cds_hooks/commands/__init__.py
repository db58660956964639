"""The command `crd`: serve, settings, policies, audit, explain and export."""
