"""Every field of the IR and every feature stands in a case, which the reference executor must get right."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from field_samples import fields
from intermodal.analysis.defaults import fold_defaults
from intermodal.analysis.typing import fill_item_types
from intermodal.analysis.uses import used_features
from intermodal.features import Feature
from intermodal.findings import FindingsError
from intermodal.frozen import defaults_of
from intermodal.ir import Node
from intermodal_backends.conformance.case import find_cases

ROOT = Path(__file__).parent

# What no case has, and why.
CONTAINERS = (
    "an engine needs Docker for it; integration-tests of each target run containers"
)
HOSTED = "only Airflow knows its classes; integration-tests/airflow_importer load and run them there"
TRACKER = "it needs a tracker; integration-tests/tracking runs pipelines of all targets with one"
VERSIONS = "it needs a store that numbers versions; integration-tests/data runs one"
NOT_IN_A_CASE = {
    **dict.fromkeys(
        [
            "Container.image",
            "Container.command",
            "Container.args",
            "InputRef.name",
            "PathRef.direction",
            "PathRef.name",
            "action.container",
        ],
        CONTAINERS,
    ),
    **dict.fromkeys(
        [
            "EdgeLabel.upstream",
            "EdgeLabel.downstream",
            "EdgeLabel.text",
            "GroupArrow.upstream",
            "GroupArrow.downstream",
            "Hosted.expand",
            "Hosted.expand_maps",
            "Hosted.class_source",
            "HostedPipeline.ecosystem",
            "HostedPipeline.arguments",
            "HostedPipeline.groups",
            "HostedPipeline.edge_labels",
            "HostedPipeline.group_arrows",
            "Pipeline.hosted",
            "SourceExpression.imports",
            "SourceExpression.definitions",
            "SourceExpression.local_modules",
            "pipeline.hosted",
        ],
        HOSTED,
    ),
    "DataVersion.version": VERSIONS,
    "Task.tracks": TRACKER,
    "Tracking.enabled": TRACKER,
}


def non_defaults(value):
    """`Class.field` of every field below a value that does not have its default."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from non_defaults(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from non_defaults(item)
    if not isinstance(value, Node):
        return
    defaults = defaults_of(type(value))
    for field in dataclasses.fields(value):
        given = getattr(value, field.name)
        if field.name not in defaults or given != defaults[field.name]:
            yield f"{type(value).__name__.rstrip('_')}.{field.name}"
            yield from non_defaults(given)


@pytest.fixture(scope="module")
def pipelines():
    found = []
    for case in find_cases(ROOT):
        try:
            given = case.pipelines()
        except FindingsError:
            continue  # a case about what cannot be loaded
        found += [*given, *map(fill_item_types, map(fold_defaults, given))]
    return found


def test_every_field_is_used_in_a_case(pipelines):
    used = {name for pipeline in pipelines for name in non_defaults(pipeline)}
    missing = set(fields()) - used
    assert missing == set(NOT_IN_A_CASE) - {str(feature) for feature in Feature}


def test_every_feature_is_used_in_a_case(pipelines):
    used = {use.feature for p in pipelines for use in used_features(p)}
    assert set(map(str, set(Feature) - used)) == set(NOT_IN_A_CASE) & set(
        map(str, Feature)
    )
