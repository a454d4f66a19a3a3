"""``python -m lenetkit``: the command line."""

from lenetkit.cli import main

if __name__ == "__main__":
    main()
