"""The files of a compiled pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.compiling import Compiled, Settings, Target
from intermodal.findings import Finding, error, errors_of, note
from intermodal.ir import OnData, OnEvent, Pipeline
from intermodal_compilers.prefect.deployment import deployment_file, deployment_text
from intermodal_compilers.prefect.emit import emit
from intermodal_compilers.prefect.infrastructure import job_variables
from intermodal_compilers.prefect.lower import lower
from intermodal_compilers.prefect.placeholders import has_placeholder

# What a pattern of Prefect's holds besides its own text.
PATTERN = frozenset("*?[")


def compile_files(pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
    """`flow.py`, `prefect.yaml` and, if the pipeline names packages, `requirements.txt`."""
    lowered = lower(pipeline, settings, str(target))
    findings = [*lowered.findings, *_text_findings(pipeline), *_pattern_findings(pipeline)]
    variables = job_variables(pipeline, graph.tasks(pipeline), settings, findings)
    if errors_of(findings):
        return Compiled({}, tuple(findings))
    deployment = deployment_file(pipeline, settings, lowered.file.function, variables)
    files = {"flow.py": emit(lowered.file), "prefect.yaml": deployment_text(deployment)}
    packages = pipeline.environment.packages
    if packages:
        files["requirements.txt"] = "".join(f"{package}\n" for package in packages)
        findings.append(
            note(
                "PORT201",
                "packages are listed in `requirements.txt`",
                pipeline.environment.span or pipeline.span,
                next="install them in the environment of a process worker; container work pools "
                "install them at the start of a flow run",
            )
        )
    return Compiled(files, tuple(findings), lowered.names)


def _pattern_findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Errors about names of assets and events that Prefect would take for patterns."""
    schedule = pipeline.schedule
    for trigger in schedule.triggers if schedule is not None else ():
        names = trigger.assets if isinstance(trigger, OnData) else ()
        if isinstance(trigger, OnEvent):
            names = (trigger.event,)
        for name in names:
            if PATTERN & set(name) or (isinstance(trigger, OnEvent) and name.startswith("!")):
                yield error(
                    "PORT204",
                    f"{name[:60]!r} would start `{pipeline.name}` for others, too",
                    trigger.span or pipeline.span,
                    why="Prefect's triggers take `*`, `?`, `[` and a leading `!` for patterns",
                    next="choose a name without them",
                )


def _text_findings(pipeline: Pipeline) -> list[Finding]:
    """Errors about text that `prefect.yaml` cannot hold."""
    triggers = pipeline.schedule.triggers if pipeline.schedule is not None else ()
    texts = {
        "asset": tuple(uri for t in triggers if isinstance(t, OnData) for uri in t.assets),
        "event": tuple(t.event for t in triggers if isinstance(t, OnEvent)),
        "description": (pipeline.description,),
        "label": tuple(f"{key}:{value}" for key, value in pipeline.labels.items()),
        "owner": pipeline.owners,
        "package": pipeline.environment.packages,
    }
    template = [
        error(
            "PORT204",
            f"{text[:60]!r} would be taken for a template when a worker starts the flow run",
            pipeline.environment.span or pipeline.span,
            why="Prefect fills in `{{ name }}` in job variables",
            next="write it without the braces",
        )
        for text in (pipeline.environment.image or "", *pipeline.environment.packages)
        if has_placeholder(text)
    ]
    return template + [
        error(
            "PORT204",
            f"the pipeline's {kind} {text[:40]!r} holds a control character",
            pipeline.span,
            why="a deployment of Prefect cannot hold it",
            next="remove it",
        )
        for kind, group in texts.items()
        for text in group
        if any(_is_control(character) for character in text)
    ]


def _is_control(character: str) -> bool:
    return (ord(character) < 32 and character not in "\t\n\r") or character == "\x7f"
