"""relive in IPython and Jupyter: what ``%load_ext relive`` brings.

Edits are applied before each cell and shown in one line; names imported at the prompt follow them. `AutoreloadMagics`
stands in for the class of the same name in ``IPython.extensions.autoreload``.
"""

from relive.ipython._extension import load, unload
from relive.ipython.autoreload import AutoreloadMagics

__all__ = ["AutoreloadMagics", "load", "unload"]
