"""Is this nothing but a thank-you? Then a resolved case may go on resting.

The judgement is strict, since its mistakes differ in weight: a case that wakes for an
"obrigado" costs an agent a glance, one that sleeps through "thanks, but it still does
not work" costs a customer. So every word of the new text must be one of these; one
other word, a digit, a question mark or a file, and it is a word like any other.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

#: Nobody needs more than this to say thank you.
LONGEST = 300

#: At least one of these must stand there. Accents and case do not matter.
THANKS = (
    # pt
    "obrigado", "obrigada", "obrigadao", "obg", "brigado", "brigada", "obrigadinha",
    "obrigadinho", "muito obrigado", "muito obrigada", "grato", "grata", "agradeco",
    "agradecido", "agradecida", "agradecemos", "valeu", "vlw", "gratidao",
    # en
    "thanks", "thank you", "thank u", "thx", "ty", "tks", "cheers", "much appreciated",
    "appreciated", "appreciate it", "i appreciate it", "many thanks", "thanks a lot",
    "thanks so much", "thank you so much", "thank you very much",
    # es
    "gracias", "muchas gracias", "mil gracias", "muchisimas gracias", "agradecido",
    "te agradezco", "le agradezco", "les agradezco", "se agradece",
)  # fmt: skip
#: These may stand beside it: greetings, sign-offs, what one thanks for, contentment.
BESIDE = (
    # pt
    "ola", "oi", "bom dia", "boa tarde", "boa noite", "prezados", "prezado", "prezada",
    "caro", "cara", "caros", "pessoal", "equipe", "time", "gente", "a todos", "todos",
    "muito", "mesmo", "demais", "de novo", "novamente", "mais uma vez", "desde ja",
    "pela ajuda", "pelo retorno", "pela atencao", "pelo suporte", "pelo apoio",
    "pela resposta", "pela rapidez", "pelo atendimento", "pela agilidade", "por tudo",
    "pela informacao", "pelas informacoes", "pela orientacao", "pela explicacao",
    "pela gentileza", "pela presteza", "pela paciencia", "pela solucao",
    "pelo esclarecimento", "pelos esclarecimentos", "e", "a voces", "a voce",
    "a equipe", "ao time", "imensamente", "funcionou", "deu certo", "resolvido",
    "resolveu", "perfeito", "otimo", "excelente", "maravilha", "show", "beleza",
    "ok", "certo", "entendi", "entendido", "perfeitamente", "tudo certo",
    "abs", "abraco", "abracos", "um abraco", "att", "atenciosamente", "cordialmente",
    "bom fim de semana", "otimo dia", "boa semana", "um otimo dia", "bom trabalho",
    "excelente dia", "tenha um bom dia", "tenham um bom dia",
    # en
    "hi", "hello", "hey", "dear", "dear all", "team", "all", "good morning",
    "good afternoon", "good evening", "again", "so much", "very much", "a lot",
    "a bunch", "a million", "once again", "once more", "for the help", "for your help",
    "for all your help", "for the reply", "for your reply", "for the quick reply",
    "for your quick reply", "for the fast reply", "for your fast reply",
    "for the support", "for your support", "for the update", "for the response",
    "for your response", "for the quick response", "for the clarification",
    "for the information", "for the info", "for letting me know", "for everything",
    "for your time", "for your patience", "to all", "to everyone", "everyone",
    "guys", "and", "it works", "it works now", "works now", "it worked", "that worked",
    "that works", "all good", "all set", "perfect", "great", "excellent", "awesome",
    "wonderful", "got it", "understood", "solved", "regards", "best regards",
    "kind regards", "best", "sincerely", "have a nice day", "have a great day",
    "have a good day", "have a nice weekend", "have a great weekend",
    # es
    "hola", "buenos dias", "buenas tardes", "buenas noches", "buenas", "estimados",
    "estimado", "estimada", "equipo", "a todos ustedes", "a ustedes", "por la ayuda",
    "por su ayuda", "por tu ayuda", "por la respuesta", "por su respuesta",
    "por el apoyo", "por su apoyo", "por la atencion", "por su atencion", "por todo",
    "por la informacion", "por su tiempo", "por el soporte", "de nuevo", "nuevamente",
    "otra vez", "una vez mas", "mucho", "muchisimo", "y", "ya funciona", "funciono",
    "listo", "resuelto", "perfecto", "genial", "saludos", "un saludo", "cordiales",
    "saludos cordiales", "atentamente", "buen dia", "buen fin de semana", "que tengan",
)  # fmt: skip
_SMILES = "👍🙏❤💙💚🙂😊😀👏🤝✅☺🎉"
#: What emoji are dressed with: skin tones, the joiner, the variation selector.
_DRESS = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff\u200d\ufe0f"
_WORDS = re.compile(r"[^\W\d_]+")
_HARMLESS = frozenset(" \t\n.,;:!¡-–—~…'’\"()<>*/|_=^" + _SMILES + _DRESS)


def only_thanks(text: str, names: Iterable[str] = ()) -> str | None:
    """Return the words of thanks if a text says nothing else, otherwise None.

    `names` may stand in it too: those of the sender and of whoever is thanked.
    """
    if len(text) > LONGEST:
        return None
    plain = _plain(text)
    words = _WORDS.findall(plain)
    if not _HARMLESS.issuperset(_WORDS.sub("", plain)):
        return None
    if not words:
        smiles = [char for char in plain if char in _SMILES]
        return smiles[0] if smiles else None
    allowed = frozenset(w for name in names for w in _WORDS.findall(_plain(name)))
    return _said(words, allowed)


def _said(words: list[str], names: frozenset[str]) -> str | None:
    thanks, beside, longest = _phrases()
    found: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length])
            if phrase in thanks:
                found.append(phrase)
                break
            if phrase in beside or (length == 1 and phrase in names):
                break
        else:
            return None
        at += length
    return found[0] if found else None


@lru_cache(maxsize=1)
def _phrases() -> tuple[frozenset[str], frozenset[str], int]:
    longest = max(len(phrase.split()) for phrase in (*THANKS, *BESIDE))
    return frozenset(THANKS), frozenset(BESIDE), longest


def _plain(text: str) -> str:
    """Lower case without accents; "às" of a Mac and of everybody else are one."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c) or c in _DRESS)
