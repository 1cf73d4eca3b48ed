"""Data that is pinned by its hash is what the annotation asks for: a path, text, JSON, a folder, items."""

from pathlib import Path

from witness import attempt

from intermodal import Directory, collect, data, for_each, pipeline, shell, task

ROWS = "7318f0fabc11529adcea854d7567d4ab7336bca13e2196a6bf50423ca4b74369"
LIMITS = "44a34db94a020b923088f8e0de79ef70467e47666b7d9025ceb940b965424bd1"
WORDS = "5452f1bc8039f5b7a9a18266abc7bcdcdd063efa87d327d9fa052aa96746403c"


@task
def total(rows: Path, limits: dict[str, object]) -> int:
    with attempt("total") as seen:
        lines = rows.read_text().splitlines()[1:]
        counts = [int(line.split(",")[1]) for line in lines]
        return seen(sum(count for count in counts if count > limits["floor"]))


@task
def name(path: str) -> str:
    with attempt("name") as seen:
        return seen(Path(path).name)


@task
def words(folder: Directory, more: list[Path]) -> int:
    with attempt("words") as seen:
        files = [*sorted(folder.iterdir()), *more]
        return seen(sum(len(file.read_text().split()) for file in files))


@task
def size(part: Path) -> int:
    with attempt("size", [["rows.csv", "limits.json"].index(part.name)]):
        return part.stat().st_size


@task
def keep(rows: bytes) -> bytes:
    with attempt("keep"):
        return rows.upper()


@task
def sizes(parts: list[int]) -> list[int]:
    with attempt("sizes") as seen:
        return seen(parts)


@pipeline
def pinned():
    rows = data("rows.csv", sha256=ROWS)
    limits = data("limits.json", sha256=LIMITS)
    total(rows, limits)
    name(limits)
    words(data("words", sha256=WORDS), [rows, limits])
    keep(rows)
    with for_each([rows, limits]) as part:
        found = size(part)
    sizes(collect(found))
    shell(
        'python3 "$WITNESS" start lines; n=$(wc -l < "$ROWS"); '
        'python3 "$WITNESS" end lines $n; echo $n',
        id="lines",
        inputs={"ROWS": rows},
        returns=int,
    )
