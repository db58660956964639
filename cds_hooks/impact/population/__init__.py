"""An invented population with known truth: what `crd impact` must count of it is known without asking the service."""
