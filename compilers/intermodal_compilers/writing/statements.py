"""Statements laid out, with parentheses where a line would be too long even so."""

from __future__ import annotations

from intermodal_compilers.pysource import INDENT, WIDTH, Chain, Expr, inline, layout


def assigned(expr: Expr, target: str, indent: int) -> list[str]:
    """`target = expr`, or `expr` alone where there is no target."""
    prefix = f"{target} = " if target else ""
    lines = layout(expr, prefix=prefix, indent=indent)
    if not prefix or len(lines[0]) <= WIDTH:
        return lines
    inside = layout(expr, indent=indent + 1)
    if len(inside[0]) > WIDTH:
        return lines
    return [f"{INDENT * indent}{prefix}(", *inside, f"{INDENT * indent})"]


def ordered(chain: Expr, indent: int) -> list[str]:
    """`first >> second`, with a line for each side where it is too long for one."""
    lines = layout(chain, indent=indent)
    if len(lines[0]) <= WIDTH or not isinstance(chain, Chain):
        return lines
    margin, inner = INDENT * indent, INDENT * (indent + 1)
    first, *others = [inline(side) for side in chain.operands]
    return [
        f"{margin}(",
        f"{inner}{first}",
        *(f"{inner}>> {side}" for side in others),
        f"{margin})",
    ]
