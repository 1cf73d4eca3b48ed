"""numpy arrays as .npy files, without pickled objects inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intermodal.artifacts.serialisers.protocol import (
    CannotRead,
    CannotSerialise,
    TypeName,
    name_of,
)


class ArraySerialiser:
    """An array of numbers, text or records. Subclasses (masked, matrix) are not taken."""

    name = "npy"
    extension = ".npy"
    kind = "Dataset"

    def handles(self, value_or_type: object) -> bool:
        """Exactly `numpy.ndarray`."""
        return name_of(value_or_type) == TypeName("numpy", "ndarray")

    def write(self, value: Any, path: Path) -> None:
        """Write the array; what lies in the gaps of records is written as zeros."""
        import numpy as np

        try:
            with path.open("wb") as stream:
                np.save(stream, without_gaps(value), allow_pickle=False)
        except ValueError as problem:
            raise CannotSerialise(f"an .npy file cannot hold it: {problem}") from problem

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read the array; a file that asks for pickled objects is refused."""
        import numpy as np

        try:
            return np.load(path, allow_pickle=False)
        except ValueError as problem:
            raise CannotRead(f"not an .npy file without objects: {problem}") from problem


def without_gaps(array: Any) -> Any:
    """The array, or a copy whose padding bytes are zero: they are whatever memory held."""
    import numpy as np

    if array.dtype.names is None or array.dtype.hasobject:
        return array
    clean = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        clean[name] = array[name]
    return clean


SERIALISERS = (ArraySerialiser(),)
