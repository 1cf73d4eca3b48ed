"""How Airflow supports each feature of the IR, by version."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal.features import (
    DATA_FETCHED,
    Capabilities,
    Lowered,
    Native,
    Refused,
    Support,
)
from intermodal.features import Feature as F  # noqa: N817 - it stands in every row below
from intermodal_compilers.airflow.dialects import DIALECTS

NATIVE = Native()
COMPUTED = Lowered("Python in the function of the task that uses it")
CACHED = Lowered(
    "Intermodal's runtime, which keeps outputs in the artifact store; the task itself still runs"
)
NO_APPROVALS = Refused(
    "Airflow has operators that wait for a person from 3.1 on",
    "compile for airflow@3.1 or later, or start the rest as a pipeline of its own",
)
POD = (
    "a pod override in `executor_config`, which the Kubernetes executor follows and others ignore; "
    "a container task takes it as settings of its own container"
)

SUPPORT: Mapping[F, Support] = {
    F.DESCRIPTION: NATIVE,
    F.LABELS: Lowered("tags of the form `key:value`"),
    F.OWNERS: NATIVE,
    F.PARAMETERS: NATIVE,
    F.PARAMETER_REQUIRED: NATIVE,
    F.PARAMETER_CHOICES: NATIVE,
    F.PARAMETER_HELP: NATIVE,
    F.TYPE_TIMESTAMP: NATIVE,
    F.TYPE_DURATION: Lowered("seconds, as a number"),
    F.TYPE_ANY: NATIVE,
    F.TYPE_OPTIONAL: NATIVE,
    F.TYPE_LIST: NATIVE,
    F.TYPE_MAP: NATIVE,
    F.TYPE_STRUCT: Lowered("an object, as JSON has it"),
    F.PIPELINE_OUTPUTS: Lowered("the XComs of the tasks that give them; a DAG has no outputs"),
    F.MAX_ACTIVE_RUNS: NATIVE,
    F.MAX_ACTIVE_TASKS: NATIVE,
    F.IMAGE: Lowered(
        "the image of the tasks' pods, which must contain Airflow, on the Kubernetes executor; on "
        "others tasks run in the worker's own environment"
    ),
    F.PACKAGES: Lowered(
        "a requirements.txt beside the DAG file, to be installed on Airflow's workers"
    ),
    F.TRACKING: Lowered("Intermodal's runtime inside the tasks"),
    F.PIPELINE_NOTIFICATIONS: Lowered("callbacks of the DAG, written out in its file"),
    F.HOSTED_PIPELINE: NATIVE,
    F.SCHEDULE_CRON: NATIVE,
    F.SCHEDULE_TIMEZONE: NATIVE,
    F.SCHEDULE_INTERVAL: NATIVE,
    F.SCHEDULE_MANUAL: NATIVE,
    F.SCHEDULE_DATA: NATIVE,
    F.SCHEDULE_EVENT: Lowered("an asset of that name, which the sender updates over Airflow's API"),
    F.SCHEDULE_MULTIPLE: NATIVE,
    F.SCHEDULE_START: NATIVE,
    F.SCHEDULE_END: NATIVE,
    F.SCHEDULE_CATCH_UP: NATIVE,
    F.SCHEDULE_JITTER: Refused(
        "Airflow starts runs at the times of the schedule, not around them",
        "choose an odd minute in the cron expression",
    ),
    F.ACTION_PYTHON: NATIVE,
    F.ACTION_SHELL: NATIVE,
    F.ACTION_CONTAINER: NATIVE,
    F.ACTION_SQL: NATIVE,
    F.ACTION_HTTP: NATIVE,
    F.ACTION_WAIT: NATIVE,
    F.ACTION_APPROVAL: NATIVE,
    F.ACTION_TRIGGER: NATIVE,
    F.ACTION_NOOP: NATIVE,
    F.ACTION_HOSTED: NATIVE,
    F.VALUE_PASSING: NATIVE,
    F.ARTIFACT_PASSING: Lowered("a reference to the artifact store, as an XCom"),
    F.MULTIPLE_OUTPUTS: NATIVE,
    F.DATA_VERSION: Lowered(DATA_FETCHED),
    F.EXPRESSION_ITEM: NATIVE,
    F.EXPRESSION_RUN_FACT: NATIVE,
    F.EXPRESSION_TASK_STATE: Lowered("a question to Airflow for the state, inside the task"),
    F.EXPRESSION_SECRET: Lowered("an environment variable of the worker, `INTERMODAL_SECRET_NAME`"),
    F.EXPRESSION_FORMAT: NATIVE,
    F.EXPRESSION_COMPARE: COMPUTED,
    F.EXPRESSION_LOGIC: COMPUTED,
    F.EXPRESSION_INDEX: COMPUTED,
    F.EXPRESSION_DATE: COMPUTED,
    F.EXPRESSION_DEFAULT: COMPUTED,
    F.EXPRESSION_CONTAINER: COMPUTED,
    F.EXPRESSION_SOURCE: NATIVE,
    F.ORDERING: NATIVE,
    F.BRANCH: NATIVE,
    F.FOR_EACH: NATIVE,
    F.GROUP: NATIVE,
    F.EXIT_TASKS: Lowered(
        "tasks that run when all others are done, and one that fails the run if those failed"
    ),
    F.GUARD: Lowered("a task that skips, or a short circuit before it"),
    F.SETUP_TEARDOWN: NATIVE,
    **{join: NATIVE for join in F if join.value.startswith("join.")},
    F.RETRY: NATIVE,
    F.RETRY_DELAY: NATIVE,
    F.RETRY_FACTOR: Lowered(
        "Airflow's exponential backoff, which adds up to the pause's own length to each pause"
    ),
    F.RETRY_CEILING: NATIVE,
    F.RETRY_JITTER: Lowered("the variation that Airflow's exponential backoff has of its own"),
    F.TIMEOUT: NATIVE,
    F.CACHE: CACHED,
    F.CACHE_TTL: CACHED,
    F.CACHE_KEY: CACHED,
    F.RESOURCE_CPU: Lowered(POD),
    F.RESOURCE_MEMORY: Lowered(POD),
    F.RESOURCE_LIMITS: Lowered(POD),
    F.RESOURCE_GPU: Lowered(POD),
    F.RESOURCE_DISK: Lowered(POD),
    F.POOL: NATIVE,
    F.PRIORITY: NATIVE,
    F.ENVIRONMENT: NATIVE,
    F.SECRET_VARIABLES: Lowered("environment variables of the worker, `INTERMODAL_SECRET_NAME`"),
    F.NOTIFICATIONS: Lowered("callbacks of the task, written out in the DAG file"),
    F.ASSETS: NATIVE,
    F.TASK_LABELS: Lowered("a line in the task's documentation; only DAGs have tags"),
    F.TASK_OWNERS: NATIVE,
    F.DISPLAY_NAME: NATIVE,
    F.TASK_DOCS: NATIVE,
}


def capabilities(version: str) -> Capabilities:
    """The support of every feature in this version of Airflow."""
    support = SUPPORT
    if not DIALECTS[version].approval_timeout:
        support = {**SUPPORT, F.ACTION_APPROVAL: NO_APPROVALS}
    if DIALECTS[version].plain_schedules or DIALECTS[version].delta_trigger:
        return support
    how = (
        "a data interval that ends when the run starts, so the logical date is one interval before"
    )
    return {**support, F.SCHEDULE_INTERVAL: Lowered(how)}
