"""Keys for tests."""

from __future__ import annotations

from intermodal.artifacts import ArtifactKey


def make_key(output: str = "result", **changes) -> ArtifactKey:
    fields = {"pipeline": "diagnosis", "run": "r1", "task": "train", **changes}
    return ArtifactKey(output=output, **fields)
