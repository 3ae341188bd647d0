"""Everything that Ray does for a study; the only room that imports it."""
