"""What commands ask of a driver's class: which engines there are, to install one, to run on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from intermodal.engines import EngineOffer, Trial, TrialResult
from intermodal_backends.engines import environment
from intermodal_backends.engines.catalogue import ENGINES, EngineSpec

if TYPE_CHECKING:
    from pathlib import Path

    from intermodal.compiling import Compiled
    from intermodal.ir import Pipeline
    from intermodal_backends.engines.driver import Engine


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

    @classmethod
    def try_out(
        cls,
        name: str,
        pipeline: Pipeline,
        compiled: Compiled,
        trial: Trial,
        requirements: Path | None = None,
    ) -> TrialResult:
        """Start the engine, run compiled output on it once, and end it.

        Raises:
            FindingsError: PORT700 if it is not installed, PORT704 if it does not work.
        """
        from intermodal_backends.conformance.trial import run_compiled

        installed = environment.require(name, extra_requirements=requirements)
        driver = cast("type[Engine]", cls)
        with driver(installed) as engine:
            return run_compiled(pipeline, compiled, engine, trial)


def _offer(spec: EngineSpec, at: environment.EngineEnvironment | None = None) -> EngineOffer:
    at = at or environment.find(spec.name)
    return EngineOffer(
        name=spec.name,
        software=f"{spec.distribution} {spec.version}",
        python=spec.python_range,
        path=str(at.root) if at else None,
    )
