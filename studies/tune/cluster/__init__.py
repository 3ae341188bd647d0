"""A Ray cluster that a study joins: whether it answers, what it has, and what its nodes can do."""
