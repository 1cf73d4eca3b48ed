"""The few functions that an emitted file may define for itself. No text of the user's stands here."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal.analysis.connection_calls import shared_source
from intermodal_compilers.airflow.run_facts import CLOSE_RUN, close_run_lines, run_context_lines

AS_TEXT = '''\
def as_text(value):
    """How a command sees a value: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
'''

JSON_OR_TEXT = '''\
def json_or_text(text):
    """The value that a text stands for: JSON if it is some, or else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
'''

ENVIRONMENT = '''\
@contextmanager
def environment_variables(variables):
    """Set environment variables for as long as a task runs."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
'''

POD = '''\
def pod(image=None, requests=None, limits=None):
    """What a task's pod needs; executors without Kubernetes ignore it."""
    try:
        from kubernetes.client import models as k8s
    except ImportError:
        return {}
    resources = k8s.V1ResourceRequirements(requests=requests, limits=limits)
    container = k8s.V1Container(name="base", image=image, resources=resources)
    return {"pod_override": k8s.V1Pod(spec=k8s.V1PodSpec(containers=[container]))}
'''

RUN_CONTAINER = '''\
@task
def run_container(image, outputs, files=None, **options):
    """Run a container to its end; outputs are the contents of files that it leaves.

    `outputs` gives for each name the file's path, and whether it is text, JSON or any of them.
    """
    import io
    import tarfile

    import docker

    def archive(contents):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, text in contents.items():
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.mode = 0o666
                data = as_text(text).encode()
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return buffer.getvalue()

    def read(path):
        stream, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            return tar.extractfile(tar.getmembers()[0]).read().decode()

    client = docker.from_env()
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        client.images.pull(image)
    container = client.containers.create(image, **options)
    try:
        empty = {path: "" for path, _ in outputs.values()}
        container.put_archive("/", archive({**(files or {}), **empty}))
        container.start()
        for line in container.logs(stream=True, follow=True):
            print(line.decode(errors="replace"), end="")
        status = container.wait()["StatusCode"]
        if status != 0:
            raise RuntimeError(f"the container ended with exit code {status}")
        texts = {name: read(path) for name, (path, _) in outputs.items()}
    finally:
        container.remove(force=True)
    readers = {"text": str, "json": json.loads, "any": json_or_text}
    values = {name: readers[outputs[name][1]](text) for name, text in texts.items()}
    return values["return"] if set(values) == {"return"} else values or None
'''

AS_NAMES = '''\
def as_names(chosen):
    """The names that a choice consists of: one, several or none."""
    if chosen is None:
        return []
    return chosen if isinstance(chosen, list) else [chosen]
'''

AS_ITEMS = '''\
def as_items(value):
    """What a loop goes over: a list, or the pairs of a map."""
    if isinstance(value, dict):
        return [[key, item] for key, item in value.items()]
    if not isinstance(value, list):
        raise TypeError(f"a loop goes over {value!r}, which is no list")
    return value
'''

AS_TIME = '''\
def as_time(text):
    """The point in time that a text in ISO 8601 stands for."""
    return datetime.fromisoformat(text)
'''

MOVED = '''\
def moved(text, seconds):
    """A point in time, moved."""
    return (datetime.fromisoformat(text) + timedelta(seconds=seconds)).isoformat()
'''

FROM_ENVIRONMENT = '''\
def secret(variable):
    """A secret, which the worker has in an environment variable."""
    return os.environ[variable]
'''

GIVEN = '''\
def given(values):
    """The values that there are."""
    return [value for value in values if value is not None]
'''

OUTPUT_OF = '''\
def output_of(task_id, key="return_value", here=False):
    """What a task gave, in the same iteration if it is `here`; None if it gave nothing."""
    own = get_current_context()["ti"]
    map_index = own.map_index if here else -1
    return own.xcom_pull(task_ids=task_id, key=key, map_indexes=map_index)
'''

OUTPUTS_OF = '''\
def outputs_of(task_id, key="return_value", count=None):
    """What the instances of a mapped task gave, in order; with `count`, also where it is None."""
    pull = get_current_context()["ti"].xcom_pull
    if count is not None:
        return [pull(task_ids=task_id, key=key, map_indexes=n) for n in range(count)]
    return [value for value in pull(task_ids=[task_id], key=key) if value is not None]
'''

STATE_OF_2 = '''\
def state_of(task_id, here=False):
    """How a task of this run ended, in the same iteration if it is `here`."""
    context = get_current_context()
    map_index = context["ti"].map_index if here else -1
    found = context["dag_run"].get_task_instance(task_id, map_index=map_index)
    state = str(found.state)
    return {"success": "succeeded"}.get(state, state)
'''

STATE_OF_3 = '''\
def state_of(task_id, here=False):
    """How a task of this run ended, in the same iteration if it is `here`."""
    context = get_current_context()
    states = context["ti"].get_task_states(
        dag_id=context["dag"].dag_id,
        map_index=context["ti"].map_index if here else -1,
        task_ids=[task_id],
        run_ids=[context["run_id"]],
    )
    state = next(iter(states[context["run_id"]].values()))
    return {"success": "succeeded"}.get(state, state)
'''

RUN_BASH = '''\
def run_bash(command, variables=None):
    """Run a command with environment variables; the last line of its output."""
    environment = {**os.environ, **(variables or {})}
    last_line = ""
    process = subprocess.Popen(
        ["bash", "-c", command],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for line in process.stdout:
            print(line, end="")
            last_line = line.rstrip("\\n")
        status = process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    if status != 0:
        raise RuntimeError(f"the command ended with exit code {status}")
    return last_line
'''

LOADED = '''\
def loaded(value):
    """A value in place of a reference to the artifact store, where the runtime keeps it."""
    from intermodal.runtime.stored import load_value

    return load_value(value, run_context().store_uri)
'''

BASH_SUCCEEDS = '''\
def bash_succeeds(command, variables=None):
    """Whether a command ends with exit code 0."""
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(["bash", "-c", command], env=environment, check=False)
    return done.returncode == 0
'''

LOG_MESSAGE = '''\
def log_message(text):
    """A callback that writes a message to the log."""

    def send(context):
        print(text)

    return send
'''

SEND_EMAIL = '''\
def send_email(address, text):
    """A callback that sends a message over the connection `smtp_default`."""

    def send(context):
        from html import escape

        from airflow.providers.smtp.hooks.smtp import SmtpHook

        subject = " ".join(text.split())[:200]
        body = f"<pre>{escape(text)}</pre>"
        with SmtpHook() as hook:
            hook.send_email_smtp(to=address, subject=subject, html_content=body)

    return send
'''

POST_MESSAGE = '''\
def post_message(variable, text):
    """A callback that posts a message to the URL which an environment variable holds."""

    def send(context):
        request = urllib.request.Request(
            os.environ[variable],
            data=json.dumps({"text": text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()

    return send
'''

BODY_TEXT = '''\
def body_text(response):
    """The body of a response, in the charset that it names, or else UTF-8."""
    head = Message()
    head["Content-Type"] = response.headers.get("Content-Type", "")
    return response.content.decode(head.get_content_charset("utf-8"))
'''

# What each helper needs: names to import at the top of the file, and other helpers.
NEEDS: Mapping[str, frozenset[str]] = {
    "as_items": frozenset(),
    "as_names": frozenset(),
    "as_text": frozenset({"json"}),
    "as_time": frozenset({"datetime"}),
    "body_text": frozenset({"Message"}),
    "json_rows": frozenset({"Any", "json_value"}),
    "json_value": frozenset({"Any"}),
    "moved": frozenset({"datetime", "timedelta"}),
    "secret": frozenset({"os"}),
    "bash_succeeds": frozenset({"os", "subprocess"}),
    CLOSE_RUN: frozenset(),
    "log_message": frozenset(),
    "post_message": frozenset({"json", "os", "urllib"}),
    "send_email": frozenset(),
    "given": frozenset(),
    "loaded": frozenset({"run_context"}),
    "output_of": frozenset({"get_current_context"}),
    "outputs_of": frozenset({"get_current_context"}),
    "run_bash": frozenset({"os", "signal", "subprocess"}),
    "state_of": frozenset({"get_current_context"}),
    "environment_variables": frozenset({"contextmanager", "os"}),
    "json_or_text": frozenset({"json"}),
    "pod": frozenset(),
    "run_container": frozenset({"as_text", "json", "json_or_text", "task"}),
    "run_context": frozenset({"get_current_context"}),
}

TEXTS: Mapping[str, str] = {
    "as_items": AS_ITEMS,
    "as_names": AS_NAMES,
    "as_text": AS_TEXT,
    "as_time": AS_TIME,
    "body_text": BODY_TEXT,
    "moved": MOVED,
    "secret": FROM_ENVIRONMENT,
    "bash_succeeds": BASH_SUCCEEDS,
    "log_message": LOG_MESSAGE,
    "post_message": POST_MESSAGE,
    "send_email": SEND_EMAIL,
    "given": GIVEN,
    "loaded": LOADED,
    "output_of": OUTPUT_OF,
    "outputs_of": OUTPUTS_OF,
    "run_bash": RUN_BASH,
    "environment_variables": ENVIRONMENT,
    "json_or_text": JSON_OR_TEXT,
    "pod": POD,
    "run_container": RUN_CONTAINER,
}


# Those that are functions of `runtime.connections`, so that rows are the same on every target.
SHARED = ("json_rows", "json_value")


def helper_lines(name: str, facts: Mapping[str, str | dict[str, str]]) -> list[str]:
    """A helper's lines; `facts` are the fixed fields of the run's context."""
    if name == "run_context":
        return run_context_lines(facts)
    if name == CLOSE_RUN:
        return close_run_lines(facts)
    if name == "state_of":
        text = STATE_OF_2 if str(facts["target"]).startswith("airflow@2") else STATE_OF_3
        return text.rstrip("\n").splitlines()
    if name in SHARED:
        return shared_source(name).rstrip("\n").splitlines()
    return TEXTS[name].rstrip("\n").splitlines()
