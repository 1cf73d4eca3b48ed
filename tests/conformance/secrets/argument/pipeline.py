"""A secret is an argument of a task, and stands nowhere else."""

import hashlib

from witness import attempt

from intermodal import pipeline, secret, task


@task
def fingerprint(me: str, value: str) -> str:
    """A secret must not be an output, but its hash may."""
    with attempt(me) as seen:
        return seen(hashlib.sha256(value.encode()).hexdigest()[:12])


@pipeline
def argument():
    fingerprint.with_options(id="whole")("whole", secret("warehouse"))
    fingerprint.with_options(id="field")("field", secret("api", "token"))
