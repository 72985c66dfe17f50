"""Command line of the sandbox: `python -m include.sandbox --port 9000`."""

from __future__ import annotations

import sys

from include.sandbox.cli import main

sys.exit(main(sys.argv[1:]))
