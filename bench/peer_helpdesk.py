"""Runs django-helpdesk over a folder of mails; started with a Python that has it.

`peer_helpdesk.py FOLDER MAILS PORT`: makes a site with an SQLite database in FOLDER,
hands it what lies in MAILS one by one, as its command `get_email` does with a folder,
its letters to customers going to an SMTP server on PORT, and prints a line of JSON. It
imports nothing of ours: that Python has none of it.
"""

import json
import logging
import sys
import time
from pathlib import Path

import django
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.core.management import call_command
from django.urls import include, path

urlpatterns: list[object] = []
taken: list[int] = []


class CountingBackend(EmailBackend):
    """Sends by SMTP and remembers how many letters were taken."""

    def send_messages(self, email_messages: list[EmailMessage]) -> int:
        """Send, count, and say how many went out."""
        sent = super().send_messages(email_messages) or 0
        taken.append(sent)
        return sent


def _configure(folder: Path, port: int) -> None:
    settings.configure(
        SECRET_KEY="bench",
        USE_TZ=True,
        SITE_ID=1,
        ROOT_URLCONF="__main__",
        MEDIA_ROOT=str(folder / "media"),
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        EMAIL_BACKEND="__main__.CountingBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        HELPDESK_TEAMS_MODE_ENABLED=False,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "helpdesk.db"),
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.sites",
            "django.contrib.humanize",
            "django.contrib.messages",
            "django.contrib.admin",
            "rest_framework",
            "helpdesk",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {},
            }
        ],
    )


def main() -> None:
    """Do all of it."""
    folder, mails = Path(sys.argv[1]), Path(sys.argv[2])
    _configure(folder, int(sys.argv[3]))
    django.setup()
    urlpatterns.append(path("", include("helpdesk.urls", namespace="helpdesk")))
    call_command("migrate", verbosity=0)
    logging.disable(logging.CRITICAL)
    from helpdesk.email import extract_email_metadata
    from helpdesk.models import Queue, Ticket

    queue = Queue.objects.create(
        title="Support",
        slug="support",
        email_address="suporte@acme.example",
        allow_email_submission=True,
    )
    failed = 0
    begin, cpu = time.perf_counter(), time.process_time()
    for mail in sorted(mails.iterdir()):
        try:
            extract_email_metadata(
                message=mail.read_text(), queue=queue, logger=logging.getLogger()
            )
        except Exception:  # noqa: BLE001  (whatever it was, the next mail is due)
            # `get_email` would stop here, with the mails behind it left lying.
            failed += 1
    told = {
        "seconds": time.perf_counter() - begin,
        "cpu": time.process_time() - cpu,
        "tickets": Ticket.objects.count(),
        "failed": failed,
        "letters": sum(taken),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
