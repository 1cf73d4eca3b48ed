"""The tracking address as it may stand in compiled files: without credentials, and the same for all workers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intermodal.findings import Finding

DATABASE_PASSWORD = re.compile(r"^((?:postgresql|mysql)(?:\+\w+)?://[^:@/\s]*):[^@\s]*@")
"""Its user stays, who is no secret and is needed; the password may have slashes in it."""

WEB_USER = re.compile(r"^(\S*?https?://)[^/@\s]*@")
OTHER_USER = re.compile(r"(?<=://)[^/@:\s]*:[^/@\s]*@")
"""With a password: in `abfs://container@account` there is none."""

RELATIVE_FILE = re.compile(r"(?:sqlite:///|jsonl:|openlineage\+file:)[^/\s]")
NEXT = "give the workers their address in `INTERMODAL_TRACKING`, which goes before the compiled one"


def compiled_address(text: str) -> tuple[str, list[Finding]]:
    """One or several addresses without credentials, and PORT524 for each that works otherwise than it seems.

    Users may write credentials into their settings, which stay on their machine; compiled files do not.
    """
    from intermodal.findings import warning
    from intermodal.tracking.tracker import addresses_of, without_password

    bare: list[str] = []
    findings: list[Finding] = []
    for address in addresses_of(text):
        bare.append(_bare(address))
        if bare[-1] != address:
            what = f"the credentials in the tracking address `{without_password(address)}` are not compiled"
            findings.append(warning("PORT524", what, why="files are read by many", next=NEXT))
        if RELATIVE_FILE.match(address):
            what = f"each worker tracks to a `{address}` of its own"
            why = "the path begins in the working folder of whatever runs the task"
            next_step = "give a server, or an absolute path that all workers share, as `tracking` of a profile"
            findings.append(warning("PORT524", what, why=why, next=next_step))
    return " ".join(bare), findings


def _bare(address: str) -> str:
    from intermodal.tracking.tracker import SECRET_IN_QUERY

    address = DATABASE_PASSWORD.sub(r"\1@", address)
    address = OTHER_USER.sub("", WEB_USER.sub(r"\1", address))
    without = SECRET_IN_QUERY.sub("", address)
    return address if without == address else without.rstrip("?&;")
