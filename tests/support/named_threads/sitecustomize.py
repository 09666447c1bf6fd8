"""On PYTHONPATH of a process under test: its threads get their names from Python.

The kernel then tells in /proc which thread is which, so that a test can interfere with
one of them. The process under test knows nothing of it.
"""

import sys
import threading
from pathlib import Path


def _name(*_: object) -> None:
    """Run as the profiler of a new thread, once, before its first line."""
    sys.setprofile(None)
    thread = Path(f"/proc/self/task/{threading.get_native_id()}/comm")
    thread.write_text(threading.current_thread().name[:15])


threading.setprofile(_name)
