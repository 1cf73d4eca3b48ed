"""The few functions that an emitted file may define for itself. No text of the user's stands here."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal_compilers.pysource import Expr, Value, call, layout

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

# What each helper needs: names to import at the top of the file, and other helpers.
NEEDS: Mapping[str, frozenset[str]] = {
    "as_text": frozenset({"json"}),
    "environment_variables": frozenset({"contextmanager", "os"}),
    "json_or_text": frozenset({"json"}),
    "pod": frozenset(),
    "run_container": frozenset({"as_text", "json", "json_or_text", "task"}),
    "run_context": frozenset({"get_current_context"}),
}

TEXTS: Mapping[str, str] = {
    "as_text": AS_TEXT,
    "environment_variables": ENVIRONMENT,
    "json_or_text": JSON_OR_TEXT,
    "pod": POD,
    "run_container": RUN_CONTAINER,
}


def helper_lines(name: str, facts: Mapping[str, str | dict[str, str]]) -> list[str]:
    """A helper's lines; `facts` are the fixed fields of the run's context."""
    if name == "run_context":
        return _run_context(facts)
    return TEXTS[name].rstrip("\n").splitlines()


def _run_context(facts: Mapping[str, str | dict[str, str]]) -> list[str]:
    fields: dict[str, Expr] = {"pipeline": Value(facts["pipeline"])}
    found = ("run_id", "task", "attempt", "parameters", "link")
    places = {name: PLACES[name] for name in found}
    fixed = {name: Value(facts[name]) for name in FIXED if facts.get(name)}
    context = call("runtime.Context", **{**fields, **places, **fixed})
    return [
        "def run_context():",
        '    """What the tasks\' runtime knows of this run."""',
        "    from intermodal import runtime",
        "",
        "    context = get_current_context()",
        '    task_instance = context["ti"]',
        *layout(context, prefix="return ", indent=1),
    ]


FIXED = ("target", "store", "tracking", "experiment", "tags")


def _place(text: str) -> Expr:
    """An expression of the helper's own."""
    from intermodal_compilers.pysource import Attribute, Name, Subscript

    base, _, key = text.partition(":")
    if base == "context":
        return Subscript(Name("context"), Value(key))
    return Attribute(Name("task_instance"), key)


PLACES: Mapping[str, Expr] = {
    "run_id": _place("context:run_id"),
    "task": _place("ti:task_id"),
    "attempt": _place("ti:try_number"),
    "parameters": call("dict", _place("context:params")),
    "link": _place("ti:log_url"),
}
