"""Other processes: a script that is edited while it runs, and forks of a live process."""

import pytest

SCRIPT = """
    import pickle
    import sys
    from pathlib import Path

    import relive

    LIMIT = 1
    EVENTS = []
    EVENTS.append("executed")


    def f():
        return "old", LIMIT


    class C:
        def method(self):
            return "old"


    if __name__ == "__main__":
        session = relive.start(Path(__file__).parent, auto=False)
        held, instance, pickled = f, C(), pickle.dumps(C())
        file = Path(__file__)
        text = file.read_text().replace('"' + 'old"', '"' + 'new"')
        file.write_text(text.replace("LIMIT" + " = 1", "LIMIT" + " = 2"))
        report = session.update()
        assert not report.refused, report
        assert {"__main__:f", "__main__:C.method", "__main__:LIMIT"} <= {item.qualname for item in report.applied}
        assert held is f
        assert held() == ("new", 2), held()
        assert instance.method() == "new"
        assert type(pickle.loads(pickled)) is C
        file.write_text(file.read_text().replace("print(" + "'", "print(" + "'edited "))
        assert not session.update().refused
        assert EVENTS == ["executed"]
        assert f.__globals__ is vars(sys.modules["__main__"])
        session.stop()
        print('end of', held())
"""


def test_script(live):
    """module executed as a script (__main__) and edited"""
    assert live.run("script.py", SCRIPT) == "end of ('new', 2)\n"


def test_script_in_a_package(live):
    """module executed as a script (__main__) and edited: through `-m`"""
    live.write("package/__init__.py", "")
    assert live.run("package/script.py", SCRIPT, module="package.script") == "end of ('new', 2)\n"


FORK = """
    import os
    from pathlib import Path

    import relive

    directory = Path(__file__).parent
    session = relive.start(directory, auto={auto})
    module = directory / "forked.py"
    module.write_text("def f():\\n    return 'old'\\n")
    import forked

    f = forked.f
    module.write_text(module.read_text().replace("old", "new"))
    session.update()
    assert f() == "new"
    asking, answering = os.pipe(), os.pipe()
    if not (child := os.fork()):
        try:
            before = f()
            os.write(answering[1], b"ready")
            os.read(asking[0], 1)
            os.write(answering[1], f"{{before}} {{f()}} {{forked.f()}} ".encode())
        finally:
            os._exit(0 if forked.f is f else 1)
    assert os.read(answering[0], 5) == b"ready"
    for version in range(5):
        module.write_text(f"def f():\\n    return {{version}}\\n")
        session.update()
        assert f() == version
    os.write(asking[1], b"!")
    assert os.read(answering[0], 100) == b"new new new "
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for _ in range(20):
        if not (child := os.fork()):
            os._exit(f() - 4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    session.stop()
    print("done")
"""


@pytest.mark.parametrize("auto", [False, True])
def test_fork(live, auto):
    """a fork of the process goes on with the code it has; the parent goes on with its session; nothing warns"""
    assert live.run("fork.py", FORK.format(auto=auto)) == "done\n"


def test_normal_exit_of_a_child(live):
    """a fork of the process ends normally: with what is registered to run at exit"""
    text = """
        import os
        import sys
        from pathlib import Path

        import relive

        session = relive.start(Path(__file__).parent, auto=True)
        if not (child := os.fork()):
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        print("done")
    """
    assert live.run("exit.py", text) == "done\n"


MULTIPROCESSING = """
    import multiprocessing
    from pathlib import Path

    import relive

    if __name__ == "__main__":
        directory = Path(__file__).parent
        session = relive.start(directory, auto={auto})
        module = directory / "work.py"
        module.write_text("class Task:\\n    def run(self, pipe):\\n        pipe.send('old')\\n")
        import work

        task = work.Task()
        context = multiprocessing.get_context("fork")
        for version in range(3):
            method = "    def run(self, pipe):\\n        pipe.send(BASE + 1)\\n"
            module.write_text(f"BASE = {{version}}\\n\\nclass Task:\\n{{method}}")
            session.update()
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=task.run, args=(sender,))
            process.start()
            assert receiver.recv() == version + 1
            process.join()
            assert process.exitcode == 0, process.exitcode
        session.stop()
        print("done")
"""


@pytest.mark.parametrize("auto", [False, True])
def test_multiprocessing(live, auto):
    """multiprocessing with the fork start method runs the edited code; nothing warns"""
    assert live.run("processes.py", MULTIPROCESSING.format(auto=auto)) == "done\n"


def test_interpreter_ends_during_a_session(live):
    """the interpreter ends with a session running, its watch included, and without a word"""
    text = """
        from pathlib import Path

        import relive

        session = relive.start(Path(__file__).parent, auto=True)
        module = Path(__file__).with_name("ending.py")
        module.write_text("def f():\\n    return 1\\n")
        import ending

        module.write_text("def f():\\n    return 2\\n")
        print("done")
    """
    assert live.run("end.py", text) == "done\n"
