"""The hash of a function and of what it uses: the same wherever it stands, another when any of it changes."""

import importlib.util
import linecache

import pytest

from intermodal.margins import indented
from intermodal.runtime.call import code_hash
from intermodal.runtime.used_code import used_code_hash

OWN = '''def total(rows):
    """Several

    lines.
      And a margin.
    """
    text = """
one
    two
"""
    def inner(row):
        return scaled(row) if row > LIMITS["low"] else text
    return [inner(row) for row in rows]
'''
USED = '''LIMITS = {"low": 1,
          "high": 2}


class Row:
    """A row."""

    scale = 2


def scaled(row):
    return again(row) * Row.scale


def again(row):
    return row if row else scaled(row + 1)
'''
OTHER = "def unused():\n    return total\n\n\nrows = unused\n"


def loaded(folder, text, name="total", module="pipeline"):
    """The function of a file with this text."""
    file = folder / f"{module}.py"
    file.write_text(text)
    linecache.checkcache(str(file))
    spec = importlib.util.spec_from_file_location(module, file)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return getattr(made, name)


@pytest.fixture
def plain(tmp_path):
    return loaded(tmp_path, f"{USED}\n\n{OWN}\n\n{OTHER}")


def nested(folder, depth):
    """The function inside others, as compilers put it."""
    text = f"{USED}\n{OWN}\nreturn total\n"
    for number in range(depth):
        text = "\n".join([f"def around{number}():", *indented(text, "    ")])
        text += f"\nreturn around{number}()\n" if number + 1 < depth else "\n"
    return loaded(folder, text, f"around{depth - 1}", f"emitted{depth}")()


def test_it_is_the_same_wherever_it_stands(tmp_path, plain):
    for depth in (1, 2):
        inside = nested(tmp_path, depth)
        assert inside([2]) == plain([2])
        assert used_code_hash(inside) == used_code_hash(plain) != ""
        assert code_hash(inside) == code_hash(plain) != ""


def test_decorators_and_order_do_not_count(tmp_path, plain):
    decorated = "def keep(function):\n    return function\n\n\n"
    text = decorated + OTHER + "@keep\n" + OWN + "\n" + USED
    assert used_code_hash(loaded(tmp_path, text, module="other")) == used_code_hash(plain)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("return row if row", "return 2 * row if row", True),
        ("scale = 2", "scale = 3", True),
        ('"low": 1', '"low": 0', True),
        ("    two\n", "   two\n", True),
        ("return total", "return 1", False),
    ],
)
def test_what_changes_it(tmp_path, plain, old, new, changes):
    text = f"{USED}\n\n{OWN}\n\n{OTHER}"
    assert old in text
    changed = loaded(tmp_path, text.replace(old, new), module="changed")
    assert (used_code_hash(changed) != used_code_hash(plain)) is changes


def test_imports_do_not_count(tmp_path):
    one = loaded(tmp_path, "import math\n\n\ndef total():\n    return math.pi\n", module="one")
    other = loaded(
        tmp_path,
        "def outer():\n    import math\n\n    def total():\n        return math.pi\n"
        "    return total\n\n\ntotal = outer()\n",
        module="two",
    )
    assert used_code_hash(one) == used_code_hash(other) != ""


def test_without_a_source_there_is_no_hash():
    scope = {}
    exec("def total(): return 1", scope)
    assert used_code_hash(scope["total"]) == ""
    assert used_code_hash(len) == ""


def test_methods_and_lambdas(tmp_path):
    text = "class A:\n    def total(self):\n        return LOW\n\n\nLOW = {}\ntotal = A.total\n"
    one, two = (loaded(tmp_path, text.format(n), module=f"m{n}") for n in (1, 2))
    assert used_code_hash(one) != used_code_hash(two)
    assert used_code_hash(loaded(tmp_path, "total = lambda: 1\n", module="l")) == ""
