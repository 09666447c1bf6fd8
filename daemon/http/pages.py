"""Pages for customers: worded in their language, and closed to everything else.

A page fetches nothing, runs nothing, is framed by nobody, kept by no cache, found by no
search engine, and tells no other site where its visitor came from: its own address is
the key to it.
"""

import base64
import hashlib
import tomllib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from chamado.notifier.wording import nearest

FOLDER = Path(__file__).parent / "templates"


class Pages:
    """All templates and words, loaded once; any thread may use them."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            auto_reload=False,
        )
        self._words = {
            file.stem: tomllib.loads(file.read_text("utf-8"))
            for file in sorted((FOLDER / "words").glob("*.toml"))
        }
        style = (FOLDER / "style.css").read_text("utf-8").strip()
        # Our own file, and the hash below is of this very text.
        self._templates.globals["style"] = Markup(style)  # noqa: S704
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; "
                "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages there are words for."""
        return tuple(self._words)

    def language(self, wish: str, house: str) -> str:
        """The nearest language to a wish, else the house's, that we have words in."""
        return nearest(wish, self.languages, house)

    def spoken(self, accepted: str, house: str) -> str:
        """The first language of an Accept-Language (RFC 9110 §12.5.4) that we have
        words in, else the house's. Browsers name them in the order of the wish."""
        tags = (one.partition(";")[0].strip() for one in accepted.split(",")[:20])
        found = (nearest(tag, self.languages, "") for tag in tags if tag)
        return next(filter(None, found), house)

    def page(
        self, name: str, language: str, service: str, *, status: int = 200, **facts: Any
    ) -> HTMLResponse:
        """Fill a page in."""
        html = self._templates.get_template(f"survey/{name}.html").render(
            {"number": None, **facts},
            w=self._words[language],
            language=language,
            service=service,
        )
        headers = {**self._headers, "Content-Language": language}
        return HTMLResponse(html, status, headers)

    @property
    def headers(self) -> dict[str, str]:
        """What answers without a page carry too."""
        return dict(self._headers)
