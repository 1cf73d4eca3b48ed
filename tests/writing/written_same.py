"""What of a pipeline must come back when it is written as Python and loaded, as JSON data to compare.

Left out, each for its reason:
- spans, modules and local modules: where the file stands; so for classes of the file that artifacts name;
- names of regions' outputs and of a branch's conditional arms: authoring gives them itself;
- outputs of groups, and outputs of regions that nothing uses: authoring names the task inside;
- types that a task does not say, or says to be anything, where annotations say more; item types of loops;
- imports and definitions that a function was captured with, and does not need;
- texts that a task does not say, where its function has a docstring, and their indentation;
- the output of a function that returns nothing;
- names of functions that another function of the module has: `Written.renamed` tells them;
- with `worker_only`, the order of definitions: those that need what may be missing stand together;
- the margin of docstrings: formatters set it anew;
- the order of bodies, edges and imports: values stand after what they are made of, imports are sorted;
- `(a & b) & c` for `a & b & c`, `x > 1` for `1 < x`, lists of literals for literal lists, joined literal text:
  the same value, written otherwise.
"""

import ast
import inspect
import json
import re

from intermodal.authoring.capture import index_statements, names_of, needed_by
from intermodal.ir.write import to_data

MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
ANY = {"kind": "any"}


def forms(before, after, renamed=(), *, worker_only=False):
    """The comparable forms of a pipeline and of what it was loaded back as: equal if nothing was lost."""
    first, second = _form(before), _form(after, dict(renamed))
    said, loaded = dict(_tasks(first)), dict(_tasks(second))
    for name in said.keys() & loaded.keys():
        _leave_to_annotations(said[name], loaded[name])
    return tuple(map(_without_order, (first, second))) if worker_only else (first, second)


def _without_order(data):
    if isinstance(data, list):
        return [_without_order(item) for item in data]
    if not isinstance(data, dict):
        return data
    made = {key: _without_order(value) for key, value in data.items()}
    if "definitions" in made:
        made["definitions"] = sorted(made["definitions"])
    return made


def _form(pipeline, renamed=None):
    data = to_data(pipeline, spans=False)
    if renamed:
        data = _with_names(data, renamed)
    inner = {}
    _note(data.get("body", []), inner)
    data = _values(data, inner)
    _tidy(data.get("body", []))
    _tidy(data.get("exit_tasks", []))
    return data


def _with_names(data, names):
    """Captured source with its own names again."""
    if isinstance(data, list):
        return [_with_names(item, names) for item in data]
    if not isinstance(data, dict):
        return data
    if data.get("kind") == "python" or data.get("op") == "source":
        words = re.compile(rf"\b({'|'.join(names)})\b")
        text = words.sub(lambda found: names[found[0]], json.dumps(data))
        return json.loads(text)
    return {key: _with_names(value, names) for key, value in data.items()}


def _tasks(data):
    """Tasks by id, with whether anything uses what they give."""
    used = set(_used(data))
    pending = [*data.get("body", []), *data.get("exit_tasks", [])]
    while pending:
        node = pending.pop()
        if node["node"] == "task":
            yield node["id"], (node, node["id"] in used)
        pending += [child for part in _bodies(node) for child in part]


def _leave_to_annotations(said, loaded):
    """Types that the task does not say are as its function's annotations say."""
    (task, used), (back, _) = said, loaded
    if not task.get("docs"):
        back.pop("docs", None)
    for name in back["input_types"]:
        if task["input_types"].get(name, ANY) == ANY:
            back["input_types"][name] = ANY
    task["input_types"] = {name: task["input_types"].get(name, ANY) for name in back["input_types"]}
    if (
        not task["outputs"]
        and back["outputs"] == {"return": ANY}
        and not used
        and _gives_nothing(task)
    ):
        back["outputs"] = {}
    if task["outputs"] == {"return": ANY} and (back["outputs"].keys() == {"return"} or not used):
        back["outputs"] = {"return": ANY}


def _gives_nothing(task):
    function = task["action"]["source"]["function"]
    return not any(
        isinstance(node, ast.Return) and node.value for node in ast.walk(ast.parse(function))
    )


def _note(body, inner):
    """What each output of a region is, by the region's id and the output's name."""
    for node in body:
        for name, reference in node.get("outputs", {}).items():
            if node["node"] != "task":
                inner[node["id"], name] = (node["node"], reference)
        for part in _bodies(node):
            _note(part, inner)


def _bodies(node):
    for name in ("body", "otherwise"):
        if node.get(name):
            yield node[name]
    for arm in node.get("arms", []):
        yield arm.get("body", [])


def _values(data, inner):
    """Values in one way of several that mean the same."""
    if isinstance(data, list):
        return [_values(item, inner) for item in data]
    if not isinstance(data, dict):
        return data
    if data.get("op") == "output" and (data["node"], data.get("output", "return")) in inner:
        kind, target = inner[data["node"], data.get("output", "return")]
        target = _values(target, inner)
        # What comes out of a region is named by what goes into it.
        return target if kind == "group" else {"op": "output", "node": data["node"], "of": target}
    made = {key: _values(value, inner) for key, value in data.items()}
    return FORMS.get(data.get("op"), _same)(made)


def _same(made):
    for name in ("docs", "description"):
        if isinstance(made.get(name), str):
            made[name] = inspect.cleandoc(made[name])
    made.pop("span", None)
    if made.get("kind") == "python":
        made["module"] = None
    if "local_modules" in made:
        del made["local_modules"]
    if made.get("kind") == "artifact":
        made["python"] = made.get("python", "").rpartition(".")[2]
    if "function" in made and made.get("kind") != "python":
        _trim(made)
    if made.get("op") == "source":
        _trim_expression(made)
    return made


def _without_margins(text):
    lines = text.split("\n")
    defines = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, defines) and ast.get_docstring(node) is not None:
            for number in range(node.body[0].lineno, node.body[0].end_lineno):
                lines[number] = lines[number].strip()
    return "\n".join(lines)


def _trim_expression(source):
    """Leave what an expression needs, its own imports among them."""
    parts = [*source.get("imports", []), *source.get("definitions", [])]
    text = "".join(part.rstrip() + "\n" for part in parts)
    module = index_statements((tree := ast.parse(text)).body, tree, text, "", "")
    imports, statements = needed_by(module, names_of(source["text"].strip()))
    source["text"] = source["text"].strip()
    source["imports"] = sorted(item.text for item in imports)
    source["definitions"] = [_without_margins(statement.text) for statement in statements]


def _trim(source):
    """Leave what the function needs, as capturing it would."""
    parts = [*source.get("imports", []), *source.get("definitions", []), source["function"]]
    text = "".join(part.rstrip() + "\n" for part in parts)
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    if not isinstance(tree.body[-1], (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    module = index_statements(tree.body, tree, text, "", "")
    own = module.functions[tree.body[-1].name]
    imports, statements = needed_by(module, own.needs, own.position)
    source["function"] = _without_margins(source["function"].rstrip() + "\n")
    source["imports"] = sorted(re.sub(r"\b(\w+) as \1$", r"\1", item.text) for item in imports)
    source["definitions"] = [_without_margins(statement.text) for statement in statements]


def _compare(made):
    literal = made["left"].get("op") == "literal" and made["right"].get("op") != "literal"
    if literal and made["operator"] in MIRRORED:
        return {
            "op": "compare",
            "operator": MIRRORED[made["operator"]],
            "left": made["right"],
            "right": made["left"],
        }
    return made


def _logic(made):
    operands = []
    for operand in made["operands"]:
        same = operand.get("op") == "logic" and operand["operator"] == made["operator"] != "not"
        operands += operand["operands"] if same else [operand]
    first = operands[0]
    if made["operator"] == "not" and first.get("op") == "compare" and first["operator"] == "in":
        return {**first, "operator": "not in"}
    return {**made, "operands": operands}


def _list(made):
    items = made.get("items", [])
    if all(item["op"] == "literal" for item in items):
        return {"op": "literal", "value": [item["value"] for item in items]}
    return made


def _map(made):
    entries = made.get("entries", {})
    if all(item["op"] == "literal" for item in entries.values()):
        return {"op": "literal", "value": {key: item["value"] for key, item in entries.items()}}
    return made


def _format(made):
    parts = []
    for part in made["parts"]:
        text = part["op"] == "literal" and isinstance(part["value"], str)
        if text and parts and parts[-1]["op"] == "literal" and isinstance(parts[-1]["value"], str):
            parts[-1] = {"op": "literal", "value": parts[-1]["value"] + part["value"]}
        elif not text or part["value"]:
            parts.append(part)
    return {"op": "format", "parts": parts}


FORMS = {"compare": _compare, "logic": _logic, "list": _list, "map": _map, "format": _format}


def _used(data):
    """Ids of the nodes whose outputs something uses."""
    if isinstance(data, list):
        for item in data:
            yield from _used(item)
    elif isinstance(data, dict):
        if data.get("op") == "output":
            yield data["node"]
        for value in data.values():
            yield from _used(value)


def _tidy(body):
    for node in body:
        for part in _bodies(node):
            _tidy(part)
        node["after"] = sorted(node.get("after", []))
        if node["node"] == "task":
            node.setdefault("input_types", {})
            node.setdefault("outputs", {})
            continue
        # References say what outputs are; those that nothing refers to need not come back.
        node.pop("outputs", None)
        node.pop("item_type", None)
        if node["node"] == "branch" and "chooser" not in node:
            for number, arm in enumerate(node["arms"]):
                arm["name"] = f"arm{number}"
    body.sort(key=lambda node: node["id"])
