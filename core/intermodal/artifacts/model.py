"""What is known of an artifact: its key in the store, its reference, and its record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from intermodal.artifacts.keys import decode_index, decode_segment, encode_index, encode_segment

REF_MARK = "$artifact"

Name = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Closed(BaseModel):
    """A frozen value whose unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class ArtifactKey(Closed):
    """Which output of which attempt of which task instance; one key is written once."""

    pipeline: Name
    run: Name
    task: Name
    index: tuple[Annotated[int, Field(ge=0)], ...] = ()
    attempt: int = Field(default=1, ge=1)
    output: Name

    @property
    def path(self) -> str:
        """`pipeline/run/task/index/attempt/output`, relative to the root of the store."""
        names = [encode_segment(name) for name in (self.pipeline, self.run, self.task)]
        place = [encode_index(self.index), str(self.attempt)]
        return "/".join([*names, *place, encode_segment(self.output)])

    @classmethod
    def from_path(cls, path: str) -> Self:
        """The key that has this path.

        Raises:
            ValueError: It is no key's path, or one of its names was too long to be kept whole.
        """
        match path.split("/"):
            case [pipeline, run, task, index, attempt, output] if attempt.isdecimal():
                key = cls(
                    pipeline=decode_segment(pipeline),
                    run=decode_segment(run),
                    task=decode_segment(task),
                    index=decode_index(index),
                    attempt=int(attempt),
                    output=decode_segment(output),
                )
            case _:
                raise ValueError(f"not the path of an artifact: {path!r}")
        if key.path != path:
            raise ValueError(f"not the path of an artifact: {path!r}")
        return key


class ArtifactRef(Closed):
    """What travels between tasks in place of an artifact.

    Attributes:
        uri: Where the content is: one file, or a folder.
        sha256: Of the file's bytes; for a folder see `hashing.hash_folder`.
        size: Bytes of content; for a folder the sum over its files.
        kind: The artifact type of the IR, such as `Dataset`.
        format: The name of the serialiser that wrote it.
        metadata: What a reader may want to know besides, such as a file's original name.
    """

    uri: str
    sha256: Sha256
    size: int = Field(ge=0)
    kind: str
    format: str
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The reference as a JSON object that no user's value looks like."""
        return {REF_MARK: self.model_dump(mode="json")}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave.

        Raises:
            ValueError: It is not a reference.
        """
        if set(value) != {REF_MARK}:
            raise ValueError(f"not an artifact reference: its only key must be {REF_MARK!r}")
        return cls.model_validate(value[REF_MARK])


class LineageInput(Closed):
    """An artifact that a task took, and under which name."""

    name: str
    uri: str
    sha256: str


class ArtifactRecord(Closed):
    """One stored version: the sidecar `artifact.json`, written last, that makes it visible.

    Attributes:
        ref: The reference that travels.
        key: Whose output it is.
        created_at: When it was stored, in UTC.
        python_type: Module and qualified name of the value's class.
        code_hash: Of the code that made it, as the caller defines it.
        inputs: The artifacts it was made from.
        parameters: The parameters it was made with. They are kept as they are: callers leave
            secrets out.
        target: What the pipeline ran on, such as `kfp@2`; empty if it is not known.
        link: Address of the run in the engine's user interface; empty if it has none.
        pruned_at: When its content was removed, in UTC; None for content that is there.
        record_version: Of this form.
    """

    ref: ArtifactRef
    key: ArtifactKey
    created_at: AwareDatetime
    python_type: str
    code_hash: str = ""
    inputs: tuple[LineageInput, ...] = ()
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    target: str = ""
    link: str = ""
    pruned_at: AwareDatetime | None = None
    record_version: Literal[1] = 1

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts records by creation, and the same way each time where two clocks agree."""
        return self.created_at, self.key.path


def is_ref(value: object) -> bool:
    """Whether a JSON value is an artifact reference, rather than a user's own value."""
    if not isinstance(value, Mapping) or set(value) != {REF_MARK}:
        return False
    inner = value[REF_MARK]
    return isinstance(inner, Mapping) and set(inner) == set(ArtifactRef.model_fields)
