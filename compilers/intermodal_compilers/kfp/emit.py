"""Turn a plan into the official messages, and print them."""

from __future__ import annotations

from typing import Any

from intermodal_compilers.kfp import spec
from intermodal_compilers.kfp.encoding import constant, parameter_type
from intermodal_compilers.kfp.model import (
    DagPlan,
    ExecutorPlan,
    FinalStatus,
    InputPlan,
    IteratorPlan,
    OutputPlan,
    PipelinePlan,
    RunParameter,
    TaskOutput,
    TaskPlan,
)
from intermodal_compilers.kfp.policies import RetryPlan
from intermodal_compilers.kfp.spec_print import COMPACT

SDK_VERSION = "intermodal-1"
ARTIFACT_VERSION = "0.0.1"


def messages(plan: PipelinePlan) -> tuple[Any, Any]:
    """The `PipelineSpec` and the `PlatformSpec`, which is empty where nothing needs it."""
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    pipeline = pb.PipelineSpec(schema_version=spec.SCHEMA_VERSION, sdk_version=SDK_VERSION)
    info = pipeline.pipeline_info
    info.name = plan.name
    info.description = plan.description
    if plan.shown != plan.name:
        info.display_name = plan.shown
    _root_inputs(pipeline.root, plan)
    _dag(pipeline, pipeline.root, plan.root)
    deployment = pb.PipelineDeploymentConfig()
    platform = pb.PlatformSpec()
    for label, executor in plan.executors.items():
        _container(deployment.executors[label].container, executor)
        if executor.machine.kubernetes:
            executors = platform.platforms["kubernetes"].deployment_spec.executors
            json_format.ParseDict(dict(executor.machine.kubernetes), executors[label])
    json_format.ParseDict(json_format.MessageToDict(deployment), pipeline.deployment_spec)
    return pipeline, platform


def text(pipeline: Any, documents: list[dict[str, Any]]) -> str:
    """The YAML that KFP loads."""
    comment = spec.definition_comment(pipeline, pipeline.pipeline_info.description)
    return spec.text_of(documents, comment=comment, style=COMPACT)


def _root_inputs(root: Any, plan: PipelinePlan) -> None:
    for key, parameter in plan.parameters.items():
        definition = root.input_definitions.parameters[key]
        definition.parameter_type = _parameter_type(parameter_type(parameter.type))
        definition.description = parameter.help
        for choice in parameter.choices:
            _set_value(definition.literals.add(), constant(choice, parameter.type))
        if not parameter.required:
            definition.is_optional = True
            value = constant(parameter.default, parameter.type)
            _set_value(definition.default_value, value)


def _dag(pipeline: Any, component: Any, plan: DagPlan) -> None:
    """The tasks and outputs of a DAG, with the components of its tasks."""
    # An empty DAG has to be told from none at all.
    component.dag.SetInParent()
    for task in plan.tasks:
        _component(pipeline, pipeline.components[task.component], task)
        _task(component.dag.tasks[task.name], task)
    for output in plan.outputs.values():
        _output(component.output_definitions, output)
        if output.is_artifact:
            for source in output.sources:
                selector = component.dag.outputs.artifacts[output.key].artifact_selectors.add()
                selector.producer_subtask = source.task
                selector.output_artifact_key = source.key
            continue
        chosen = component.dag.outputs.parameters[output.key]
        for source in output.sources:
            selector = (
                chosen.value_from_parameter
                if len(output.sources) == 1
                else chosen.value_from_oneof.parameter_selectors.add()
            )
            selector.producer_subtask = source.task
            selector.output_parameter_key = source.key


def _component(pipeline: Any, component: Any, task: TaskPlan) -> None:
    if task.dag is None:
        component.executor_label = task.executor
    for given in task.inputs.values():
        if given.is_artifact:
            artifact = component.input_definitions.artifacts[given.key].artifact_type
            artifact.schema_title = given.type
            artifact.schema_version = ARTIFACT_VERSION
        else:
            parameter = component.input_definitions.parameters[given.key]
            parameter.parameter_type = _parameter_type(given.type)
            if isinstance(given.source, FinalStatus):
                parameter.is_optional = True
    if task.iterator is not None:
        item = component.input_definitions.parameters[task.iterator.item_input]
        item.parameter_type = _parameter_type(task.iterator.item_type)
    for output in task.outputs:
        _output(component.output_definitions, output)
    if task.dag is not None:
        _dag(pipeline, component, task.dag)


def _output(definitions: Any, output: OutputPlan) -> None:
    if output.is_artifact:
        artifact = definitions.artifacts[output.key].artifact_type
        artifact.schema_title = output.type
        artifact.schema_version = ARTIFACT_VERSION
    else:
        definitions.parameters[output.key].parameter_type = _parameter_type(output.type)


def _task(message: Any, task: TaskPlan) -> None:
    message.task_info.name = task.shown
    message.component_ref.name = task.component
    message.dependent_tasks.extend(task.waits_for)
    if task.dag is None:
        message.caching_options.SetInParent()
    if task.caches:
        message.caching_options.enable_cache = True
        message.caching_options.cache_key = task.cache_key
    if task.retry is not None:
        _retry(message.retry_policy, task.retry)
    if task.condition:
        message.trigger_policy.condition = task.condition
    if task.runs_always:
        strategies = message.TriggerPolicy.TriggerStrategy
        message.trigger_policy.strategy = strategies.Value("ALL_UPSTREAM_TASKS_COMPLETED")
    if task.iterator is not None:
        _iterator(message, task.iterator)
    for given in task.inputs.values():
        _input(message.inputs, given)


def _iterator(message: Any, plan: IteratorPlan) -> None:
    iterator = message.parameter_iterator
    iterator.item_input = plan.item_input
    if plan.raw is None:
        iterator.items.input_parameter = plan.items_input
    else:
        iterator.items.raw = plan.raw
    if plan.limit:
        message.iterator_policy.parallelism_limit = plan.limit


def _input(inputs: Any, given: InputPlan) -> None:
    source = given.source
    target = (inputs.artifacts if given.is_artifact else inputs.parameters)[given.key]
    if isinstance(source, RunParameter):
        if given.is_artifact:
            target.component_input_artifact = source.name
        else:
            target.component_input_parameter = source.name
    elif isinstance(source, FinalStatus):
        target.task_final_status.producer_task = source.task
    elif isinstance(source, TaskOutput) and given.is_artifact:
        target.task_output_artifact.producer_task = source.task
        target.task_output_artifact.output_artifact_key = source.key
    elif isinstance(source, TaskOutput):
        target.task_output_parameter.producer_task = source.task
        target.task_output_parameter.output_parameter_key = source.key
    else:
        _set_value(target.runtime_value.constant, source.value)


def _retry(policy: Any, retry: RetryPlan) -> None:
    policy.max_retry_count = retry.count
    policy.backoff_duration.seconds = retry.delay
    policy.backoff_factor = retry.factor
    policy.backoff_max_duration.seconds = retry.ceiling


def _container(container: Any, executor: ExecutorPlan) -> None:
    from google.protobuf import json_format

    container.image = executor.image
    container.command.extend(executor.command)
    container.args.extend(executor.args)
    for name, value in executor.machine.environment:
        container.env.add(name=name, value=value)
    if executor.machine.resources:
        json_format.ParseDict(dict(executor.machine.resources), container.resources)


def _set_value(message: Any, value: Any) -> None:
    """Fill a free value; `ParseDict` is slow for the many plain ones."""
    if isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, int | float):
        message.number_value = value
    else:
        from google.protobuf import json_format

        json_format.ParseDict(value, message)


def _parameter_type(name: str) -> int:
    from kfp.pipeline_spec import pipeline_spec_pb2 as pb

    number: int = pb.ParameterType.ParameterTypeEnum.Value(name)
    return number
