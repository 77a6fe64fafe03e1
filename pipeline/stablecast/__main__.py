"""`python -m stablecast`."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the folder somebody happens to work in: a file there called click.py must not be run

from stablecast.cli.main import main

if __name__ == "__main__":
    main()
