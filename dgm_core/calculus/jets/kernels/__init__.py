"""Derivative streams as compiled C kernels, and step by step where none can be compiled."""
