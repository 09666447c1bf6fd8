"""The commands."""


def main() -> None:
    """Enter the command line."""
