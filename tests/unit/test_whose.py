"""How somebody is named to an agent."""

import pytest

from chamado.daemon import whose


@pytest.mark.parametrize(
    ("name", "address", "shown"),
    [
        ("Ana", "ana@example.com", "Ana <ana@example.com>"),
        ("", "", "nobody"),
        (
            "Support Team <support@us.example>",
            "eve@evil.example",
            "eve@evil.example (calls itself “Support Team <support@us.example>”)",
        ),
        (
            "Ana",
            "ana@еxample.com",
            "Ana <ana@еxample.com> (careful: ana@xn--xample-2of.com)",
        ),
        (
            "Ana",
            "аna@example.com",
            "Ana <аna@example.com> (careful: has letters beyond a to z)",
        ),
        (
            "João",
            "joão@example.com",
            "João <joão@example.com> (careful: has letters beyond a to z)",
        ),
    ],
)
def test_h24_a_name_that_holds_an_address_stands_behind_the_true_one(
    name: str, address: str, shown: str
) -> None:
    """H-24, H-23: who reads a case sees first what cannot be made up."""
    assert whose.shown(name, address) == shown
