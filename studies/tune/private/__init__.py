"""All that this program uses of Ray and that Ray does not promise to keep, and what it does without.

Every use belongs to a `PrivatePart`.  Before it is used, it checks once that Ray still has what it needs;
where Ray differs, the study takes the public way: it is slower, and its results are the same.  Only the
modules of this package may name private parts of Ray; `tests/test_arrows.py` reads the imports.
"""
