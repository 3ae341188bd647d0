"""Studies that are killed again and again, and must come out as if nothing had happened."""
