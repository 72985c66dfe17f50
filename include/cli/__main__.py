"""`python -m include.cli`, which is the command `corvana`."""

import sys

from include.cli import main

if __name__ == "__main__":
    sys.exit(main())
