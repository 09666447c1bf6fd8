"""The allow-list of HTML itself, so that nobody widens it by accident."""

from chamado.parsers.html import TAGS


def test_x13_nothing_that_runs_or_hides_is_on_the_list():
    """X-13: elements that ever broke a sanitiser are not among the allowed ones."""
    never = (
        "svg math style title textarea noscript iframe xmp noembed plaintext script "
        "form input button select object embed link meta base video audio template"
    )
    assert TAGS.isdisjoint(never.split())
