"""Clusters of Ray nodes for studies: on this machine, and plans for larger ones."""
