"""``python -m relive``: the ``relive`` command, for those who want to give the interpreter options of its own."""

import sys

from relive._command import main

sys.exit(main())
