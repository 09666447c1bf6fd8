"""Tests of the listening points; loopback and temporary folders only."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.daemon.sources.sockets import ListenError, Opened, open_sockets


@pytest.fixture
def keep() -> Iterator[list[socket.socket]]:
    """Close what a test opened."""
    opened: list[socket.socket] = []
    yield opened
    for sock in opened:
        sock.close()


def _open(
    listen: str, keep: list[socket.socket], **inherited: socket.socket
) -> tuple[Opened, ...]:
    opened = open_sockets(listen, inherited)
    keep.extend(one.sock for one in opened)
    return opened


def test_port_zero_is_bound_and_named(keep: list[socket.socket]) -> None:
    """Port 0 gives a free port, and the address says which."""
    (opened,) = _open("127.0.0.1:0", keep)
    host, _, port = opened.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5):
        pass


def test_a_name_with_two_addresses_shares_one_port(keep: list[socket.socket]) -> None:
    """Every address of localhost answers on the same port."""
    opened = _open("localhost:0", keep)
    assert len({one.sock.getsockname()[1] for one in opened}) == 1


def test_ipv6_is_written_in_brackets(keep: list[socket.socket]) -> None:
    """An IPv6 listening point reads as the settings write it."""
    (opened,) = _open("[::1]:0", keep)
    assert opened.address.startswith("[::1]:")


def test_a_taken_port_is_one_clear_error(keep: list[socket.socket]) -> None:
    """A port in use is named, with the reason."""
    (opened,) = _open("127.0.0.1:0", keep)
    with pytest.raises(ListenError, match=f"{opened.address}: Address already in use"):
        _open(opened.address, keep)


def test_an_impossible_port_is_one_clear_error(keep: list[socket.socket]) -> None:
    """A port above 65535 is refused without a traceback from below."""
    with pytest.raises(ListenError, match=r"cannot listen on 127\.0\.0\.1:99999"):
        _open("127.0.0.1:99999", keep)


def test_unix_socket_has_its_mode_and_goes_again(
    tmp_path: Path, keep: list[socket.socket]
) -> None:
    """The socket file is for owner and group, and is removed at the end."""
    path = tmp_path / "lmtp.sock"
    (opened,) = _open(f"unix:{path}", keep)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert opened.address == f"unix:{path}"
    opened.remove_path()
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(
    tmp_path: Path, keep: list[socket.socket]
) -> None:
    """What a crashed server left behind does not stop the next start."""
    path = tmp_path / "lmtp.sock"
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))
    _open(f"unix:{path}", keep)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_living_unix_socket_is_left_alone(
    tmp_path: Path, keep: list[socket.socket]
) -> None:
    """A second server on the same path is refused; the first goes on."""
    path = tmp_path / "lmtp.sock"
    _open(f"unix:{path}", keep)
    with pytest.raises(ListenError, match="a running server answers there"):
        _open(f"unix:{path}", keep)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_file_in_the_way_is_not_removed(
    tmp_path: Path, keep: list[socket.socket]
) -> None:
    """Anything but a socket at the path is somebody's and stays."""
    path = tmp_path / "lmtp.sock"
    path.write_text("precious")
    with pytest.raises(ListenError, match="no socket lies there"):
        _open(f"unix:{path}", keep)
    assert path.read_text() == "precious"


def test_a_successors_path_is_not_removed(
    tmp_path: Path, keep: list[socket.socket]
) -> None:
    """A server that ends late does not take the path of the one started anew."""
    path = tmp_path / "lmtp.sock"
    (old,) = _open(f"unix:{path}", keep)
    old.sock.close()
    (new,) = _open(f"unix:{path}", keep)
    old.remove_path()
    assert new.address == old.address
    assert path.exists()


def test_a_socket_of_systemd_is_found_by_name(keep: list[socket.socket]) -> None:
    """fd:NAME takes the inherited socket of that name, and can do so again."""
    given = socket.create_server(("127.0.0.1", 0))
    keep.append(given)
    for _ in range(2):
        (opened,) = _open("fd:smtp", keep, smtp=given)
        assert opened.sock.getsockname() == given.getsockname()
        opened.sock.close()


def test_an_unknown_name_says_what_is_there(keep: list[socket.socket]) -> None:
    """A wrong fd:NAME lists the names that were handed over."""
    given = socket.create_server(("127.0.0.1", 0))
    keep.append(given)
    with pytest.raises(ListenError, match=r"no socket named lmtp .*\(there: smtp\)"):
        _open("fd:lmtp", keep, smtp=given)


def test_a_datagram_socket_is_refused(keep: list[socket.socket]) -> None:
    """A socket that cannot take connections is refused by name."""
    given = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    keep.append(given)
    with pytest.raises(ListenError, match="is no stream socket"):
        _open("fd:smtp", keep, smtp=given)
