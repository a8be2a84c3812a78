"""`python -m infersave` is the command `infersave`."""

from __future__ import annotations

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells count."""


def main() -> int:
    """Run the command line; quiet when Ctrl-C comes before it has loaded."""
    try:
        from .cli import main as command

        return command()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    raise SystemExit(main())
