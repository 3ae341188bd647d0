"""Tools of those who develop the program: benchmarks, soak tests, simulations.

They are not installed, and nothing outside this folder and the tests imports them.
"""
