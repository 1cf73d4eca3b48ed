"""What `port engines` asks of a driver's class: which engines there are, and to install one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from intermodal.engines import EngineOffer
from intermodal_backends.engines import environment
from intermodal_backends.engines.catalogue import ENGINES, EngineSpec

if TYPE_CHECKING:
    from pathlib import Path


class FromCatalogue:
    """A driver whose engines are those of its family in the catalogue."""

    family: ClassVar[str]

    @classmethod
    def offers(cls) -> list[EngineOffer]:
        """The family's engines, the default first."""
        return [_offer(spec) for spec in ENGINES if spec.family == cls.family]

    @classmethod
    def install(cls, name: str, requirements: Path | None = None) -> EngineOffer:
        """Make the engine's environment unless it is there.

        Raises:
            FindingsError: PORT701, it cannot be made.
        """
        made = environment.install(name, extra_requirements=requirements)
        return _offer(made.spec, made)


def _offer(spec: EngineSpec, at: environment.EngineEnvironment | None = None) -> EngineOffer:
    at = at or environment.find(spec.name)
    return EngineOffer(
        name=spec.name,
        software=f"{spec.distribution} {spec.version}",
        python=spec.python_range,
        path=str(at.root) if at else None,
    )
