"""`python -m stablecast`."""

from stablecast.cli.main import main

if __name__ == "__main__":
    main()
