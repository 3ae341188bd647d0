"""Run folders where all machines of a cluster reach them: on a shared disk, or in an S3 bucket.

The process that runs a study has its run folder on a disk of its own, and the log in it is the one truth.
The store holds a copy, from which the run can be read and gone on with when that machine is gone, and the
checkpoints, which workers write there without passing the head.
"""

from studies.records.storage.store import Store, StoreError

__all__ = ["Store", "StoreError"]
