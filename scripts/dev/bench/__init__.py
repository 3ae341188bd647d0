"""Benchmarks: peers that do the same work, timed in turn on one thread."""
