"""The room templates run in: they may word a letter, and can do nothing else.

Templates are written by operators, so this guards against mistakes (an endless loop, a
gigantic range, a misspelt name), with the sandbox of Jinja2 beneath as the second wall
for what nobody meant. Data is never part of a template's source.
"""

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

STEPS = 10_000
SIZE = 262_144
_NUMBER = 1_000_000

# `center`, `indent`, `format` and their like make a gigabyte of a dozen characters.
_FILTERS: tuple[str, ...] = (
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "e",
    "escape",
    "first",
)
_FILTERS += ("int", "join", "last", "length", "lower", "round", "string", "title")
_FILTERS += ("trim", "truncate", "upper", "urlencode", "wordcount")


class TooMuch(SecurityError):
    """A template that loops, calls or writes without end."""


class Workshop(ImmutableSandboxedEnvironment):
    """A Jinja2 environment with a budget of steps for every rendering.

    A step is one turn of a loop, one call, one included template.
    """

    intercepted_binops = frozenset(("*", "**", "%"))

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self._budget = threading.local()
        self.filters = {name: self.filters[name] for name in _FILTERS}
        self.filters |= {"breaks": breaks, "counted": self._counted}
        self.globals = {"range": self.globals["range"]}

    def compiled(self, name: str) -> Template:
        """Return a template, whatever was spent on those before."""
        self._budget.left = STEPS
        return self.get_template(name)

    def write(self, template: Template, words: dict[str, Any]) -> str:
        """Render within the budget; raises TooMuch, or what Jinja2 raises."""
        self._budget.left = STEPS
        room = SIZE + 8 * sum(len(v) for v in words.values() if isinstance(v, str))
        pieces = []
        for piece in template.generate(words):
            room -= len(piece)
            if room < 0:
                raise TooMuch("the template writes without end")
            pieces.append(piece)
        return "".join(pieces)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Refuse the methods of text: `format` reads objects, `ljust` eats memory."""
        return not isinstance(obj, str) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Offer no safer `format` either: its widths eat memory as `ljust` does."""

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply small numbers; refuse text times a million and powers of powers."""
        for value in (left, right):
            if operator == "**" or not isinstance(value, int | float):
                raise SecurityError(f"{operator} is for small numbers")
            if abs(value) > _NUMBER:
                raise SecurityError(f"{value} is too large for {operator}")
        return super().call_binop(context, operator, left, right)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call, at the price of one step."""
        self._spend()
        return super().call(*args, **kwargs)

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: Any = None,
    ) -> Template:
        """Load or include, at the price of one step."""
        self._spend()
        return super().get_template(name, parent, globals)

    def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
        # Jinja2 bounds ranges and nothing else: three nested loops over a text of a
        # thousand characters take minutes and write nothing. So every loop counts.
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(
                loop.iter, "counted", [], [], None, None, lineno=loop.lineno
            )
        return tree

    def _counted(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self._spend()
            yield value

    def _spend(self) -> None:
        left = getattr(self._budget, "left", STEPS)
        if left <= 0:
            raise TooMuch(f"the template takes more than {STEPS} steps")
        self._budget.left = left - 1


def breaks(value: str) -> Markup:
    """Return text as HTML that keeps its lines and its indentation."""
    html = str(escape(value)).replace("\t", "    ").replace("  ", "&nbsp; ")
    return Markup(html.replace("\n ", "\n&nbsp;").replace("\n", "<br>\n"))  # noqa: S704 - escaped above
