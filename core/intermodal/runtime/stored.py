"""Values that travel by reference: fetched when they come in, stored when they go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from intermodal.dataversions.marker import content_key, holds_data, is_data, replaced, wanted_of
from intermodal.runtime.context import Context
from intermodal.runtime.events import LARGEST_VALUE, canonical
from intermodal.runtime.problems import InfrastructureError, WrongValue
from intermodal.runtime.secrets import (
    hide_secrets,
    holds_secret,
    is_secret,
    mentions_secret,
    reveal,
)
from intermodal.runtime.typed import (
    REF_MARK,
    bare,
    from_json,
    holds_artifact,
    is_artifact_class,
    is_scalar,
    record_fields,
)

if TYPE_CHECKING:
    from intermodal.artifacts import ArtifactRef, ArtifactStore, LineageInput
    from intermodal.findings import Finding

VALUE_KIND = "Value"
"""The kind of a parameter's value that was too large to travel as one."""

USER_CODES = ("PORT402", "PORT406", "PORT409", "PORT555", "PORT557")
"""Findings about what the user's code returned, or was to be given, not about the store."""


@lru_cache(maxsize=8)
def open_store(uri: str) -> ArtifactStore:
    """The artifact store at an address; one of each per process."""
    from intermodal.artifacts import ArtifactStore

    with store_errors():
        return ArtifactStore(uri)


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what the store raises into whose trouble it is."""
    from intermodal.findings import FindingsError

    try:
        yield
    except FindingsError as problem:
        text = "; ".join(_told(finding) for finding in problem.findings)
        if all(finding.code in USER_CODES for finding in problem.findings):
            raise WrongValue(text) from problem
        raise InfrastructureError(text) from problem
    except OSError as problem:
        raise InfrastructureError(f"the artifact store failed: {problem}") from problem


def _told(finding: Finding) -> str:
    why = f" ({finding.why})" if finding.why else ""
    following = f"; {finding.next}" if finding.next else ""
    return f"{finding.what}{why}{following} [{finding.code}]"


class Inputs:
    """A task's inputs as it takes them, and what they came from.

    Args:
        context: Whose inputs.
        by_path: Give artifacts as local paths instead of values.
    """

    def __init__(self, context: Context, *, by_path: bool = False) -> None:
        self.lineage: list[LineageInput] = []
        self.kinds: dict[str, str] = {}  # of artifacts, by URI
        self.formats: dict[str, str] = {}  # the same
        self.parameters: dict[str, Any] = {}
        self._context = context
        self._by_path = by_path

    def take(self, name: str, value: Any, hint: Any) -> Any:
        """The value of one input.

        Raises:
            WrongValue: It does not fit its annotation.
            InfrastructureError: It cannot be had.
        """
        what = f"input `{name}` of `{self._context.task}`"
        # Compiled code may have put a secret in already.
        if not (holds_ref(value) or mentions_secret(value) or holds_secret(value)):
            self.parameters[name] = shown_data(value)
        fetched, is_value = self._fetched(value, hint, name)
        return from_json(fetched, hint, what) if is_value else fetched

    def _fetched(self, value: Any, hint: Any, name: str) -> tuple[Any, bool]:
        """The value without references and secrets, and whether its annotation is to read it."""
        if is_secret(value):
            return reveal(value), True
        if _looks_like_ref(value):
            return self._loaded(value, hint, name)
        if is_data(value):
            return self._fetched_data(value, hint, name)
        if not isinstance(value, list | dict) or not _holds_more(value):
            return value, True
        parts = part_hints(hint, value)
        if isinstance(value, list):
            return [self._fetched(v, parts(n), name)[0] for n, v in enumerate(value)], True
        return {key: self._fetched(v, parts(key), name)[0] for key, v in value.items()}, True

    def _loaded(self, value: dict[str, Any], hint: Any, name: str) -> tuple[Any, bool]:
        ref = reference_in(value)
        if ref is None:
            return value, True
        from intermodal.artifacts import LineageInput

        store = open_store(self._context.store_uri)
        with store_errors():
            self.lineage.append(LineageInput(name=name, uri=ref.uri, sha256=ref.sha256))
            self.kinds[ref.uri] = ref.kind
            self.formats[ref.uri] = ref.format
            if ref.kind == VALUE_KIND:
                whole, _ = self._fetched(store.load(ref), hint, name)
                return whole, True
            if self._by_path:
                return store.open_path(ref), False
            return store.load(ref, hint), False

    def _fetched_data(self, value: dict[str, Any], hint: Any, name: str) -> tuple[Any, bool]:
        from intermodal.artifacts import LineageInput
        from intermodal.dataversions.fetch import fetch
        from intermodal.dataversions.reading import load_data

        with store_errors():
            found = fetch(wanted_of(value))
            self.lineage.append(LineageInput(name=name, uri=found.address, sha256=found.sha256))
            if self._by_path:
                return found.path, False
            return load_data(found.path, hint, f"input `{name}` of `{self._context.task}`")


def shown_data(value: Any) -> Any:
    """The value with the addresses of versions of data in place of their markers."""
    return replaced(value, lambda wanted: wanted.address) if holds_data(value) else value


def load_value(value: Any, store_uri: str) -> Any:
    """A JSON value in place of a reference to a large value or to metrics; other references stay.

    Raises:
        InfrastructureError: It cannot be read.
    """
    ref = reference_in(value)
    if ref is None or ref.kind not in (VALUE_KIND, "Metrics"):
        return value
    with store_errors():
        return open_store(store_uri).load(ref)


def reference_in(value: Any) -> ArtifactRef | None:
    """The reference that a JSON value is; None for any other value, with nothing heavy imported."""
    if not _looks_like_ref(value):
        return None
    from intermodal.artifacts import ArtifactRef, is_ref

    return ArtifactRef.from_json(value) if is_ref(value) else None


def references_in(value: Any) -> Iterator[ArtifactRef]:
    """The references in a JSON value to artifacts, not to large values."""
    if not holds_ref(value):
        return
    ref = reference_in(value)
    if ref is None:
        parts = value.values() if isinstance(value, dict) else value
        for part in parts:
            yield from references_in(part)
    elif ref.kind != VALUE_KIND:
        yield ref


class Outputs:
    """Where a task's outputs go: JSON values on, artifacts and large values into the store."""

    def __init__(self, context: Context, inputs: Inputs, code_hash: str, code: str = "") -> None:
        self.parameters: dict[str, Any] = {}
        self.references: dict[str, ArtifactRef] = {}
        self.findings: list[Finding] = []
        self._context = context
        self._inputs = inputs
        self._code_hash = code_hash
        self._code = code

    def keep_parts(self, name: str, value: Any, hint: Any, what: str) -> Any:
        """The value with references in place of artifacts in its lists, mappings and records.

        Args:
            name: The output's; its parts are kept as `name[0]`, `name[key]`.
            value: What the task gives.
            hint: Its annotation, which says what is an artifact.
            what: Names the value in errors.

        Raises:
            WrongValue: A part is of another class.
        """
        hint = _option(bare(hint), value)
        if not holds_artifact(hint) or is_scalar(value) or reference_in(value) is not None:
            return value
        if is_artifact_class(hint):
            return self.give_artifact(name, checked_artifact(value, hint, what), "", hint)
        fields = record_fields(hint)
        if isinstance(value, Mapping):
            items: Any = value.items()
        elif fields is not None:
            items = [(key, getattr(value, key)) for key in fields if hasattr(value, key)]
        elif isinstance(value, list | tuple):
            inner = part_hints(hint, value)
            return [
                self.keep_parts(f"{name}[{n}]", item, inner(n), f"{what}[{n}]")
                for n, item in enumerate(value)
            ]
        else:
            return value
        inner = part_hints(hint, value if isinstance(value, dict) else {})
        return {
            key: self.keep_parts(f"{name}[{key}]", item, inner(key), f"{what}[{key!r}]")
            for key, item in items
        }

    def give_value(self, name: str, value: Any) -> Any:
        """The JSON that stands for a JSON value: itself, or a reference if it is large."""
        self.parameters[name] = by_content(value)
        if isinstance(value, bool | int | float) or value is None:
            return value
        if len(canonical(value).encode("utf-8", "surrogatepass")) <= LARGEST_VALUE:
            return value
        return self._save(name, value, VALUE_KIND, None, "json").to_json()

    def give_artifact(self, name: str, value: Any, kind: str, hint: Any) -> Any:
        """The reference of a stored artifact; an empty kind is that of its annotation."""
        if not kind:
            from intermodal.artifacts.serialisers import kind_of

            kind = kind_of(hint)
        ref = self._save(name, value, kind, hint, None)
        self.references[name] = ref
        return ref.to_json()

    def _save(
        self, name: str, value: Any, kind: str, hint: Any, serialiser: str | None
    ) -> ArtifactRef:
        from intermodal.artifacts import ArtifactKey

        context = self._context
        key = ArtifactKey(
            pipeline=context.pipeline,
            run=context.run_id,
            task=context.task,
            index=context.index,
            attempt=context.attempt,
            output=name,
        )
        store = open_store(context.store_uri)
        with store_errors():
            ref, findings = store.save(
                value,
                key,
                kind=kind,
                type_hint=hint,
                serialiser=serialiser,
                inputs=self._inputs.lineage,
                code_hash=self._code_hash,
                parameters=self._inputs.parameters,
                target=context.target,
                link=context.link,
            )
            if self._code and self._code_hash:
                store.keep_code(self._code_hash, hide_secrets(self._code))
                self._code = ""  # kept, for all outputs
        self.findings.extend(findings)
        return ref


def by_content(value: Any) -> Any:
    """The value with the SHA-256 of what they refer to in place of references; data by its pin."""
    if holds_data(value):
        value = replaced(value, content_key)
    if not holds_ref(value):
        return value
    ref = reference_in(value)
    if ref is not None:
        return {REF_MARK: ref.sha256}
    if isinstance(value, dict):
        return {key: by_content(item) for key, item in value.items()}
    return [by_content(item) for item in value]


def _looks_like_ref(value: Any) -> bool:
    """Whether it is worth loading the artifact model to ask."""
    return isinstance(value, dict) and len(value) == 1 and REF_MARK in value


def _holds_more(value: Any) -> bool:
    """Whether something in a JSON value is to be fetched."""
    return holds_ref(value) or mentions_secret(value) or holds_data(value)


def holds_ref(value: Any) -> bool:
    """Whether a JSON value is a reference, or has one inside."""
    if isinstance(value, dict):
        return _looks_like_ref(value) or any(holds_ref(item) for item in value.values())
    return isinstance(value, list) and any(holds_ref(item) for item in value)


def part_hints(hint: Any, value: Any) -> Callable[[Any], Any]:
    """What the annotation of a list or mapping says of the part at a position or key; None for nothing."""
    hint = _option(bare(hint), value)
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple and args[-1:] != (...,):
        return lambda place: args[place] if isinstance(place, int) and place < len(args) else None
    fields = record_fields(hint) or {}
    if fields:
        return fields.get
    inner = next((arg for arg in reversed(args) if arg is not ...), None)
    return lambda _place: inner


def _option(hint: Any, value: Any) -> Any:
    """The part of a union that is meant for a value; other annotations as they are."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    options = [bare(arg) for arg in get_args(hint) if arg is not type(None)]
    fitting = [option for option in options if _is_container(option, value)]
    return next(iter(fitting or options), None)


def _is_container(hint: Any, value: Any) -> bool:
    """Whether an annotation is of lists, where the value is one, or of mappings."""
    kind = get_origin(hint) or hint
    wanted = Mapping if isinstance(value, dict) else Sequence
    return isinstance(kind, type) and issubclass(kind, wanted)


def is_artifact(tag: str) -> bool:
    """Whether an output's type tag is an artifact kind; those of parameters are in lower case."""
    return tag[:1].isupper()


def checked_artifact(value: Any, hint: Any, what: str) -> Any:
    """The value, if it is of the annotated class.

    Raises:
        WrongValue: It is of another.
    """
    if value is None and hint is not None and not _is_optional(hint):
        raise WrongValue(f"{what} is None; return the value, or annotate it as `... | None`")
    if not isinstance(hint, type) or isinstance(value, _stand_ins(hint)):
        return value
    try:
        fits = isinstance(value, hint)
    except TypeError:  # a protocol that cannot be asked
        return value
    if not fits:
        raise WrongValue(f"{what} is a {type(value).__name__}, not {hint.__name__}")
    return value


def _is_optional(hint: Any) -> bool:
    return type(None) in get_args(hint) or hint in (Any, object)


def _stand_ins(hint: type) -> tuple[type, ...]:
    """What the store takes for a class besides its own instances."""
    from intermodal.artifacts import Html, Markdown, Metrics

    if hint in (Html, Markdown):
        return (str,)
    return (Mapping,) if hint is Metrics else ()
