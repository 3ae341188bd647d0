"""One file for each way in which a study can mislead."""
