"""The catalogue of finding codes: what `port explain CODE` tells.

Ranges: 0xx reading files and the command line, 1xx the IR and authoring, 2xx what a target cannot do,
3xx linting a target's own format, 4xx artifacts, 5xx tracking, 6xx running, 7xx engines and
conformance, 8xx importing. A code is never reused for another meaning.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A code's caption and its long story."""

    title: str
    story: str


CODES: dict[str, Code] = {
    # 0xx: files and the command line
    "PORT001": Code(
        "file not found",
        "The path given does not exist or cannot be read. Give the path of a Python file with a "
        "@pipeline function, of a YAML or JSON file in the IR's own form, or of a folder of them.",
    ),
    "PORT002": Code(
        "file cannot be read as text",
        "Pipelines are UTF-8 text. The file is binary, in another encoding, or larger than the limit "
        "of 10 MiB.",
    ),
    "PORT003": Code(
        "syntax error",
        "The file is not valid Python, YAML or JSON. The span is where the parser stopped.",
    ),
    "PORT004": Code(
        "no pipeline in the file",
        "A Python source must hold at least one function decorated with @pipeline at module level.",
    ),
    "PORT005": Code(
        "the file raised while it was loaded",
        "Python sources are imported to trace their pipelines. An exception left the file itself; the "
        "place is the last line of the file that was running.",
    ),
    "PORT006": Code(
        "output cannot be written",
        "The output folder is not writable, is a file, or the disk is full. Nothing was changed: files "
        "are written beside their place and moved into it only when all of them are complete.",
    ),
    "PORT007": Code(
        "unknown target",
        "Targets are found by entry point. `port targets` lists those installed and their versions.",
    ),
    "PORT008": Code(
        "compiled output on disk is out of date",
        "`port compile --check` compiled again and compared. Run `port compile` and commit the result.",
    ),
    "PORT009": Code(
        "wrong use of the command line",
        "An argument does not fit. `port COMMAND --help` shows examples.",
    ),
    "PORT010": Code(
        "project configuration is wrong",
        "`[tool.intermodal]` in pyproject.toml, or intermodal.toml, has an unknown key or a value of "
        "the wrong type.",
    ),
    "PORT011": Code(
        "internal error",
        "Intermodal met something it did not expect. That is a fault of ours, never of your pipeline. "
        "`port --debug` with the same arguments shows the traceback to report.",
    ),
    "PORT012": Code(
        "target cannot be loaded",
        "The target's compiler is registered, but it or a package it needs cannot be imported. Each "
        "target that needs more than the base install has an extra of its name: "
        "`pip install 'intermodal[kfp]'`.",
    ),
    # 1xx: IR and authoring
    "PORT100": Code(
        "unknown field",
        "The IR is closed: a field it does not know is an error, so that a typing mistake cannot "
        "change a pipeline in silence. `port schema` prints the JSON Schema.",
    ),
    "PORT101": Code("missing field", "A field that has no default is absent."),
    "PORT102": Code(
        "value of the wrong type", "The value does not fit the field's type in the IR."
    ),
    "PORT103": Code(
        "newer IR version",
        "The document was written by a newer Intermodal. Reading it here could lose what this version "
        "does not know; upgrade Intermodal.",
    ),
    "PORT104": Code(
        "cycle",
        "Tasks wait for each other in a circle, so none of them could ever start.",
    ),
    "PORT105": Code(
        "dangling reference",
        "An expression or an ordering edge names a parameter, task or output that does not exist.",
    ),
    "PORT106": Code("duplicate id", "Task ids are unique within a pipeline, regions included."),
    "PORT107": Code(
        "types do not fit",
        "What a task gives is not what the next one takes. Integers fit where floats are taken; "
        "nothing else is converted in silence.",
    ),
    "PORT108": Code(
        "reference out of scope",
        "A task inside a loop or a branch arm can be used outside only through what the region "
        "collects or merges, because outside there may be none, or many, of it.",
    ),
    "PORT109": Code(
        "invalid name or id",
        "Ids hold letters, digits, `_`, `-` and `.`, and start with a letter or `_`.",
    ),
    "PORT110": Code(
        "a handle was used as a value",
        "While a pipeline function is traced, a task's result is a handle: it stands for a value that "
        "exists only when the pipeline runs. It cannot be measured, iterated, compared in an `if` or "
        "turned into text. Do that inside a task.",
    ),
    "PORT111": Code(
        "a task must be a module-level function",
        "Workers import a task by module and name, or get its source. Lambdas, nested functions and "
        "closures have neither.",
    ),
    "PORT112": Code(
        "a task closes over a local variable",
        "The value would be lost on the worker. Pass it as a parameter.",
    ),
    "PORT113": Code(
        "mutable default",
        "A default list, dict or set is shared between calls, and is not what a worker would see.",
    ),
    "PORT114": Code(
        "two tasks of one name",
        "Two different functions make tasks with one id; the trace could not tell them apart.",
    ),
    "PORT115": Code(
        "unsupported annotation",
        "An input or output annotation is not a type that travels between tasks.",
    ),
    "PORT116": Code(
        "wrong call or block",
        "A task, a pipeline or one of Intermodal's own functions was called with arguments that it does not "
        "take, or a block does not stand where it must: `when`, `for_each` and the like need `with`, and arms "
        "of a branch stand beside each other.",
    ),
    "PORT117": Code(
        "the pipeline function raised",
        "The function decorated with @pipeline is executed once to trace it. It raised; the place is "
        "its own line.",
    ),
    "PORT118": Code("invalid setting", "A policy has a value that no engine could honour."),
    "PORT119": Code("unused task result", "A task's output is used by nothing."),
    "PORT120": Code(
        "source cannot be embedded",
        "With `code = embed` a function's source travels inside the compiled artefact. This one needs "
        "something that cannot be captured from its file; use `--code import`.",
    ),
    "PORT122": Code(
        "setting of a called pipeline is not used",
        "A pipeline that another one calls becomes a group of tasks in it. Its schedule, owners, labels and "
        "the like belong to runs of its own, which it has none of there.",
    ),
    "PORT121": Code(
        "a local module must be importable on the worker",
        "The embedded function imports a module that is part of your project, not of an installed "
        "package. It is not embedded.",
    ),
    "PORT123": Code(
        "a teardown may run too early",
        "A teardown runs once its setup has succeeded and what it waits for has ended. Nothing but edges says "
        "what it waits for: a task that uses what the setup made, and that the teardown does not come after, "
        "may find it gone. `create() >> work() >> drop().as_teardown(setups=...)` is safe.",
    ),
    "PORT124": Code(
        "Python that does not do in a pipeline what it says",
        "The pipeline function runs once, when it is compiled. `try` around a task call cannot see the task "
        "fail, `is None` asks a handle and is never true, and a clock or a random number is read once and "
        "for all runs. Join rules, `default(...)`, `run.logical_date` and tasks do what is meant.",
    ),
    "PORT125": Code(
        "nested too deeply",
        "Regions, expressions, values and types may stand in each other only so deep: what they become "
        "has readers with limits. Compute deep values in a task, and keep branches beside each other.",
    ),
    # 2xx: what a target cannot do
    "PORT200": Code(
        "not supported by the target",
        "The target has no way to express this, native or lowered, so compiling it would change what "
        "the pipeline does. `port targets` shows what each target supports.",
    ),
    "PORT201": Code(
        "supported by lowering",
        "The target has no construct of its own for this; the compiler builds it from others.",
    ),
    "PORT202": Code(
        "name changed for the target",
        "The target forbids the name, so a safe one is used; the original stays as the display name.",
    ),
    "PORT203": Code(
        "over a size limit of the target",
        "The target would refuse this object, or fail when it runs.",
    ),
    "PORT204": Code(
        "value not supported by the target", "The target has the setting, but not with this value."
    ),
    "PORT205": Code(
        "Intermodal is needed on the worker",
        "Artifacts, tracking and typed values of a task use the runtime.",
    ),
    "PORT206": Code(
        "nothing knows these hosted classes",
        "A hosted task is a class of another ecosystem. Its own target takes it as it is; for any other one the "
        "ecosystem's package, found by entry point, says what it becomes.",
    ),
    "PORT207": Code(
        "the worker needs packages of another ecosystem",
        "A hosted task makes an object of a class and runs it in its own process, where that class must be installed.",
    ),
    "PORT208": Code(
        "a hosted task cannot be moved",
        "What the class does or is given cannot be had outside its own ecosystem, or is not known without running "
        "the file it came from.",
    ),
    "PORT209": Code(
        "a setting of another ecosystem has no effect here",
        "The setting belongs to the engine that the pipeline came from. The target has nothing like it, and what the "
        "tasks compute does not depend on it.",
    ),
    # 3xx: target formats
    "PORT300": Code(
        "not a valid document of the target",
        "The target's own schema refuses it. For Kubeflow Pipelines: the text is not YAML, or not one "
        "PipelineSpec document, which a platform spec may follow.",
    ),
    # 300-349: Kubeflow Pipelines. Its own loader accepts most of what these find.
    "PORT301": Code(
        "unknown field",
        "The official schema has no such field here, so it is a typing mistake or from another version.",
    ),
    "PORT302": Code(
        "value of the wrong kind",
        "The official schema wants another kind of value here: a mapping, a list, text, one of an enum's names. Unquoted dates, `yes` and `on` are not text in YAML.",
    ),
    "PORT303": Code(
        "key given twice", "YAML readers keep one of the two and drop the other in silence."
    ),
    "PORT304": Code(
        "bad pipeline name",
        "`pipelineInfo.name` is required: lower-case letters, digits and `-`, starting and ending with a "
        "letter or digit, at most 128 characters. The readable name goes into `displayName`.",
    ),
    "PORT305": Code(
        "cycle",
        "Tasks wait for each other in a circle, by `dependentTasks` or by data, so none of them could ever start.",
    ),
    "PORT306": Code(
        "unknown producer task",
        "A task waits for, or takes data from, a task that its own DAG does not have. Tasks see only their siblings.",
    ),
    "PORT307": Code(
        "unknown output", "The producer's component declares no such output of this kind."
    ),
    "PORT308": Code("missing component", "`componentRef.name` must be a key of `components`."),
    "PORT309": Code(
        "missing executor", "`executorLabel` must be a key of `deploymentSpec.executors`."
    ),
    "PORT310": Code(
        "unused component or executor",
        "Nothing that the root reaches uses it. It only makes the spec larger.",
    ),
    "PORT311": Code(
        "missing required input",
        "The component has an input with no default that is not optional, and the task does not give it.",
    ),
    "PORT312": Code(
        "unknown input",
        "The component, or the DAG around the task, declares no such input of this kind.",
    ),
    "PORT313": Code(
        "parameter and artifact confused",
        "A parameter is given where an artifact is taken, or the other way round. The two travel in different ways.",
    ),
    "PORT314": Code(
        "parameter types do not fit",
        "The value's type is not the type of the input that takes it. Integers fit where doubles are taken; nothing else is converted.",
    ),
    "PORT315": Code(
        "artifact types do not fit",
        "The schema title, its major version, or single against list differ. `system.Artifact` fits everything.",
    ),
    "PORT316": Code(
        "data edge without `dependentTasks`",
        "The task takes data from another but does not list it in `dependentTasks`. Some runners order tasks by that list only.",
    ),
    "PORT317": Code(
        "condition cannot be parsed",
        "`triggerPolicy.condition` is a CEL expression over the task's own inputs, such as `inputs.parameter_values['x'] == 'yes'`. A condition with an error fails the run.",
    ),
    "PORT318": Code(
        "condition names an unknown input",
        "A condition sees only the inputs of its own task. Pass the value in as an input of that task.",
    ),
    "PORT319": Code(
        "condition compares different types",
        "CEL does not convert: text and numbers are never equal, and ordering them is an error. Use int(), double() or string(). The whole must be true or false.",
    ),
    "PORT320": Code(
        "bad iterator",
        "`items` must name one of the task's inputs that holds a list, or be a JSON list in `raw`; `itemInput` must be an input of the task's component.",
    ),
    "PORT321": Code(
        "bad output selection",
        "Each output that a DAG declares is taken from an output of one of its tasks, or from one of several of which exactly one runs.",
    ),
    "PORT322": Code(
        "collected output is not a list",
        "A loop gives one value per item, so the outputs of its component are declared LIST, or `isArtifactList: true`.",
    ),
    "PORT323": Code(
        "component name without `comp-`",
        "Runners cut the first five letters off a component's name, so without the prefix they mix up the folders of two components.",
    ),
    "PORT324": Code(
        "placeholder names an unknown input or output",
        "At run time the placeholder would be replaced by null, or the task would fail.",
    ),
    "PORT325": Code(
        "malformed placeholder",
        "Placeholders look like `{{$.inputs.parameters['x']}}`, `{{$.outputs.parameters['x'].output_file}}` or `{{$.inputs.artifacts['x'].path}}`.",
    ),
    "PORT326": Code(
        "invalid name",
        "Task names become names of Argo steps: letters, digits and `-`, at most 128. Inputs, outputs and executors may hold `_` too. Environment variables follow Kubernetes.",
    ),
    "PORT327": Code(
        "over a size limit",
        "A Kubernetes object holds 1.5 MiB; a larger run cannot be stored. Display names and descriptions hold 1024 characters.",
    ),
    "PORT328": Code(
        "retry or loop policy cannot be honoured",
        "Retry delays are whole seconds of at least zero; the count, the factor and the parallelism limit are not negative.",
    ),
    "PORT329": Code(
        "value does not fit its parameter",
        "A default or constant is not of the parameter's type, or not one of its literals.",
    ),
    "PORT330": Code(
        "executor cannot run",
        "A container needs an image, an importer a URI and a type; each executor is one of the kinds that the schema knows.",
    ),
    "PORT331": Code(
        "integer beyond 2^53",
        "Numbers travel as doubles: larger integers lose their last digits. Send them as text.",
    ),
    "PORT332": Code(
        "platform spec names an unknown executor",
        "The second document configures executors of the first by name.",
    ),
    "PORT333": Code(
        "bad platform setting",
        "The Kubernetes platform spec has no such setting, or it names an input, task or output that is not there.",
    ),
    "PORT334": Code(
        "component contains itself", "A DAG component that leads back to itself would never end."
    ),
    "PORT335": Code(
        "exit task that the open-source backend runs differently",
        "A task with ALL_UPSTREAM_TASKS_COMPLETED becomes a hook of the task it waits for: sound only "
        "with exactly one such task for an upstream and nothing downstream of it.",
    ),
    "PORT336": Code(
        "not implemented by the open-source backend",
        "The schema has it, some platforms run it, the open-source backend does not.",
    ),
    "PORT337": Code(
        "bad selector expression",
        '`parameterExpressionSelector` picks a part of a JSON value: `parseJson(string_value)["key"]`.',
    ),
    "PORT338": Code("unsupported schema version", "Backends accept `schemaVersion: 2.1.0` only."),
    "PORT339": Code(
        "component cannot run",
        "A component is either a DAG with tasks or names an executor; the root is a DAG.",
    ),
    "PORT340": Code(
        "bad resource quantity",
        "CPU is a number of cores or `500m`; memory is bytes, or a number with a unit such as `2Gi`; an accelerator count is a whole number.",
    ),
    "PORT341": Code(
        "input without a value",
        "A task's input says neither a constant, nor a producer's output, nor an input of the DAG around it.",
    ),
    "PORT342": Code(
        "parameter or artifact without a type",
        "Each declared parameter needs a `parameterType`, each artifact an `artifactType`; the backend refuses a pipeline parameter without one.",
    ),
    # 4xx: artifacts
    "PORT400": Code("artifact not found", "The store has no such artifact version."),
    "PORT401": Code(
        "artifact content does not match its hash",
        "The bytes in the store are not those that were written.",
    ),
    "PORT402": Code("no serialiser for the type", "Register one, or return a type that has one."),
    "PORT403": Code(
        "pickled artifact",
        "cloudpickle is the last resort: such a file runs code when it is read, and may not open under "
        "another Python or library version.",
    ),
    "PORT404": Code(
        "artifact store cannot be used",
        "The store's URI is wrong, its filesystem package is missing, or access was refused.",
    ),
    "PORT405": Code(
        "artifact version exists with other content",
        "Nothing in the store is ever overwritten. The same output of the same attempt was stored "
        "before, with other bytes; the older version stays.",
    ),
    "PORT406": Code(
        "unsafe file in an artifact",
        "A link that leaves its folder, a name with `..` or a special file would let an artifact read "
        "or write outside its own place.",
    ),
    "PORT407": Code(
        "artifact record cannot be read",
        "An `artifact.json` in the store is damaged, or was written by a newer Intermodal. The "
        "version is left out; nothing was changed.",
    ),
    "PORT408": Code(
        "artifact cannot be read",
        "The content is whole, but cannot become a value here: a library or the class is missing, or "
        "the file asks for types that are not safe to load.",
    ),
    "PORT409": Code(
        "the file to store is not there",
        "A path that a task returns is copied into the store when the task ends.",
    ),
    "PORT410": Code(
        "a result was not cached",
        "The task asks for a cache, and this attempt could not use it: the store failed, the code "
        "has no hash, or the outputs hold a secret. The task itself ran as always.",
    ),
    # 5xx: tracking
    "PORT500": Code(
        "tracking is unavailable",
        "Or a task's process was killed before it sent its records. They were kept in the run's spool; the "
        "task's result is not affected. Once the tracker is back, "
        "`port track sync` sends every log that was kept, in order; `port track status` shows them. "
        "Sending a log twice changes nothing.",
    ),
    "PORT501": Code(
        "a value was not recorded",
        "Metrics are finite numbers, names are texts with something in them, files exist. Anything "
        "else is left out, with a note, and never ends the task.",
    ),
    "PORT502": Code(
        "a record could not be attributed to a task",
        "Several tasks ran in one process, and a thread that a task had started itself logged "
        "something. Wrap what the thread runs in `tracking.carry(function)`.",
    ),
    "PORT503": Code(
        "tracking address cannot be used",
        "The address names no tracker that is installed, or one that cannot be used here. MLflow takes "
        "`http://` and `https://` (a server) and `sqlite:///` (a file; needs the full mlflow package). "
        "`jsonl:PATH` needs nothing; `wandb:PROJECT` and `openlineage+file:PATH` or `openlineage+http://HOST` need "
        "the extras of those names on the worker. Several addresses may stand side by side, with spaces between.",
    ),
    "PORT504": Code(
        "a record was changed for the tracker",
        "The tracker forbids the name, cuts long values, or keeps the first value of a parameter. What "
        "was changed is shown beside it as a tag of the run.",
    ),
    "PORT505": Code(
        "a tracking log is incomplete",
        "Lines of the log are torn or were never written, as after a full disk. The rest was sent. Or a file is no log, "
        "or a folder of logs cannot be read: what is in it was not looked at.",
    ),
    "PORT520": Code(
        "a file was not uploaded",
        "Copies of files that wait for the tracker are dropped, the largest first, when the folder of the "
        "kept logs grows over INTERMODAL_SPOOL_LIMIT (1 GiB), or when records need the room on a full disk. "
        "Records (metrics, parameters, tags) are never dropped for that. Files that were sent from where "
        "they lay are not uploaded if they are gone by then.",
    ),
    "PORT521": Code(
        "the task failed because its records were not delivered",
        "Tracking is strict here: `tracking_strict` of the project or the profile, or "
        "INTERMODAL_TRACKING_STRICT=1. The records are kept, and the task may be tried again. Without it, "
        "tracking fails no task.",
    ),
    "PORT522": Code(
        "a file is sent from where it lies",
        "The disk had no room for a copy, so the file must stay as it is until the task has ended.",
    ),
    "PORT524": Code(
        "tracking address works otherwise on workers",
        "Compiled files are copied and committed, so the credentials of a tracking address are left out of them: workers "
        "take `INTERMODAL_TRACKING` first, from a secret for example. A relative path is another file on each worker, "
        "and gone with its pod on Kubernetes.",
    ),
    "PORT530": Code(
        "a record has no place in the tracker",
        "Trackers keep different things: W&B keeps one value of a metric for each step, OpenLineage tells only what "
        "was made from what. The finding names what was left out of this run; give a second address, such as "
        "`jsonl:runs`, to keep all of it.",
    ),
    "PORT523": Code(
        "undelivered records were moved",
        "Where the artifact store is not on the worker's machine, which may be gone when the task has ended, "
        "records that no tracker took are kept in the store, below `.spool`. `port track sync` in the project "
        "brings them back and sends them.",
    ),
    "PORT540": Code(
        "pruned artifact",
        "The version's content was removed by `port artifacts prune`. Its record stays, so `port lineage` "
        "still tells what it was made from and what was made from it.",
    ),
    "PORT541": Code(
        "no such run",
        "A run is named by its id, by the beginning of its id where no other begins so, by "
        "`pipeline/run`, or by the tracker's own id of it.",
    ),
    "PORT542": Code(
        "a reference leads nowhere",
        "Something still names an artifact whose content is gone: it was pruned, or removed by hand.",
    ),
    "PORT543": Code(
        "the tracker was not asked",
        "The tracker cannot be reached or read, or does not know the run. What is shown of it comes from the "
        "artifact store alone: metrics, and tasks without artifacts, may be missing.",
    ),
    "PORT544": Code(
        "it is not known what is in use",
        "Pruning asks the tracker which models are registered and which runs have not ended. Without "
        "an answer nothing is removed, unless `--without-tracker` says that it need not be asked.",
    ),
    "PORT550": Code(
        "version of data is not pinned",
        "`data(...)` names content that never changes: by its hash (`sha256=`), by the version id of S3 "
        "(`version=`), by a `.dvc` file, or by the id of a commit in lakeFS. A branch, a tag or a bare path "
        "can be something else at the next run.",
    ),
    "PORT551": Code(
        "address of data cannot be used",
        "It is a path below the folder of data (`INTERMODAL_DATA`, else the working directory), an absolute "
        "path, or a URI of something that fsspec opens.",
    ),
    "PORT552": Code(
        "address of data holds credentials",
        "Addresses are written into compiled files, lineage and trackers. Workers take credentials from their "
        "environment instead. A signed URL is a credential too.",
    ),
    "PORT553": Code(
        "version of data where it cannot be fetched",
        "The runtime fetches data for Python and shell tasks that are given it as an argument, alone or in a "
        "list or dict, and for the items of a loop. Nothing can be computed of it before that.",
    ),
    "PORT554": Code(
        "DVC file cannot be used",
        "A `.dvc` file names one file or folder with its md5, as `dvc add` writes it. Its path must not leave "
        "its own folder.",
    ),
    "PORT555": Code(
        "data is not what was pinned",
        "The content that was fetched has another hash, or the place gave another version. The task did not "
        "start. Restore the data, or pin what is there now.",
    ),
    "PORT556": Code(
        "data cannot be fetched",
        "Nothing is there, access was refused, or the package that opens such an address is not installed on "
        "the worker. For DVC everything is tried in turn: the working copy, DVC's cache, its remote, and the "
        "`dvc` package.",
    ),
    "PORT557": Code(
        "data cannot be read as its annotation says",
        "Files are read by the parameter's annotation and their own suffix: tables from Parquet, CSV and "
        "JSON, arrays from .npy, JSON values from .json, or by a serialiser that is registered. `Path` takes any.",
    ),
    "PORT560": Code(
        "the model registry cannot be reached",
        "`model_version`, `load_model` and `promote` need the tracker's answer, so they fail the task where everything "
        "else that is tracked would wait. It is trouble of the surroundings: with `retry` on the task its engine tries "
        "again.",
    ),
    "PORT561": Code(
        "there is no such model version",
        "A version is registered when the task that registers it has succeeded. If the tracker was away then, the task's "
        "records are kept and `port track sync` sends them; `promote` sends those that it finds in the run's own folder "
        "by itself. A number that no version has is a mistake of the pipeline.",
    ),
    "PORT562": Code(
        "nothing keeps models here",
        "Tracking is off, or none of the trackers has a model registry (MLflow and JSON lines have one): "
        "`model_version` gives None, `promote` does nothing, and what `register_model` gives stands for no version. "
        "A pipeline whose condition takes `None` for `nothing in use yet` runs all the same.",
    ),
    "PORT563": Code(
        "an alias stays where it is",
        "Another run promoted its version later than this one asked to. The latest promotion counts, whatever the order "
        "in which retries and kept records arrive.",
    ),
    "PORT564": Code(
        "a text cannot be an alias",
        "Aliases are letters, digits, `_` and `-`, at most 200 of them; `latest` and `v` with a number mean "
        "something else to MLflow.",
    ),
    "PORT565": Code(
        "a model is not what was registered",
        "Its content has another SHA-256 than the one that was registered with the version. It was replaced in its "
        "store, or the version's tags were changed. It is not loaded.",
    ),
    "PORT570": Code(
        "a tracked run is not linked",
        "The task was tracked, but the engine did not take the address of the tracker's page: its API was "
        "away or refused it. The page is in the tracker all the same; the task's result is not affected.",
    ),
    # 6xx: running
    "PORT600": Code("task failed", "The task's function raised; the traceback is its own."),
    "PORT601": Code("task timed out", "The attempt ran longer than its timeout and was ended."),
    "PORT602": Code("run not found", "The store holds no run of that id."),
    "PORT603": Code(
        "parameter value is wrong",
        "A value given with -p does not fit the parameter's type or choices, or is missing.",
    ),
    "PORT604": Code(
        "run was interrupted", "The store is consistent; `port run --resume RUN` goes on."
    ),
    "PORT605": Code(
        "worker process died", "The task's process was killed or crashed outside Python."
    ),
    "PORT606": Code(
        "the local engine cannot run this",
        "The embedded engine runs Python, shell and container tasks. The pipeline can still be compiled "
        "for targets that have the rest.",
    ),
    "PORT607": Code(
        "run cannot be resumed",
        "A run goes on with the pipeline and the parameters it began with, so that what it has done "
        "already still counts. The code of functions may change; tasks whose code did run again.",
    ),
    "PORT608": Code(
        "nobody can answer an approval",
        "A run on this machine asks at the terminal. Without one, `--approve ID`, `--reject ID` or "
        "`--approve-all` say the answer beforehand.",
    ),
    "PORT609": Code(
        "triggered pipeline cannot run",
        "A task that triggers another pipeline needs it among the same sources, and gives it its parameters.",
    ),
    "PORT610": Code(
        "notification was not sent",
        "The channel is unknown, or whoever should take the message did not. No task fails of that.",
    ),
    "PORT611": Code(
        "pool and its size",
        "Sizes of pools for runs on this machine stand in `[tool.intermodal.pools]`. A pool without one "
        "holds nothing back; a task that takes more slots than its pool has could never start.",
    ),
    # 7xx: engines and conformance
    "PORT700": Code(
        "engine is not installed", "`port engines install NAME` makes its environment."
    ),
    "PORT701": Code("engine installation failed", "The installer's own message is shown."),
    "PORT702": Code("unknown engine", "`port engines list` shows those known."),
    "PORT703": Code(
        "traces differ",
        "The same pipeline did not do the same on this engine. Clocks, random numbers and network answers "
        "differ by nature: leave them out with `--ignore TASK.outputs.return`. The content of an artifact "
        "depends on the library that wrote it: Parquet files and pickled models name its version. Install "
        "your own requirements into the engine with `port engines install ENGINE --requirements FILE`, or "
        "leave them out with `--ignore TASK.artifacts.return`. Anything else is a bug: please report it.",
    ),
    "PORT704": Code(
        "engine stopped working",
        "The engine's process or server did not start, or died; its own last words are shown.",
    ),
    # 8xx: importing from another system
    "PORT802": Code(
        "something was taken for granted",
        "A Variable or an environment variable decides what the file makes, and its value was not given. "
        "Its default was taken where there is one. `--variables FILE` and `--env FILE` give values.",
    ),
    "PORT803": Code(
        "a task is not fully known",
        "Files are read and never run, so a task whose id, class or existence depends on what only running "
        "could tell is a hole: it is shown, never guessed.",
    ),
    "PORT804": Code(
        "edges are not known",
        "One side of an arrow between tasks is not known, or tasks were given to code that is not read.",
    ),
    "PORT805": Code(
        "the file raises while it is loaded",
        "As far as it can be read, the file would raise here when its scheduler loads it. Reading went on with "
        "the next statement.",
    ),
    "PORT806": Code(
        "the file is too much to read",
        "Reading stops after a number of steps, so that a file that computes for long, or without end, does not "
        "stop the others.",
    ),
    "PORT807": Code(
        "not written as a user would",
        "A pipeline is written as Python that its users keep. What has no words of its own there stands in those of "
        "the IR, `action(ir...)`, and loads back to the same; what belongs to another ecosystem is not written.",
    ),
    "PORT808": Code(
        "an import could not be followed",
        "Modules below `--root` are read. A star import of anything else brings names that nobody knows.",
    ),
    "PORT809": Code(
        "a pipeline is not fully known",
        "Its id, or whether it exists at all, depends on what only running the file could tell.",
    ),
    "PORT810": Code(
        "what a pipeline consists of is not known",
        "Tasks or edges depend on what only running the file could tell, so the pipeline would not be the same one. "
        "It is not compiled with such a hole.",
    ),
    "PORT811": Code(
        "a value is not known",
        "An argument depends on what only running the file could tell, and its source cannot be taken along: it uses "
        "a variable of a loop or function, or an object that holds tasks.",
    ),
    "PORT812": Code(
        "a file is kept",
        "`port import --out` replaces only files that it wrote itself and that nobody has edited since: their hashes "
        "are in `.intermodal-import.json` of that folder. `--force` replaces the others too.",
    ),
    "PORT813": Code(
        "a path of this machine",
        "The file makes a path from where it lies (`__file__`), and that path was taken as it is here. Where the "
        "compiled pipeline runs, the files that it means have to lie at the same place.",
    ),
    "PORT814": Code(
        "a secret would stand in the result",
        "A value given with `--variables` or `--env` is named like a secret (`password`, `token`, `api_key` ...) and "
        "would be written down where the file uses it. Leave it out: an argument that asks for it keeps the call, "
        "which Airflow runs as before, and elsewhere you give it to the task in `secrets`.",
    ),
    "PORT815": Code(
        "a default that differs between versions",
        "Airflow 2 starts the runs of the past that were missed, and runs a DAG without a schedule daily. Airflow 3 "
        "does neither. The file does not say which it means, so what it becomes does as its own engine does.",
    ),
    "PORT820": Code(
        "a file could not be loaded",
        "`--introspect` loads files as their scheduler does, in the environment of the Python that "
        "`--airflow-python` names, with the values of `--variables` and `--env`. What it says is shown. The file "
        "is taken as it was read.",
    ),
    "PORT821": Code(
        "the file makes something else when it runs",
        "With `--introspect`, what the loaded file makes is held against what was read. Both are right in their "
        "environment if it depends on Variables, on the environment or on the time; otherwise it is a mistake of "
        "the reader: please report it. What was read is taken.",
    ),
    "PORT822": Code(
        "something is taken from the loaded file",
        "What reading could not tell was filled with what the file made when it was loaded for `--introspect`. It "
        "is what that environment gave at that moment, and is written down as a fixed value.",
    ),
}
