"""Features of the IR, and how a target supports each: natively, lowered, or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from intermodal.findings import Finding, Span, error, note
from intermodal.frozen import Frozen


class Feature(StrEnum):
    """What a pipeline can ask of a target. One member for each thing that can be refused alone."""

    # the pipeline
    DESCRIPTION = "pipeline.description"
    LABELS = "pipeline.labels"
    OWNERS = "pipeline.owners"
    PARAMETERS = "parameters"
    PARAMETER_REQUIRED = "parameters.required"
    PARAMETER_CHOICES = "parameters.choices"
    PARAMETER_HELP = "parameters.help"
    TYPE_TIMESTAMP = "types.timestamp"
    TYPE_DURATION = "types.duration"
    TYPE_ANY = "types.any"
    TYPE_OPTIONAL = "types.optional"
    TYPE_LIST = "types.list"
    TYPE_MAP = "types.map"
    TYPE_STRUCT = "types.struct"
    PIPELINE_OUTPUTS = "pipeline.outputs"
    MAX_ACTIVE_RUNS = "concurrency.max_active_runs"
    MAX_ACTIVE_TASKS = "concurrency.max_active_tasks"
    IMAGE = "environment.image"
    PACKAGES = "environment.packages"
    TRACKING = "tracking"
    PIPELINE_NOTIFICATIONS = "pipeline.notifications"
    HOSTED_PIPELINE = "pipeline.hosted"
    # schedules
    SCHEDULE_CRON = "schedule.cron"
    SCHEDULE_TIMEZONE = "schedule.cron.timezone"
    SCHEDULE_INTERVAL = "schedule.interval"
    SCHEDULE_MANUAL = "schedule.manual"
    SCHEDULE_DATA = "schedule.data"
    SCHEDULE_EVENT = "schedule.event"
    SCHEDULE_MULTIPLE = "schedule.multiple"
    SCHEDULE_START = "schedule.start"
    SCHEDULE_END = "schedule.end"
    SCHEDULE_CATCH_UP = "schedule.catch_up"
    SCHEDULE_JITTER = "schedule.jitter"
    # actions
    ACTION_PYTHON = "action.python"
    ACTION_SHELL = "action.shell"
    ACTION_CONTAINER = "action.container"
    ACTION_SQL = "action.sql"
    ACTION_HTTP = "action.http"
    ACTION_WAIT = "action.wait"
    ACTION_APPROVAL = "action.approval"
    ACTION_TRIGGER = "action.trigger"
    ACTION_NOOP = "action.noop"
    ACTION_HOSTED = "action.hosted"
    # data
    VALUE_PASSING = "data.values"
    ARTIFACT_PASSING = "data.artifacts"
    MULTIPLE_OUTPUTS = "data.multiple_outputs"
    DATA_VERSION = "data.version"
    EXPRESSION_ITEM = "expression.item"
    EXPRESSION_RUN_FACT = "expression.run_fact"
    EXPRESSION_TASK_STATE = "expression.task_state"
    EXPRESSION_SECRET = "expression.secret"  # noqa: S105
    EXPRESSION_FORMAT = "expression.format"
    EXPRESSION_COMPARE = "expression.compare"
    EXPRESSION_LOGIC = "expression.logic"
    EXPRESSION_INDEX = "expression.index"
    EXPRESSION_DATE = "expression.date"
    EXPRESSION_DEFAULT = "expression.default"
    EXPRESSION_CONTAINER = "expression.container"
    EXPRESSION_SOURCE = "expression.source"
    # structure
    ORDERING = "structure.ordering"
    BRANCH = "structure.branch"
    FOR_EACH = "structure.for_each"
    GROUP = "structure.group"
    EXIT_TASKS = "structure.exit_tasks"
    GUARD = "structure.guard"
    SETUP_TEARDOWN = "structure.setup_teardown"
    JOIN_ALL_DONE = "join.all_done"
    JOIN_NONE_FAILED = "join.none_failed"
    JOIN_NONE_FAILED_MIN_ONE_SUCCESS = "join.none_failed_min_one_success"
    JOIN_ONE_SUCCESS = "join.one_success"
    JOIN_ONE_FAILED = "join.one_failed"
    JOIN_ONE_DONE = "join.one_done"
    JOIN_ALL_FAILED = "join.all_failed"
    JOIN_ALL_SKIPPED = "join.all_skipped"
    JOIN_NONE_SKIPPED = "join.none_skipped"
    JOIN_ALWAYS = "join.always"
    # policies
    RETRY = "retry"
    RETRY_DELAY = "retry.delay"
    RETRY_FACTOR = "retry.factor"
    RETRY_CEILING = "retry.ceiling"
    RETRY_JITTER = "retry.jitter"
    TIMEOUT = "timeout"
    CACHE = "cache"
    CACHE_TTL = "cache.ttl"
    CACHE_KEY = "cache.key"
    RESOURCE_CPU = "resources.cpu"
    RESOURCE_MEMORY = "resources.memory"
    RESOURCE_LIMITS = "resources.limits"
    RESOURCE_GPU = "resources.gpu"
    RESOURCE_DISK = "resources.disk"
    POOL = "pool"
    PRIORITY = "priority"
    ENVIRONMENT = "task.environment"
    SECRET_VARIABLES = "task.secrets"  # noqa: S105
    NOTIFICATIONS = "task.notifications"
    ASSETS = "task.assets"
    TASK_LABELS = "task.labels"
    TASK_OWNERS = "task.owners"
    DISPLAY_NAME = "task.display_name"
    TASK_DOCS = "task.docs"


# What other targets see only after it was translated.
HOSTED = frozenset({Feature.HOSTED_PIPELINE, Feature.ACTION_HOSTED, Feature.EXPRESSION_SOURCE})


STATEMENT_CALLS = (
    "a Python function: SQLite by the standard library, any other database by SQLAlchemy, which has to be "
    "there with a driver; the connection is a secret that holds its URL"
)
REQUEST_CALLS = (
    "a Python function with the standard library; the connection is a secret that holds its URL"
)
HOSTED_CALLS = "neutral actions where there are such, and Python calls that run the class in the task's own process"
DATA_FETCHED = (
    "the runtime fetches it in the task that takes it, and checks that it is what was pinned"
)
HOSTED_SETTINGS = "the neutral settings that mean the same; others are findings"


class Native(Frozen):
    """The target has a construct of its own for it."""


class Lowered(Frozen):
    """Built from other constructs of the target: `how`, in a clause a user understands."""

    how: str


class Refused(Frozen):
    """Cannot be expressed: `why`, and `hint` for what to do instead."""

    why: str
    hint: str = ""


Support = Native | Lowered | Refused
Capabilities = Mapping[Feature, Support]


class Use(Frozen):
    """A feature that a pipeline uses, by whom, and where."""

    feature: Feature
    subject: str
    span: Span | None


class Declares(Protocol):
    """Something that says of every feature how it supports it: a compiler, or the engine of this machine."""

    name: str
    versions: tuple[str, ...]

    def capabilities(self, version: str) -> Capabilities:
        """The support of every feature."""
        ...


def undeclared(capabilities: Capabilities) -> list[Feature]:
    """Features that a compiler's table does not mention: an error in that compiler."""
    return [feature for feature in Feature if feature not in capabilities]


def support_findings(uses: Iterable[Use], capabilities: Capabilities, target: str) -> list[Finding]:
    """An error for each refused use, a note for each lowered feature (once, at its first use)."""
    findings: list[Finding] = []
    lowered: set[Feature] = set()
    for use in uses:
        support = capabilities[use.feature]
        if isinstance(support, Refused):
            findings.append(
                error(
                    "PORT200",
                    f"{target} cannot express `{use.feature}` of {use.subject}",
                    use.span,
                    why=support.why,
                    next=support.hint
                    or f"leave it out, or drop {target} from this pipeline's targets",
                )
            )
        elif isinstance(support, Lowered) and use.feature not in lowered:
            lowered.add(use.feature)
            findings.append(
                note("PORT201", f"{target}: `{use.feature}` is lowered: {support.how}", use.span)
            )
    return findings
