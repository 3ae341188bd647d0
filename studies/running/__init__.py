"""Keeps a run: starts it, goes on with it, writes its records, shows how it stands."""
