"""Benchmarks of the whole service and of its parts; `make bench` runs `benchmarks.__main__` (docs/performance.md)."""
