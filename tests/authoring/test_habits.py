"""Python that does not do in a pipeline function what it says is told of, with the place."""

import pytest

from intermodal.authoring.load import load_source

HEAD = """\
import random, time, uuid
import datetime as dt
from datetime import datetime
from intermodal import *

@task
def use(x: str) -> str: ...

@pipeline
def p(n: str = "a"):
"""

HABITS = [
    ("use(datetime.now().isoformat())", "`datetime.now()` is called once"),
    ("use(str(dt.date.today()))", "`dt.date.today()`"),
    ("use(str(time.time()))", "`time.time()`"),
    ("use(str(uuid.uuid4()))", "`uuid.uuid4()`"),
    ("use(random.choice(['a']))", "`random.choice()`"),
    ("1 if n is None else 2", "`n` stands for a value of the run"),
    ("r = use(n)\n    use('b' if r is not None else 'c')", "`r` stands"),
    ("r = use.with_options(retry=1)(n)\n    r is None", "`r` stands"),
    ("try:\n        use(n)\n    except ValueError:\n        use('b')", "cannot catch"),
]


@pytest.fixture
def load(tmp_path):
    def load(body):
        file = tmp_path / "pipe.py"
        file.write_text(HEAD + f"    {body}\n", encoding="utf-8")
        return load_source(file, tmp_path)

    return load


@pytest.mark.parametrize(("body", "words"), HABITS)
def test_habits_are_told_of(load, body, words):
    loaded = load(body)
    assert len(loaded.pipelines) == 1
    [finding] = loaded.findings
    assert (finding.code, finding.severity) == ("PORT124", "warning")
    assert words in finding.what
    assert finding.next
    assert 1 <= finding.span.line - HEAD.count("\n") <= body.count("\n") + 1


def test_the_place_is_that_of_the_call(load):
    [finding] = load("use(str(time.time()))").findings
    assert (finding.span.line, finding.span.column) == (HEAD.count("\n") + 1, 13)


@pytest.mark.parametrize(
    "body",
    [
        "use('x' if None is None else 'y')",
        "import os\n    use('b' if os.environ.get('no') is None else 'c')",
        "try:\n        import nothing_of_that_name\n    except ImportError:\n        use('b')",
        "random.seed(1)\n    use(run.logical_date.strftime('%Y'))",
    ],
)
def test_what_is_decided_when_it_is_compiled_may_be(load, body):
    assert load(body).findings == ()
