"""scikit-learn estimators: skops where it can hold them, else joblib with a warning."""

from __future__ import annotations

import importlib
import io
import json
from pathlib import Path
from typing import Any

from intermodal.artifacts.serialisers.arrays import without_gaps
from intermodal.artifacts.serialisers.protocol import (
    CannotRead,
    CannotSerialise,
    TypeName,
    names_of,
)

_ESTIMATOR = TypeName("sklearn", "BaseEstimator")
_PLAIN_TYPES = {"numpy.dtype", "scipy.sparse._csr.csr_matrix"}
"""Types that hold data only, which common estimators have as attributes."""

_SCORES = ("sklearn.metrics.", "sklearn.feature_selection.")
"""Modules whose functions compute numbers from arrays, and do nothing else."""

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class SkopsSerialiser:
    """An estimator as a skops file, which holds no code.

    skops itself trusts few types. Trusted here besides are scikit-learn's own classes, its score
    functions and `_PLAIN_TYPES`: an estimator that needs more (a function or a class of the
    user's) is left to joblib.
    """

    name = "skops"
    extension = ".skops"
    kind = "Model"

    def handles(self, value_or_type: object) -> bool:
        """Whatever derives from scikit-learn's `BaseEstimator`."""
        return _ESTIMATOR in names_of(value_or_type)

    def write(self, value: Any, path: Path) -> None:
        """Write the file; equal estimators give equal bytes."""
        dumped = _dumped(value)
        foreign = _foreign_types(io.BytesIO(dumped))
        if foreign:
            raise CannotSerialise(f"skops does not trust {', '.join(foreign)}")
        _write_canonical(dumped, path)

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read the estimator; a type that is not trusted is refused."""
        from skops import io as skops_io

        foreign = _foreign_types(path)
        if foreign:
            raise CannotRead(
                f"the model asks for types that are not safe to load: {', '.join(foreign)}"
            )
        return skops_io.load(path, trusted=skops_io.get_untrusted_types(file=path))


class JoblibSerialiser:
    """An estimator as a pickle of joblib's."""

    name = "joblib"
    extension = ".joblib"
    kind = "Model"
    unsafe = True

    def handles(self, value_or_type: object) -> bool:
        """Whatever derives from scikit-learn's `BaseEstimator`."""
        return _ESTIMATOR in names_of(value_or_type)

    def write(self, value: Any, path: Path) -> None:
        """Write the file, uncompressed so that it is the same bytes everywhere."""
        import joblib

        try:
            joblib.dump(value, path, protocol=5)
        except Exception as problem:  # a class may raise anything while it is pickled
            raise CannotSerialise(f"joblib cannot pickle it: {problem}") from problem

    def read(self, path: Path, type_hint: Any) -> Any:
        """Read the estimator, running what code its pickle asks for."""
        import joblib

        return joblib.load(path)


def _dumped(value: Any) -> bytes:
    from skops import io as skops_io

    try:
        return bytes(skops_io.dumps(value))
    except Exception as problem:  # skops lets through whatever an attribute of the model raises
        raise CannotSerialise(f"skops cannot hold it: {problem}") from problem


def _foreign_types(file: Any) -> list[str]:
    """The types a skops file asks for that neither skops nor we trust."""
    from skops import io as skops_io

    return [name for name in skops_io.get_untrusted_types(file=file) if not _is_trusted(name)]


def _is_trusted(name: str) -> bool:
    """Whether a dotted name is a plain type, or a class or score function of scikit-learn's own."""
    if name in _PLAIN_TYPES:
        return True
    module_name, _, own_name = name.rpartition(".")
    if module_name.partition(".")[0] != "sklearn":
        return False
    try:
        found = getattr(importlib.import_module(module_name), own_name, None)
    except ImportError:
        return False
    if str(getattr(found, "__module__", "")).partition(".")[0] != "sklearn":
        return False
    return isinstance(found, type) or f"{found.__module__}.".startswith(_SCORES)


def _write_canonical(dumped: bytes, path: Path) -> None:
    """Write a skops archive without what differs each time: times and the addresses of objects."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(dumped)) as archive:
        schema = json.loads(archive.read("schema.json"))
        names = set(archive.namelist())
        files: dict[str, str] = {}
        _renumber(schema, names, {}, files)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as clean:
            for old, new in files.items():
                clean.writestr(
                    zipfile.ZipInfo(new, _ZIP_EPOCH), _without_gaps(archive.read(old), new)
                )
            text = json.dumps(schema, indent=2)
            clean.writestr(zipfile.ZipInfo("schema.json", _ZIP_EPOCH), text)


def _renumber(node: Any, names: set[str], ids: dict[int, int], files: dict[str, str]) -> None:
    """Count objects and files in the order of the schema, in place of their addresses.

    A JSON value gets a number of its own each time: whether two equal ones are one object is an
    accident of the interpreter.
    """
    if isinstance(node, list):
        for item in node:
            _renumber(item, names, ids, files)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("__id__"), int):
        address = -len(ids) - 1 if node.get("is_json") else node["__id__"]
        node["__id__"] = ids.setdefault(address, len(ids) + 1)
    if isinstance(node.get("file"), str) and node["file"] in names:
        old = node["file"]
        node["file"] = files.setdefault(old, f"{len(files) + 1}{Path(old).suffix}")
    for item in node.values():
        _renumber(item, names, ids, files)


def _without_gaps(content: bytes, name: str) -> bytes:
    if not name.endswith(".npy"):
        return content
    import numpy as np

    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean = io.BytesIO()
    np.save(clean, without_gaps(array), allow_pickle=False)
    return clean.getvalue()


SERIALISERS = (SkopsSerialiser(), JoblibSerialiser())
