"""Statements change a database and give rows; parameters are bound, whatever they hold."""

from witness import attempt

from intermodal import pipeline, sql, task

HOSTILE = "Robert'); drop table people; -- :name %s {{ ds }} {% raw %} é"


@task
def give() -> str:
    with attempt("give") as seen:
        return seen(HOSTILE)


@task
def names(rows: list[list], me: str) -> list:
    with attempt(me) as seen:
        return seen(
            [["hostile" if part == HOSTILE else part for part in row] for row in rows]
        )


@task
def count(rows: list[list]) -> int:
    with attempt("count") as seen:
        return seen(len(rows))


@pipeline
def rows(least: int = 2, label: str = "50 % {{ of }} all"):
    created = sql(
        """
        create table people (
            id integer,
            name text,
            height real
        )
        """,
        connection="warehouse",
        id="create",
    )
    given = give()
    added = sql(
        "insert into people values (1, :name, 1.5), (2, 'Bo', null)",
        connection="warehouse",
        parameters={"name": given},
        id="add",
        after=[created],
    )
    found = sql(
        "select id, name, height, :label, '{{ ds }}' from people where id <= :least order by id",
        connection="warehouse",
        parameters={"least": least, "label": label},
        id="find",
        after=[added],
    )
    names(found, "names")
    total = count(found)
    again = sql(
        "select :total + 1, typeof(:total), :nothing, :yes, 'no file.sql' as 'x.sql'",
        connection="warehouse",
        parameters={"total": total, "nothing": None, "yes": True},
        id="again",
    )
    names.with_options(id="last")(again, "last")
