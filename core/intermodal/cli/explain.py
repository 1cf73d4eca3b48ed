"""`port explain`: the long story of a finding's code."""

from __future__ import annotations

import click

from intermodal.cli.command import WithExamples
from intermodal.cli.options import as_json, complete_codes


@click.command(
    name="explain",
    cls=WithExamples,
    examples=(
        "port explain PORT200",
        "port explain 200",
        "port explain",
    ),
)
@click.argument("code", required=False, shell_complete=complete_codes)
@as_json
def command(code: str | None, as_json: bool) -> None:
    """Tell what a finding's CODE means; without a code, list all of them."""
    import json
    import textwrap

    from intermodal.codes import CODES

    if code is None:
        listed = {known: entry.title for known, entry in CODES.items()}
        plain = "\n".join(f"{known}  {title}" for known, title in listed.items())
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False) if as_json else plain)
        return
    known = _known(code)
    title, story = CODES[known]
    if as_json:
        data = {"code": known, "title": title, "story": story}
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    click.echo(f"{known}: {title}\n\n{textwrap.fill(story, 90)}")


def _known(code: str) -> str:
    """The code meant: letters of any case, and the prefix may be missing."""
    from intermodal.codes import CODES

    wanted = code.upper()
    for candidate in (wanted, f"PORT{wanted}"):
        if candidate in CODES:
            return candidate
    raise click.UsageError(f"there is no code `{code}`; `port explain` lists them")
