"""The survey's page: `/survey/TOKEN`, and `/survey/TOKEN/unsubscribe` (RFC 8058).

Programs look at every link in a mail before people do, so reading a page (GET, HEAD)
changes nothing: the score in a link is only chosen in advance, and a POST counts with
the nonce of the form that was read. Whoever holds a wrong token sees the same page,
whatever is wrong with it. Nothing that a client says of itself is believed: neither
Host nor X-Forwarded-For.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from chamado.config.settings import Settings
from chamado.daemon.core.survey import COMMENT_CHARS, SCORES
from chamado.daemon.http.pages import Pages
from chamado.daemon.http.throttle import Throttle
from chamado.daemon.store.engine import StoreError, trouble
from chamado.daemon.surveys import Question, Surveys
from chamado.daemon.votes import Heard
from chamado.notifier.wording import moment

log = structlog.get_logger()

BODY_BYTES = 65_536
BODY_SECONDS = 10.0
FIELDS = 20
#: When to come back while the database is away.
RETRY_SECONDS = 60
FORM = "application/x-www-form-urlencoded"
#: RFC 8058 §3.2 allows either for the one-click POST.
ONE_CLICK_FORMS = (FORM, "multipart/form-data")

_SAID = {
    400: "That was no form.\n",
    408: "That took too long.\n",
    413: "That is too much.\n",
    415: "Only the form of this page can be sent here.\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as far as a page may depend on it."""

    token: str
    query: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    spoken: str = ""


class Refused(Exception):
    """A request that ends before anybody looks at its token."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


Answer = Callable[[Asked], Response]


class SurveyPages:
    """The pages of surveys; `settings` gives those in force."""

    def __init__(
        self,
        surveys: Surveys,
        settings: Callable[[], Settings],
        throttle: Throttle | None = None,
    ) -> None:
        self._surveys = surveys
        self._settings = settings
        self._throttle = throttle or Throttle()
        self._pages = Pages()

    @property
    def routes(self) -> list[Route]:
        """What is answered where. A route for GET answers HEAD too."""
        page, leave = "/survey/{token}", "/survey/{token}/unsubscribe"
        return [
            Route(page, self._reading(self._show), methods=["GET"]),
            Route(page, self._posting(self._vote, (FORM,)), methods=["POST"]),
            Route(leave, self._reading(self._offer_to_leave), methods=["GET"]),
            Route(leave, self._leaving(), methods=["POST"]),
        ]

    def _reading(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def read(request: Request) -> Response:
            if not self._admits(request):
                return self._in_house("busy", 429)
            return await run_in_threadpool(self._safely, answer, _asked(request))

        return read

    def _posting(
        self, answer: Answer, forms: tuple[str, ...], *, from_anywhere: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        async def post(request: Request) -> Response:
            if not self._admits(request):
                return self._in_house("busy", 429)
            if not (from_anywhere or self._is_from_here(request)):
                return self._in_house("unknown", 403)
            try:
                body = await _body(request, forms)
            except Refused as refused:
                said = _SAID[refused.status]
                return PlainTextResponse(said, refused.status, self._pages.headers)
            asked = _asked(request, body)
            return await run_in_threadpool(self._safely, answer, asked)

        return post

    def _leaving(self) -> Callable[[Request], Awaitable[Response]]:
        # A mailbox provider's POST has no form of ours and no origin: the token alone
        # must do (RFC 8058 §3.2), and all it can do is stop our own mail.
        return self._posting(self._leave, ONE_CLICK_FORMS, from_anywhere=True)

    def _safely(self, answer: Answer, asked: Asked) -> Response:
        """Answer; while the database is away, in the language of the visitor's browser:
        what the case is written in is not known then."""
        try:
            return answer(asked)
        except StoreError as error:
            log.error("survey_page_not_shown", error=trouble(error))
        settings = self._settings().service
        language = self._pages.spoken(asked.spoken, settings.language)
        page = self._pages.page("unwell", language, settings.name, status=503)
        page.headers["Retry-After"] = str(RETRY_SECONDS)
        return page

    def _show(self, asked: Asked) -> Response:
        question = self._surveys.question(asked.token)
        if question is None:
            return self._in_house("unknown", 403)
        if question.expired:
            return self._about("expired", question, 410)
        chosen = _score(asked.query.get("score", "")) or question.score
        return self._form(asked.token, question, chosen, question.comment)

    def _vote(self, asked: Asked) -> Response:
        form = _fields(asked.body)
        question = self._surveys.question(asked.token)
        if form is None or question is None:
            return self._in_house("unknown", 403)
        if question.expired:
            return self._about("expired", question, 410)
        score, comment = _score(form.get("score", "")), form.get("comment", "")
        if not self._surveys.nonce_is_good(asked.token, form.get("nonce", "")):
            return self._form(asked.token, question, score, comment, "again", 403)
        if score is None:
            return self._form(asked.token, question, None, comment, "choose", 422)
        heard = self._surveys.vote(asked.token, score, comment)
        return self._heard(heard, asked.token)

    def _heard(self, heard: Heard, token: str) -> Response:
        """Show what is written down now, not what was sent."""
        question = self._surveys.question(token)
        if question is None or heard is Heard.UNKNOWN:
            return self._in_house("unknown", 403)
        if heard is Heard.EXPIRED:
            return self._about("expired", question, 410)
        if heard is Heard.RECORDED and question.score:
            return self._about(
                "thanks",
                question,
                token=token,
                score=question.score,
                comment=question.comment,
                low=question.low,
            )
        status = 409 if heard is Heard.HURRIED else 429
        comment = question.comment
        return self._form(token, question, question.score, comment, heard.value, status)

    def _offer_to_leave(self, asked: Asked) -> Response:
        question = self._surveys.question(asked.token)
        if question is None:
            return self._in_house("unknown", 403)
        return self._about("leave", question)

    def _leave(self, asked: Asked) -> Response:
        # The one field is all that RFC 8058 sends, in whichever of two encodings.
        wish = b"One-Click" in asked.body and b"List-Unsubscribe" in asked.body
        question = self._surveys.question(asked.token)
        if not wish or question is None or not self._surveys.leave(asked.token):
            return self._in_house("unknown", 403)
        return self._about("left", question)

    def _form(
        self,
        token: str,
        question: Question,
        score: int | None,
        comment: str,
        notice: str = "",
        status: int = 200,
    ) -> Response:
        return self._about(
            "vote",
            question,
            status,
            token=token,
            nonce=self._surveys.nonce(token),
            subject=question.subject,
            score=score,
            comment=comment[:COMMENT_CHARS],
            comment_chars=COMMENT_CHARS,
            notice=notice,
        )

    def _about(
        self, name: str, question: Question, status: int = 200, **facts: Any
    ) -> Response:
        """Show a page of a survey in the language of its case."""
        settings = self._settings().service
        language = self._pages.language(question.language, settings.language)
        zone = ZoneInfo(settings.timezone)
        until = moment(question.expires_at.astimezone(zone), zone, language).day
        return self._pages.page(
            name,
            language,
            settings.name,
            status=status,
            number=question.number,
            until=until,
            **facts,
        )

    def _in_house(self, name: str, status: int) -> Response:
        """Show a page that is the same for everybody, in the language of the house."""
        settings = self._settings().service
        return self._pages.page(name, settings.language, settings.name, status=status)

    def _admits(self, request: Request) -> bool:
        return self._throttle.admits(request.client.host if request.client else "")

    def _is_from_here(self, request: Request) -> bool:
        """Whether a form was sent from our own page, as far as the browser says.

        Our pages send no referrer, and for such pages browsers write "Origin: null"
        (Fetch standard, "append a request Origin header"), so null is our own too; what
        proves the page is its nonce.
        """
        if request.headers.get("sec-fetch-site", "same-origin") not in (
            "same-origin",
            "none",
        ):
            return False
        origin = request.headers.get("origin", "null")
        base = urlsplit(self._settings().survey.base_url)
        return origin in ("null", f"{base.scheme}://{base.netloc}")


def _asked(request: Request, body: bytes = b"") -> Asked:
    return Asked(
        token=request.path_params["token"],
        query=request.query_params,
        body=body,
        spoken=request.headers.get("accept-language", ""),
    )


async def _body(request: Request, forms: tuple[str, ...]) -> bytes:
    """Read a form, in good time and no more of it than a form has."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in forms:
        raise Refused(415)
    if int(request.headers.get("content-length", "0")) > BODY_BYTES:
        raise Refused(413)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES:
                    raise Refused(413)
    except TimeoutError:
        raise Refused(408) from None
    except ClientDisconnect:
        raise Refused(400) from None
    return bytes(body)


def _fields(body: bytes) -> dict[str, str] | None:
    """Read a urlencoded form; each name counts once, the first time. None: no form."""
    try:
        found = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=FIELDS,
            errors="replace",
        )
    except (UnicodeDecodeError, ValueError):
        return None
    return {name: values[0] for name, values in found.items()}


def _score(text: str) -> int | None:
    return int(text) if text in {str(n) for n in SCORES} else None
