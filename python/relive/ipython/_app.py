"""IPython as the prompt of ``relive repl``."""

import sys
from typing import Any

from IPython.terminal.ipapp import TerminalIPythonApp
from traitlets.config import Config

from relive import _session
from relive._repl import recover_last
from relive._settings import Replay
from relive.ipython._log_magics import place_in


class App(TerminalIPythonApp):
    """IPython with relive's extension, in the ``__main__`` that there is."""

    relive_recovers = True
    """It brings back itself what the last session left."""

    def init_shell(self) -> None:
        """Make the shell, over the module itself: IPython's own stand-in has no namespace that code could run in."""
        main = sys.modules["__main__"]
        shell_class: Any = self.interactive_shell_class
        self.shell = shell_class.instance(
            parent=self,
            profile_dir=self.profile_dir,
            ipython_dir=self.ipython_dir,
            user_module=main,
            user_ns=vars(main),
        )
        self.shell.configurables.append(self)


def prepared(replay: Replay) -> Any:
    """Return IPython with what the last session left in it, ready to be started; relive's session runs already."""
    config = Config()
    config.InteractiveShellApp.extra_extensions = ["relive"]
    app = App.instance(config=config)
    app.initialize(argv=[])
    session = _session.session()
    if session is not None:
        recover_last(session, place_in(app.shell), replay)
    return app
