"""Races: one file each."""
