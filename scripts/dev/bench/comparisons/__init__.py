"""The comparisons: one a file, found because a module defines one."""
