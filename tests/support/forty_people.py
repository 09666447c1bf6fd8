"""Who takes part in the week that `test_forty_customers` tells, and what is promised.

Bia answers for support at all hours; Caio for sales, which promises less time but only
while it is open, and he is the specialist for the database.
"""

from datetime import UTC, datetime, timedelta

from tests.support.desk_story import Story, screenshot

MONDAY = datetime(2027, 3, 1, 12, tzinfo=UTC)
BIA, CAIO = "bia@acme.example", "caio@acme.example"
SALES = "vendas@acme.example"
SECRET = "SENHA-INTERNA-17"
AGENTS = f"""
[[agent]]
address = "{BIA}"
name = "Bia"
teams = ["support"]
[[agent]]
address = "{CAIO}"
name = "Caio"
teams = ["sales"]
specialties = ["database"]
"""
SETTINGS = f"""
[[address]]
address = "{SALES}"
team = "sales"
subaddress = true
[sla]
resolution = "72h"
[[promise]]
team = "sales"
first_response = "195m"
resolution = "0s"
hours = "mon-fri 09:00-18:00"
[case]
remind_after = "2d"
reminders = 1
give_up_after = "2d"
close_after = "3d"
[agents]
gather = "10m"
[survey]
base_url = "https://support.acme.example"
"""
WORDS = {
    "pt-BR": "Bom dia. Não consigo enviar a mensagem, podem verificar, por favor?",
    "en": "Good morning. I cannot send the message, could you please have a look?",
    "es": "Buenos días. No puedo enviar el mensaje, ¿pueden revisarlo, por favor?",
}
SEEN, VISTO = "Olá. Já estamos vendo isso.", "Hola. Ya lo estamos viendo."
CODES = (
    "answered",
    "works_as_designed",
    "feature_request",
    "not_reproducible",
    "third_party",
    "unsupported",
)
PICTURE, EVIDENCE = screenshot(2), screenshot(6)


def ana(number: int) -> str:
    """Everybody writes from a domain of his own."""
    return f"ana@c{number}.example"


def language_of(number: int) -> str:
    """Twenty write Portuguese, twelve English, eight Spanish."""
    return "pt-BR" if number < 20 else "en" if number < 32 else "es"


def everybody(*numbers: int) -> list[str]:
    """The addresses of these."""
    return [ana(number) for number in numbers]


CALLERS = {
    channel: f"rui@{channel}.example" for channel in ("phone", "whatsapp", "chat")
}


class Day(Story):
    """The story of this week."""

    def asks(self, *numbers: int, besides: str = "", **how: str) -> None:
        """Let these customers write for the first time."""
        for number in numbers:
            text = f"{WORDS[language_of(number)]} {besides} ({number})"
            picture = PICTURE if number == 2 else b""
            self.writes(ana(number), text, picture=picture, **how)
        self.opened(*everybody(*numbers))

    def takes_down(self, channel: str) -> None:
        """Let Bia write down what somebody says; the call came at a quarter past."""
        came = MONDAY + timedelta(minutes=15 if channel == "phone" else 60)
        when = ("--channel", channel, "--received-at", came.isoformat())
        words = ("--subject", "Por voz", *self.words("O relatório não abre."))
        self.creates(CALLERS[channel], *when, *words, "--agent", BIA)
