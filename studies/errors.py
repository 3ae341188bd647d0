"""What ends a study that was asked for rightly."""

from __future__ import annotations


class StudyError(RuntimeError):
    """A study cannot go on now; the message is one sentence, and says what is to be done."""


class InterruptedStudyError(StudyError):
    """A study was asked to end at a moment at which it had nothing to show yet."""
