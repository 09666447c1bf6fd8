"""`chamado template`: look at the letters before a customer does."""

from dataclasses import replace
from pathlib import Path

import click

from chamado.config.settings import Settings
from chamado.daemon import casefile
from chamado.daemon.actions.ending import SILENT
from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import config_option, settings_of
from chamado.daemon.core.evidence import Topic
from chamado.daemon.core.types import Resolution
from chamado.daemon.refusal import BadData, InTheWay
from chamado.notifier.render import Templates, sample
from chamado.notifier.types import LetterKind, Notification


@click.group("template")
def template_group() -> None:
    """Look at the letters that Chamado writes, in your wording or ours."""


@template_group.command("preview")
@config_option
@click.argument("kind", type=click.Choice([kind.value for kind in LetterKind]))
@click.option(
    "--language", help="pt-BR, en, es or one of yours; default: the service's."
)
@click.option("--topic", multiple=True, type=click.Choice([t.value for t in Topic]))
@click.option("--resolution", type=click.Choice([r.value for r in Resolution]))
@click.option("--text", help="The agent's words.")
@click.option("--html", "as_html", is_flag=True, help="The HTML part.")
@click.option("--raw", is_flag=True, help="The whole message, as it leaves.")
@click.option("--output", type=click.Path(path_type=Path), help="Default: stdout.")
@click.pass_context
def preview(
    context: click.Context,
    kind: str,
    language: str | None,
    topic: tuple[str, ...],
    resolution: str | None,
    text: str | None,
    as_html: bool,
    raw: bool,
    output: Path | None,
) -> None:
    """Show a letter with everything in it filled in; nothing is sent.

    A wording of yours that is broken is told on stderr, and ours is shown instead,
    which is what a customer would get.
    """
    if kind == LetterKind.RESOLVED.value and resolution in SILENT:
        raise BadData(
            f"nobody is told of a case resolved as {resolution}: there is no letter"
        )
    settings = settings_of(context).settings
    templates = Templates(
        override=settings.service.templates,
        language=settings.service.language,
        timezone=settings.service.timezone,
        quiet=True,
    )
    if language and language not in templates.languages:
        raise click.BadParameter(
            f"{language!r} has no letters; there are: {', '.join(templates.languages)}",
            param_hint="--language",
        )
    wanted = _notification(settings, LetterKind(kind), language)
    if topic:
        wanted = replace(wanted, topics=topic)
    if resolution:
        wanted = replace(wanted, resolution=resolution)
    if text is not None:
        wanted = replace(wanted, text=text)
    letter = templates.compose(wanted)
    for problem in templates.check():
        click.echo(terminal.line(f"broken: {problem}"), err=True)
    if raw:
        shown = letter.content
    elif as_html:
        shown = casefile.letter_html(letter.content).encode()
    else:
        subject, words = casefile.letter_text(letter.content)
        shown = f"Subject: {subject}\n\n{words}\n".encode()
    _put(shown, output)


def _notification(
    settings: Settings, kind: LetterKind, language: str | None
) -> Notification:
    from_ = settings.service.name
    one = sample(kind, language or settings.service.language)
    hours = settings.sla.first_response / 3600
    sender = replace(one.sender, name=from_)
    return replace(one, sender=sender, promised_hours=hours)


def _put(content: bytes, output: Path | None) -> None:
    if output is None:
        terminal.raw(content)
        return
    try:
        with output.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise InTheWay(f"{output} is there already") from None
    click.echo(str(output))
