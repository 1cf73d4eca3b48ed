"""Values of classes that declare their fields: pydantic models, dataclasses, named tuples, enums."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import Any

from intermodal.artifacts.serialisers.plain import canonical_json
from intermodal.artifacts.serialisers.protocol import CannotRead, CannotSerialise, plain_type


class TypedSerialiser:
    """Canonical JSON by the class's own declaration, checked to read back equal before it is kept."""

    name = "typed-json"
    extension = ".json"
    kind = "Artifact"

    def handles(self, value_or_type: object) -> bool:
        """A pydantic model, a dataclass, a named tuple or an enum."""
        found = plain_type(value_or_type)
        return found is not None and _declares_fields(found)

    def write(self, value: Any, path: Path) -> None:
        """Write the fields."""
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError

        try:
            adapter: TypeAdapter[Any] = TypeAdapter(type(value))
            plain = adapter.dump_python(value, mode="json", by_alias=True, warnings="error")
            content = canonical_json(plain)
            back = adapter.validate_json(content)
            same = type(back) is type(value) and bool(back == value)
        except (PydanticUserError, TypeError, ValueError, NameError, RecursionError) as problem:
            raise CannotSerialise(f"its fields are not JSON values: {problem}") from problem
        if not same:
            raise CannotSerialise("its fields as JSON would not read back equal")
        path.write_bytes(content)

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read the fields into the hinted class."""
        from pydantic import TypeAdapter, ValidationError

        wanted = plain_type(type_hint)
        if wanted is None or not _declares_fields(wanted):
            raise CannotRead(
                "the class it belongs to is not known here",
                "annotate the input with the class, or make its module importable",
            )
        adapter: TypeAdapter[Any] = TypeAdapter(wanted)
        try:
            return adapter.validate_json(path.read_bytes())
        except ValidationError as problem:
            raise CannotRead(f"the content does not fit `{type_hint}`: {problem}") from problem


def _declares_fields(found: type) -> bool:
    if hasattr(found, "__pydantic_validator__") or dataclasses.is_dataclass(found):
        return True
    return issubclass(found, enum.Enum) or (issubclass(found, tuple) and hasattr(found, "_fields"))


SERIALISERS = (TypedSerialiser(),)
