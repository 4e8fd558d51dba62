"""The ``relive`` command."""

import sys

from relive import _native


def main() -> int:
    """Do what the command line says and return the exit code.

    What a program raises that ``relive run`` runs comes out of here, as though it were the interpreter's own.
    """
    return _native.main(sys.argv)
