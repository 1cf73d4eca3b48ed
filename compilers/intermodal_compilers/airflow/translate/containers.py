"""Tasks that run a container image, where they use nothing but image, command and environment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from intermodal.ir import Container, Expression, InputRef, Literal_, Task
from intermodal_compilers.airflow.translate.context import Context, hosted_of
from intermodal_compilers.airflow.translate.hosting import host
from intermodal_compilers.airflow.translate.jinja import NotUnderstoodError, expression_of
from intermodal_compilers.airflow.translate.sources import read

# Where and how Airflow starts the container, which other engines decide for themselves.
DOCKER = frozenset(
    {
        "api_version",
        "auto_remove",
        "container_name",
        "docker_url",
        "mount_tmp_dir",
        "network_mode",
        "tty",
        "xcom_all",
    }
)
KUBERNETES = frozenset(
    {
        "name",
        "namespace",
        "in_cluster",
        "kubernetes_conn_id",
        "config_file",
        "cluster_context",
        "get_logs",
        "log_events_on_failure",
        "is_delete_operator_pod",
        "on_finish_action",
        "random_name_suffix",
        "startup_timeout_seconds",
        "startup_check_interval_seconds",
        "reattach_on_restart",
        "image_pull_policy",
        "labels",
        "hostnetwork",
    }
)


def docker_task(task: Task, context: Context) -> Task:
    """Airflow's `DockerOperator`."""
    arguments = hosted_of(task).arguments
    known = DOCKER | {"image", "command", "environment", "entrypoint"}
    if set(arguments) - known or context.pulled.get(task.id):
        return host(task, context)
    command = read(arguments.get("entrypoint"))
    args = read(arguments.get("command"))
    split = shlex.split(args) if isinstance(args, str) and not args.startswith("[") else args
    return _container(task, context, command, split, arguments.get("environment"))


def pod_task(task: Task, context: Context) -> Task:
    """Airflow's `KubernetesPodOperator`."""
    arguments = hosted_of(task).arguments
    known = KUBERNETES | {"image", "cmds", "arguments", "env_vars", "do_xcom_push"}
    pushes = read(arguments.get("do_xcom_push")) is True
    if set(arguments) - known or pushes or context.pulled.get(task.id):
        return host(task, context)
    command, args = read(arguments.get("cmds")), read(arguments.get("arguments"))
    return _container(task, context, command, args, arguments.get("env_vars"))


def _container(
    task: Task, context: Context, command: object, args: object, environment: Expression | None
) -> Task:
    image = read(hosted_of(task).arguments.get("image"))
    variables = read(environment)
    inputs: dict[str, Expression] = {}
    try:
        made = Container.of(
            image=_plain(image),
            command=_words(command, task.id, context, inputs),
            args=_words(args, task.id, context, inputs),
        )
        fixed = {name: _plain(value) for name, value in _map(variables).items()}
    except NotUnderstoodError:
        return host(task, context)
    return task.model_copy(
        update={
            "action": made,
            "inputs": inputs,
            "environment": {**task.environment, **fixed},
            "outputs": {},
        }
    )


def _words(
    given: object, task: str, context: Context, inputs: dict[str, Expression]
) -> tuple[Expression, ...]:
    """The words of a command; what is no literal comes in as an input."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise NotUnderstoodError("a command that is no list")
    found: list[Expression] = []
    for word in given:
        if not isinstance(word, str):
            raise NotUnderstoodError("a word that is no text")
        value = expression_of(word, task, context)
        if isinstance(value, Literal_):
            found.append(value)
            continue
        name = next((known for known, one in inputs.items() if one == value), f"word_{len(inputs)}")
        inputs[name] = value
        found.append(InputRef.of(name=name))
    return tuple(found)


def _plain(value: object) -> str:
    if isinstance(value, str) and "{" not in value:
        return value
    raise NotUnderstoodError("a template, or no text")


def _map(value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise NotUnderstoodError("an environment that is no map")
