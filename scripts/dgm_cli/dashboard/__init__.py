"""`dgm dashboard`: what a run is doing, in parts that exist, started and stopped together."""
