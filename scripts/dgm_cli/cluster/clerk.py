"""What is run on a cluster's head for someone who reaches it through Ray Client alone.

It travels by value, so that the head's installation does not matter, and imports where it is used.
"""

from __future__ import annotations

from typing import Any


class Clerk:
    """Passes on to the head's jobs what it is asked."""

    def __init__(self) -> None:
        import ray
        from ray.job_submission import JobSubmissionClient

        self._jobs = JobSubmissionClient(ray.get_runtime_context().gcs_address)

    def submit(self, packed: bytes, environment: dict[str, Any], **job: Any) -> str:
        """Submits a job whose working directory is a packed one."""
        import io
        import tempfile
        import zipfile

        with tempfile.TemporaryDirectory(prefix="dgm-job-") as folder:
            zipfile.ZipFile(io.BytesIO(packed)).extractall(folder)
            return str(self._jobs.submit_job(runtime_env={**environment, "working_dir": folder}, **job))

    def status(self, job: str) -> str:
        """A job's status, by its name."""
        return str(self._jobs.get_job_status(job).value)

    def output(self, job: str, shown: int) -> str:
        """A job's output from a character on."""
        return str(self._jobs.get_job_logs(job))[shown:]

    def stop(self, job: str) -> bool:
        """Whether a job was going on; it is asked to end."""
        return bool(self._jobs.stop_job(job))
