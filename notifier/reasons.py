"""Why an agent's mail came back, in the language of the letter that says so.

The daemon says what is wrong as a code with facts; the words stand here, in one table,
so that no sentence is half Portuguese and half English. A code that is not in the table
is said in the words that came with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ENGLISH = "en"

#: For each code the words in each language; facts stand between braces.
WORDS: Mapping[str, Mapping[str, str]] = {
    "unknown_command": {
        "en": "#{word} is no command; there are {known}",
        "pt-BR": "#{word} não é um comando; os comandos são {known}",
        "es": "#{word} no es un comando; los comandos son {known}",
    },
    "too_many": {
        "en": "there are more than {most} commands",
        "pt-BR": "há mais de {most} comandos",
        "es": "hay más de {most} comandos",
    },
    "twice": {
        "en": "#{word} stands there twice",
        "pt-BR": "#{word} aparece duas vezes",
        "es": "#{word} aparece dos veces",
    },
    "contradiction": {
        "en": "#reply and #note contradict each other",
        "pt-BR": "#reply e #note se contradizem",
        "es": "#reply y #note se contradicen",
    },
    "no_words": {
        "en": "there are no words to send or to note",
        "pt-BR": "não há texto para enviar ou anotar",
        "es": "no hay texto que enviar o anotar",
    },
    "below": {
        "en": "“{line}” stands below your text, and commands only count above it; "
        "move it to the first line (or indent it, if the customer shall read it)",
        "pt-BR": "“{line}” está abaixo do seu texto, e comandos só valem acima dele; "
        "passe-o para a primeira linha (ou recue-o, se for para o cliente ler)",
        "es": "“{line}” está debajo de su texto, y los comandos solo valen encima; "
        "páselo a la primera línea (o sángrelo, si el cliente debe leerlo)",
    },
    "no_notice": {
        "en": "commands only count in an answer to a notice of yours; answer your own "
        "notice, or this mail",
        "pt-BR": "comandos só valem na resposta a um aviso seu; responda ao seu "
        "próprio aviso, ou a este e-mail",
        "es": "los comandos solo valen al responder a un aviso suyo; responda a su "
        "propio aviso, o a este correo",
    },
    "no_case": {
        "en": "commands only count in an answer to a notice of yours, and this mail "
        "answers none; answer your own notice of the case",
        "pt-BR": "comandos só valem na resposta a um aviso seu, e este e-mail não "
        "responde a nenhum; responda ao seu próprio aviso do chamado",
        "es": "los comandos solo valen al responder a un aviso suyo, y este correo no "
        "responde a ninguno; responda a su propio aviso del caso",
    },
    "not_your_team": {
        "en": "you are not in the team of that case; answer your own notice of a case "
        "of your team",
        "pt-BR": "você não é da equipe desse chamado; responda ao seu próprio aviso de "
        "um chamado da sua equipe",
        "es": "usted no es del equipo de ese caso; responda a su propio aviso de un "
        "caso de su equipo",
    },
    "mail_off": {
        "en": "working by mail is turned off here ([agents] by_mail)",
        "pt-BR": "o trabalho por e-mail está desligado aqui ([agents] by_mail)",
        "es": "el trabajo por correo está desactivado aquí ([agents] by_mail)",
    },
    "not_whole": {
        "en": "the mail was too large or too long to be read whole, so nothing went to "
        "the customer; answer again with less of the history below your words",
        "pt-BR": "o e-mail era grande ou longo demais para ser lido por inteiro, e "
        "nada foi ao cliente; responda de novo com menos histórico abaixo do texto",
        "es": "el correo era demasiado grande o largo para leerlo entero, por eso nada "
        "llegó al cliente; responda de nuevo con menos historial debajo de su texto",
    },
    "empty": {
        "en": "the mail holds no words and no command",
        "pt-BR": "o e-mail não tem texto nem comando",
        "es": "el correo no tiene texto ni comandos",
    },
    "takes_nothing": {
        "en": "“{argument}” stands behind #{word}, which takes nothing; "
        "write your text on the next line",
        "pt-BR": "“{argument}” vem depois de #{word}, que não leva nada; "
        "escreva o texto na linha seguinte",
        "es": "“{argument}” está detrás de #{word}, que no lleva nada; "
        "escriba el texto en la línea siguiente",
    },
    "lacks_argument": {
        "en": "#{word} lacks the word behind it",
        "pt-BR": "falta a palavra depois de #{word}",
        "es": "falta la palabra detrás de #{word}",
    },
    "no_priority": {
        "en": "“{argument}” is no priority; there are {known}",
        "pt-BR": "“{argument}” não é uma prioridade; as prioridades são {known}",
        "es": "“{argument}” no es una prioridad; las prioridades son {known}",
    },
    "no_resolution": {
        "en": "“{argument}” is no resolution; there are {known}",
        "pt-BR": "“{argument}” não é uma resolução; as resoluções são {known}",
        "es": "“{argument}” no es una resolución; las resoluciones son {known}",
    },
    "no_address": {
        "en": "“{argument}” is no mail address",
        "pt-BR": "“{argument}” não é um endereço de e-mail",
        "es": "“{argument}” no es una dirección de correo",
    },
    "support_address": {
        "en": "{address} is an address customers write to, no agent",
        "pt-BR": "{address} é um endereço para clientes, não um atendente",
        "es": "{address} es una dirección para clientes, no un agente",
    },
    "no_agent": {
        "en": "{address} is no agent here; there are: {known}",
        "pt-BR": "{address} não é atendente aqui; os atendentes são: {known}",
        "es": "{address} no es agente aquí; los agentes son: {known}",
    },
    "no_ticket": {
        "en": "there is no case #{number}",
        "pt-BR": "não existe o chamado #{number}",
        "es": "no existe el caso #{number}",
    },
    "merged": {
        "en": "#{number} was merged into #{into}; work on that",
        "pt-BR": "#{number} foi unido a #{into}; trabalhe nesse",
        "es": "#{number} se unió a #{into}; trabaje en ese",
    },
    "resolved_already": {
        "en": "#{number} is resolved already",
        "pt-BR": "#{number} já está resolvido",
        "es": "#{number} ya está resuelto",
    },
    "closed_already": {
        "en": "#{number} is closed already",
        "pt-BR": "#{number} já está encerrado",
        "es": "#{number} ya está cerrado",
    },
    "resolved": {
        "en": "#{number} is resolved; `chamado ticket reopen {number}` first",
        "pt-BR": "#{number} está resolvido; antes, `chamado ticket reopen {number}`",
        "es": "#{number} está resuelto; antes, `chamado ticket reopen {number}`",
    },
    "closed": {
        "en": "#{number} is closed; `chamado ticket reopen {number}` first",
        "pt-BR": "#{number} está encerrado; antes, `chamado ticket reopen {number}`",
        "es": "#{number} está cerrado; antes, `chamado ticket reopen {number}`",
    },
    "no_specialists": {
        "en": "nobody has a specialty here; the configuration names none",
        "pt-BR": "ninguém tem especialidade aqui; a configuração não indica nenhuma",
        "es": "nadie tiene especialidad aquí; la configuración no indica ninguna",
    },
    "no_specialty": {
        "en": "nobody is a specialist for “{argument}”; there are: {known}",
        "pt-BR": "ninguém é especialista em “{argument}”; há: {known}",
        "es": "nadie es especialista en “{argument}”; hay: {known}",
    },
    "unreachable": {
        "en": "nobody on #{number} has an address that a letter can go to; "
        "write a note instead",
        "pt-BR": "ninguém em #{number} tem um endereço que possa receber e-mail; "
        "escreva uma nota",
        "es": "nadie en #{number} tiene una dirección que pueda recibir correo; "
        "escriba una nota",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A reason as a code with facts; `words` are said where the code has none."""

    code: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    words: str = ""


def worded(why: Why, language: str = ENGLISH) -> str:
    """Say a reason in a language of ours, in English in any other."""
    known = WORDS.get(why.code)
    if known is None:
        return why.words
    return known.get(language, known[ENGLISH]).format_map(dict(why.facts))
