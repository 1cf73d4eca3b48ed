"""A plugin of Airflow: the page of a tracked task in the tracker, as a link beside its logs.

Compiled tasks keep the address as an XCom; installing Intermodal where Airflow's pages are served is
enough for the link to show. Airflow loads plugins in all of its processes, so nothing else is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow import __version__
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey

KEY = "tracking_url"
"""The XCom that compiled tasks leave."""


class TrackedTaskLink:
    """What Airflow asks for the address; it takes any class with these, and shows no empty ones."""

    name = "Tracked task"
    operators: ClassVar[list[Any]] = []

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """The address; empty if the task left none."""
        if __version__.startswith("2."):
            from airflow.models.xcom import XCom

            return str(XCom.get_value(key=KEY, ti_key=ti_key) or "")
        try:
            from airflow.serialization.definitions.operatorlink import XComOperatorLink
        except ImportError:  # before 3.2
            from airflow.serialization.serialized_objects import XComOperatorLink
        link = XComOperatorLink(name=self.name, xcom_key=KEY)
        return str(link.get_link(operator, ti_key=ti_key) or "")


class IntermodalPlugin(AirflowPlugin):  # type: ignore[misc]
    """Adds the link to all operators: which of them are tracked shows only when they have run."""

    name = "intermodal"
    global_operator_extra_links: ClassVar[list[Any]] = [TrackedTaskLink()]
