"""`python -m include.variables`: the page docs/settings.md."""

import sys

from include.variables.document import document

sys.stdout.write(document())
