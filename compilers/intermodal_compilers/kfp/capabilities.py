"""What Kubeflow Pipelines v2 can do of each feature."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal.features import (
    DATA_FETCHED,
    HOSTED_CALLS,
    HOSTED_SETTINGS,
    REQUEST_CALLS,
    STATEMENT_CALLS,
    Lowered,
    Native,
    Refused,
    Support,
)
from intermodal.features import Feature as F  # noqa: N817 - it stands in every row below

_FAILURES = Refused(
    "after a failure a run of KFP starts exit tasks only, and it ends as failed whatever they do",
    "move the task to `on_exit(...)`, or compile this pipeline for Airflow",
)
_COMPUTED = Lowered("computed by the program of the task, or by a small task before it")
_NOTICES = Refused(
    "KFP does not notify, and a program that fails cannot know whether it will be started again",
    "send the message from an exit task, by `run.state`",
)

CAPABILITIES: Mapping[F, Support] = {
    F.DESCRIPTION: Native(),
    F.LABELS: Lowered("a line of the description"),
    F.OWNERS: Lowered("a line of the description"),
    F.PARAMETERS: Native(),
    F.PARAMETER_REQUIRED: Native(),
    F.PARAMETER_CHOICES: Native(),
    F.PARAMETER_HELP: Native(),
    F.TYPE_TIMESTAMP: Lowered("a STRING in ISO 8601"),
    F.TYPE_DURATION: Lowered("a NUMBER_DOUBLE of seconds"),
    F.TYPE_ANY: Lowered("a STRING of JSON, since KFP's numbers are doubles and it has no null"),
    F.TYPE_OPTIONAL: Lowered("a STRING of JSON, `null` included"),
    F.TYPE_LIST: Native(),
    F.TYPE_MAP: Native(),
    F.TYPE_STRUCT: Native(),
    F.PIPELINE_OUTPUTS: Native(),
    F.MAX_ACTIVE_RUNS: Lowered("`max_concurrency` of the recurring run"),
    F.MAX_ACTIVE_TASKS: Refused(
        "KFP limits tasks at once inside loops only", "order the tasks with `after`"
    ),
    F.IMAGE: Native(),
    F.PACKAGES: Refused(
        "KFP could only install them when each task starts, which is slow and fails offline",
        "build an image with the packages and name it in `environment.image`",
    ),
    F.TRACKING: Lowered("Intermodal's runtime inside each task"),
    F.PIPELINE_NOTIFICATIONS: _NOTICES,
    F.HOSTED_PIPELINE: Lowered(HOSTED_SETTINGS),
    F.SCHEDULE_CRON: Lowered("`recurring_run.json` for KFP's API"),
    F.SCHEDULE_TIMEZONE: Lowered(
        "the time zone of KFP's server, which is to be that of the schedule"
    ),
    F.SCHEDULE_INTERVAL: Lowered("`recurring_run.json` for KFP's API"),
    F.SCHEDULE_MANUAL: Native(),
    F.SCHEDULE_DATA: Refused("KFP starts runs by time only", "use a cron or interval schedule"),
    F.SCHEDULE_EVENT: Refused("KFP starts runs by time only", "use a cron or interval schedule"),
    F.SCHEDULE_MULTIPLE: Lowered("one recurring run for each"),
    F.SCHEDULE_START: Lowered("`start_time` of the recurring run"),
    F.SCHEDULE_END: Lowered("`end_time` of the recurring run"),
    F.SCHEDULE_CATCH_UP: Lowered("`no_catchup: false` of the recurring run"),
    F.SCHEDULE_JITTER: Refused("KFP starts runs on time", "leave jitter out"),
    F.ACTION_PYTHON: Native(),
    F.ACTION_SHELL: Lowered("a small Python program that runs `bash -c`; the image needs both"),
    F.ACTION_CONTAINER: Native(),
    F.ACTION_SQL: Lowered(STATEMENT_CALLS),
    F.ACTION_HTTP: Lowered(REQUEST_CALLS),
    F.ACTION_WAIT: Lowered("a program that polls in one pod until its time has passed"),
    F.ACTION_APPROVAL: Refused("KFP cannot wait for a person", "split the pipeline in two"),
    F.ACTION_TRIGGER: Refused(
        "a task of KFP has neither the address of KFP's own API nor credentials for it",
        "call the other pipeline as a part of this one, or schedule both",
    ),
    F.ACTION_NOOP: Lowered("a container that ends at once"),
    F.ACTION_HOSTED: Lowered(HOSTED_CALLS),
    F.VALUE_PASSING: Native(),
    F.ARTIFACT_PASSING: Lowered(
        "KFP artifacts whose metadata refers to Intermodal's artifact store"
    ),
    F.MULTIPLE_OUTPUTS: Native(),
    F.DATA_VERSION: Lowered(DATA_FETCHED),
    F.EXPRESSION_ITEM: Native(),
    F.EXPRESSION_RUN_FACT: Lowered(
        "KFP's own placeholder for the run's id; dates by a parameter that the schedule fills in; the attempt "
        "of tasks without retries"
    ),
    F.EXPRESSION_TASK_STATE: Lowered(
        "worked out from the conditions that the task runs by; exit tasks can ask for the state of the run only"
    ),
    F.EXPRESSION_SECRET: Lowered("an environment variable from a Kubernetes secret"),
    F.EXPRESSION_FORMAT: _COMPUTED,
    F.EXPRESSION_COMPARE: Lowered(
        "a condition in CEL where a value is compared with a literal, else computed by a task"
    ),
    F.EXPRESSION_LOGIC: _COMPUTED,
    F.EXPRESSION_INDEX: _COMPUTED,
    F.EXPRESSION_DATE: _COMPUTED,
    F.EXPRESSION_DEFAULT: _COMPUTED,
    F.EXPRESSION_CONTAINER: _COMPUTED,
    F.EXPRESSION_SOURCE: Lowered("Python in the task that hosts the class it is an argument of"),
    F.ORDERING: Native(),
    F.BRANCH: Native(),
    F.FOR_EACH: Native(),
    F.GROUP: Lowered("its tasks stand in the pipeline itself, its name before theirs"),
    F.EXIT_TASKS: Native(),
    F.GUARD: Lowered("a condition around the task"),
    F.SETUP_TEARDOWN: Refused(
        "a teardown that fails must not fail the run, and one without its setup must not run; KFP's exit "
        "tasks do both",
        "use `on_exit(...)`, or set up and tear down inside one task",
    ),
    F.JOIN_ALL_DONE: Lowered("an exit task, where nothing but such tasks waits for it"),
    F.JOIN_NONE_FAILED: Native(),
    F.JOIN_NONE_FAILED_MIN_ONE_SUCCESS: Lowered("the conditions of what it waits for, repeated"),
    F.JOIN_ONE_SUCCESS: Lowered("the same as `all_success` where it waits for one task"),
    F.JOIN_ONE_FAILED: _FAILURES,
    F.JOIN_ONE_DONE: _FAILURES,
    F.JOIN_ALL_FAILED: _FAILURES,
    F.JOIN_ALL_SKIPPED: _FAILURES,
    F.JOIN_NONE_SKIPPED: _FAILURES,
    F.JOIN_ALWAYS: Lowered("no edges, as the rule waits for nothing"),
    F.RETRY: Native(),
    F.RETRY_DELAY: Native(),
    F.RETRY_FACTOR: Native(),
    F.RETRY_CEILING: Native(),
    F.RETRY_JITTER: Refused("KFP's pauses do not vary", "leave jitter out"),
    F.TIMEOUT: Lowered(
        "the task's program ends itself; a container's pod has `activeDeadlineSeconds`"
    ),
    F.CACHE: Native(),
    F.CACHE_TTL: Lowered(
        "the cache of Intermodal's runtime, since KFP's own results do not expire"
    ),
    F.CACHE_KEY: Native(),
    F.RESOURCE_CPU: Native(),
    F.RESOURCE_MEMORY: Native(),
    F.RESOURCE_LIMITS: Native(),
    F.RESOURCE_GPU: Native(),
    F.RESOURCE_DISK: Refused("KFP has no setting for it", "leave it out"),
    F.POOL: Refused("KFP has no pools", "limit a loop by `max_parallel`, or leave the pool out"),
    F.PRIORITY: Refused("KFP has no priorities of tasks", "leave it out"),
    F.ENVIRONMENT: Native(),
    F.SECRET_VARIABLES: Lowered("an environment variable from a Kubernetes secret"),
    F.NOTIFICATIONS: _NOTICES,
    F.ASSETS: Refused("KFP knows no data assets", "leave reads and writes out"),
    F.TASK_LABELS: Lowered("labels of the pod, or annotations where Kubernetes forbids the label"),
    F.TASK_OWNERS: Lowered("an annotation of the pod"),
    F.DISPLAY_NAME: Native(),
    F.TASK_DOCS: Lowered("the docstring of the task's program; an annotation of a container's pod"),
}
