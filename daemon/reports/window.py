"""The time that is reported on, and figures told apart by a property."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

Document = dict[str, Any]
Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time that is reported on, `until` not included, as seen at `now`."""

    since: datetime
    until: datetime
    now: datetime
    zone: ZoneInfo

    def head(self, report: str) -> Document:
        """What every report begins with."""
        return {
            "report": report,
            "since": self.since,
            "until": self.until,
            "as_of": self.now,
            "timezone": str(self.zone),
        }


class Groups(Generic[Figures]):
    """Figures by the values of some properties; `make` makes empty ones."""

    def __init__(self, properties: Iterable[str], make: Callable[[], Figures]) -> None:
        self._make = make
        self._found: dict[str, dict[str, Figures]] = {
            name: defaultdict(make) for name in properties
        }

    def of(self, values: Mapping[str, str]) -> list[Figures]:
        """The figures that something with these values belongs to."""
        return [found[values[name]] for name, found in self._found.items()]

    def document(self, shown: Callable[[Figures], Document]) -> Document:
        """All of them, by property, in the order of the values."""
        return {
            name: [{name: value, **shown(found[value])} for value in sorted(found)]
            for name, found in self._found.items()
        }
