"""What one worker does: trains a trial, measures it, keeps its checkpoints."""
