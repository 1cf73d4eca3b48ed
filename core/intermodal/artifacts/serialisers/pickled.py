"""Any value at all, as a pickle: the last resort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intermodal.artifacts.serialisers.protocol import CannotSerialise


class PickleSerialiser:
    """cloudpickle. Reading runs code, and may fail under another version of Python or a library."""

    name = "cloudpickle"
    extension = ".pkl"
    kind = "Artifact"
    unsafe = True

    def handles(self, value_or_type: object) -> bool:
        """Everything: it is asked last."""
        return True

    def write(self, value: Any, path: Path) -> None:
        """Write the pickle in a protocol that all supported Pythons read."""
        import cloudpickle

        try:
            with path.open("wb") as stream:
                cloudpickle.dump(value, stream, protocol=5)
        except OSError:
            raise
        except Exception as problem:  # a class may raise anything while it is pickled
            raise CannotSerialise(f"cloudpickle cannot hold it: {problem}") from problem

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read the value, running what code its pickle asks for."""
        import cloudpickle

        with path.open("rb") as stream:
            return cloudpickle.load(stream)


SERIALISERS = (PickleSerialiser(),)
