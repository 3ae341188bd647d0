"""What a study does next, as a pure function of what it was told; knows no Ray.

Trials, the logical clock, suggestions, early stopping, and the plans that join them.
"""
