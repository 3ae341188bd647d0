"""Tables, figures and a report from a run folder alone."""
