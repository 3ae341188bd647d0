"""Ask a question with many trainings: searches and ablations on Ray Tune."""
