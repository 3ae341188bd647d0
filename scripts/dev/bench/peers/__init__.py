"""Ways to do the work that comparisons measure."""
