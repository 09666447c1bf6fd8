"""What can go wrong at the start ends the start, with a code and a clear line."""

import socket
from pathlib import Path

import pytest
import trustme

from tests.support.daemon import Daemon, write_config


@pytest.mark.parametrize("which", ["[[listener]]", "[http]"])
def test_a_port_that_is_taken_ends_the_start_at_once(
    tmp_path: Path, which: str
) -> None:
    """Threads that were started before must not keep a failed process alive."""
    config = write_config(tmp_path, f"sqlite:///{tmp_path}/chamado.db")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        before, _, after = config.read_text().partition(which)
        after = after.replace("127.0.0.1:0", address, 1)
        config.write_text(f"{before}{which}{after}")
        with Daemon(config, wait=False) as daemon:
            assert daemon.process.wait(30) == 69
            assert f"cannot listen on {address}" in daemon.output()
            assert "Traceback" not in daemon.output()


def test_a_certificate_with_another_key_ends_the_start_for_good(tmp_path: Path) -> None:
    """78 tells the service manager that no second start will help."""
    (ours, others) = (trustme.CA().issue_cert("mx.acme.example") for _ in range(2))
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    ours.cert_chain_pems[0].write_to_path(certificate)
    others.private_key_pem.write_to_path(key)
    lines = f"tls_certificate = '{certificate}'\ntls_key = '{key}'"
    url = f"sqlite:///{tmp_path}/chamado.db"
    config = write_config(tmp_path, url, listener=lines)
    with Daemon(config, wait=False) as daemon:
        assert daemon.process.wait(30) == 78
        assert "do not belong together" in daemon.output()
        assert "Traceback" not in daemon.output()
