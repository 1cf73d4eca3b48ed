"""What Prefect 3 can do of each feature."""

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

_DECIDES = "a helper of the file: the task waits until all upstreams have ended, and decides by their states"
_JOIN = Lowered(_DECIDES)
_COMPUTED = Lowered("plain Python that is evaluated when everything it uses has ended")
_HELD = "the worker's environment variable `INTERMODAL_SECRET_NAME`, or a Secret block; read when the task runs"
_PER_FLOW_RUN = (
    "a job variable of the deployment, which holds for the whole flow run, so that the largest of its "
    "tasks' values is used; work pools of type `kubernetes` have it (setting "
    "`prefect.work_pool_type`); container tasks ask Docker for their own"
)

CAPABILITIES: Mapping[F, Support] = {
    F.DESCRIPTION: Native(),
    F.LABELS: Lowered("tags `key:value` of the deployment"),
    F.OWNERS: Lowered("tags `owner:NAME` of the deployment"),
    F.PARAMETERS: Native(),
    F.PARAMETER_REQUIRED: Native(),
    F.PARAMETER_CHOICES: Native(),
    F.PARAMETER_HELP: Native(),
    F.TYPE_TIMESTAMP: Lowered("ISO 8601 text, shown with a date picker"),
    F.TYPE_DURATION: Lowered("a number of seconds"),
    F.TYPE_ANY: Native(),
    F.TYPE_OPTIONAL: Native(),
    F.TYPE_LIST: Native(),
    F.TYPE_MAP: Native(),
    F.TYPE_STRUCT: Lowered("a mapping; its fields are not checked when a run starts"),
    F.PIPELINE_OUTPUTS: Native(),
    F.MAX_ACTIVE_RUNS: Native(),
    F.MAX_ACTIVE_TASKS: Lowered("the number of threads of the flow's task runner, or a semaphore"),
    F.IMAGE: Lowered(
        "the job variable `image` of the deployment; the image must hold Prefect, and work pools of "
        "type `process` take none"
    ),
    F.PACKAGES: Lowered(
        "`requirements.txt` beside the flow and, in container work pools, `EXTRA_PIP_PACKAGES`"
    ),
    F.TRACKING: Lowered("Intermodal's runtime inside each task"),
    F.PIPELINE_NOTIFICATIONS: Lowered("hooks of the flow that send the message"),
    F.HOSTED_PIPELINE: Lowered(HOSTED_SETTINGS),
    F.SCHEDULE_CRON: Native(),
    F.SCHEDULE_TIMEZONE: Native(),
    F.SCHEDULE_INTERVAL: Native(),
    F.SCHEDULE_MANUAL: Native(),
    F.SCHEDULE_DATA: Lowered("a trigger of the deployment for the events that writing tasks emit"),
    F.SCHEDULE_EVENT: Lowered("a trigger of the deployment for events of this name"),
    F.SCHEDULE_MULTIPLE: Native(),
    F.SCHEDULE_START: Lowered(
        "scheduled runs before it end at once as Skipped; it is the anchor of an interval, too"
    ),
    F.SCHEDULE_END: Lowered("scheduled runs after it end at once as Skipped"),
    F.SCHEDULE_CATCH_UP: Refused(
        "Prefect schedules runs from now on and never fills in missed dates",
        "set `catch_up=False` and start runs for past dates by hand",
    ),
    F.SCHEDULE_JITTER: Refused("Prefect starts scheduled runs on the minute", "leave jitter out"),
    F.ACTION_PYTHON: Native(),
    F.ACTION_SHELL: Lowered("a task that runs `bash -c`"),
    F.ACTION_CONTAINER: Lowered("a task that runs the image with the worker's Docker"),
    F.ACTION_SQL: Lowered(STATEMENT_CALLS),
    F.ACTION_HTTP: Lowered(REQUEST_CALLS),
    F.ACTION_WAIT: Lowered("a task that looks again and again"),
    F.ACTION_APPROVAL: Lowered("`pause_flow_run` with an answer; tasks that run go on meanwhile"),
    F.ACTION_TRIGGER: Lowered("`run_deployment` of the flow's deployment, which has to exist"),
    F.ACTION_NOOP: Native(),
    F.ACTION_HOSTED: Lowered(HOSTED_CALLS),
    F.VALUE_PASSING: Native(),
    F.ARTIFACT_PASSING: Lowered("references to Intermodal's artifact store"),
    F.MULTIPLE_OUTPUTS: Lowered("a small task picks each output"),
    F.DATA_VERSION: Lowered(DATA_FETCHED),
    F.EXPRESSION_ITEM: _COMPUTED,
    F.EXPRESSION_RUN_FACT: _COMPUTED,
    F.EXPRESSION_TASK_STATE: _COMPUTED,
    F.EXPRESSION_SECRET: Lowered(_HELD),
    F.EXPRESSION_FORMAT: _COMPUTED,
    F.EXPRESSION_COMPARE: _COMPUTED,
    F.EXPRESSION_LOGIC: _COMPUTED,
    F.EXPRESSION_INDEX: Lowered("a small task picks the element, or plain Python does"),
    F.EXPRESSION_DATE: _COMPUTED,
    F.EXPRESSION_DEFAULT: _COMPUTED,
    F.EXPRESSION_CONTAINER: _COMPUTED,
    F.EXPRESSION_SOURCE: Lowered("Python in the task that hosts the class it is an argument of"),
    F.ORDERING: Native(),
    F.BRANCH: Lowered("a task that runs the `if`, and starts the tasks of the arm"),
    F.FOR_EACH: Lowered("a task that starts the tasks of each round"),
    F.GROUP: Lowered("its tasks stand in the flow itself"),
    F.EXIT_TASKS: Lowered("tasks that the flow starts when everything else has ended"),
    F.GUARD: _JOIN,
    F.SETUP_TEARDOWN: _JOIN,
    F.JOIN_ALL_DONE: _JOIN,
    F.JOIN_NONE_FAILED: _JOIN,
    F.JOIN_NONE_FAILED_MIN_ONE_SUCCESS: _JOIN,
    F.JOIN_ONE_SUCCESS: _JOIN,
    F.JOIN_ONE_FAILED: _JOIN,
    F.JOIN_ONE_DONE: _JOIN,
    F.JOIN_ALL_FAILED: _JOIN,
    F.JOIN_ALL_SKIPPED: _JOIN,
    F.JOIN_NONE_SKIPPED: _JOIN,
    F.JOIN_ALWAYS: _JOIN,
    F.RETRY: Native(),
    F.RETRY_DELAY: Native(),
    F.RETRY_FACTOR: Lowered("a list of delays"),
    F.RETRY_CEILING: Lowered("a list of delays"),
    F.RETRY_JITTER: Native(),
    F.TIMEOUT: Lowered(
        "the work is done in a process of its own, which is ended: Prefect's own timeout cannot "
        "interrupt a thread"
    ),
    F.CACHE: Lowered(
        "Prefect's cache policies, whose results are kept in its result storage; the runtime's cache where the task calls the runtime"
    ),
    F.CACHE_TTL: Lowered("`cache_expiration`"),
    F.CACHE_KEY: Lowered("a cache key function"),
    F.RESOURCE_CPU: Lowered(_PER_FLOW_RUN),
    F.RESOURCE_MEMORY: Lowered(_PER_FLOW_RUN),
    F.RESOURCE_LIMITS: Lowered(_PER_FLOW_RUN),
    F.RESOURCE_GPU: Refused(
        "no Prefect work pool has a portable setting for it",
        "choose a work pool whose machines have the accelerator, and leave the request out",
    ),
    F.RESOURCE_DISK: Refused("no Prefect work pool has a setting for it", "leave it out"),
    F.POOL: Lowered(
        "Prefect's concurrency limits of the same name, which have to be made on the server"
    ),
    F.PRIORITY: Lowered(
        "tasks of higher priority are submitted first, where nothing keeps them waiting"
    ),
    F.ENVIRONMENT: Lowered("the work is done in a process of its own with these variables"),
    F.SECRET_VARIABLES: Lowered(_HELD),
    F.NOTIFICATIONS: Lowered("hooks of the task that send the message"),
    F.ASSETS: Lowered("an event for each asset that was written; tags `reads:URI`"),
    F.TASK_LABELS: Lowered("tags `key:value` of the task"),
    F.TASK_OWNERS: Lowered("tags `owner:NAME` of the task"),
    F.DISPLAY_NAME: Native(),
    F.TASK_DOCS: Native(),
}
