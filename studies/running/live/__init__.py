"""What a study shows while it runs: a live table in a terminal or a notebook, plain lines elsewhere."""

from studies.running.live.table import LiveTable

__all__ = ["LiveTable"]
