"""``relive run PROGRAM`` does what ``python PROGRAM`` does: both are run and compared, to the letter."""

import os
import py_compile
import re
import signal
import zipfile

import pytest


def check(place, *words, input=""):
    """Run a program both ways; the exit code and all that it writes must be the same. Returns what it printed."""
    plain = place.python(*words, input=input)
    live = place.relive("run", *words, input=input)
    assert comparable(live.stdout) == comparable(plain.stdout)
    assert comparable(live.stderr) == comparable(plain.stderr)
    assert live.returncode == plain.returncode
    return plain


def comparable(text):
    """Return what a program wrote without what differs from run to run, and the depth at which the stack is full."""
    return re.sub(r"0x[0-9a-f]+|repeated \d+ more", "", text)


def test_surroundings(place):
    """arguments, path and working directory are the program's"""
    place.write("sub/app.py", "import os, sys\nprint(sys.argv, sys.path, os.getcwd(), sys.flags)\n")
    done = check(place, "sub/app.py", "--mode", "deep", "-m", "x", "--", "ä", "", "a b")
    assert "'--mode', 'deep', '-m', 'x', '--', 'ä', '', 'a b'" in done.stdout
    check(place, "sub/../sub/app.py")
    check(place, str(place.directory / "sub" / "app.py"))


def test_safe_path(place):
    place.environment["PYTHONSAFEPATH"] = "1"
    place.write("app.py", "import sys\nprint(sys.path)\n")
    check(place, "app.py")


NAMESPACE = """
import sys
import __main__
for name, value in sorted(vars(__main__).items()):
    print(name, type(value), value if isinstance(value, (str, type(None), dict)) and name != "__builtins__" else "")
assert vars(__main__) is globals() and sys.modules["__main__"] is __main__
print(__spec__ and (__spec__.name, __spec__.origin, __spec__.parent, __spec__.cached))
print(__loader__.get_source(__loader__.name)[:7] if __loader__.get_source else None)
"""


@pytest.mark.parametrize(
    "words",
    [["app.py"], ["-m", "pkg.app"], ["-m", "pkg"], ["-m", "app"], ["directory"]],
    ids=lambda words: "_".join(words).replace("-", ""),
)
def test_namespace(place, words):
    """``__main__`` has the names that it has under python, with the same values"""
    for path in ("app.py", "pkg/app.py", "pkg/__main__.py", "directory/__main__.py"):
        place.write(path, NAMESPACE)
    place.write("pkg/__init__.py", "print('package', __name__)\n")
    plain = place.python(*words)
    live = place.relive("run", *words)
    # A live module's loader tells relive of the code.
    assert (
        live.stdout.replace("relive._import.LiveLoader", "_frozen_importlib_external.SourceFileLoader") == plain.stdout
    )
    assert (live.stderr, live.returncode) == (plain.stderr, plain.returncode) == ("", 0)


def test_archive(place):
    with zipfile.ZipFile(place.directory / "app.zip", "w") as archive:
        archive.writestr("__main__.py", "import other, sys\nprint(sys.argv, sys.path, __file__, __name__, other.X)\n")
        archive.writestr("other.py", "X = 1\n")
    check(place, "app.zip", "word")


def test_compiled(place):
    source = place.write("app.py", "print(__file__, __name__, __spec__)\n")
    py_compile.compile(str(source), str(place.directory / "app.pyc"))
    check(place, "app.pyc")


NAMES = ["with space.py", "ünïcödé.py", "no_extension", "dash-ed.name.py", "'quotes\".py", "1.py", "new\nline.py"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_unusual_names(place, name):
    place.write(name, "import sys\nprint(ascii(sys.argv[0]), ascii(__file__))\nraise ValueError(1)\n")
    assert check(place, name).returncode == 1


def test_name_that_is_no_text(place):
    name = os.fsdecode(b"\xff.py")
    place.write(name, "print(ascii(__file__))\n")
    assert ascii(name)[1:-1] in check(place, name).stdout


def test_symlink(place):
    """the directory of what a link leads to is the one on the path"""
    place.write("real/app.py", "import other, sys\nprint(sys.path[0], __file__)\n")
    place.write("real/other.py", "print('other')\n")
    (place.directory / "link.py").symlink_to("real/app.py")
    check(place, "link.py")


def test_coding_cookie(place):
    (place.directory / "app.py").write_bytes("# coding: latin-1\nprint(ascii('é'))\n".encode("latin-1"))
    check(place, "app.py")


ENDS = {
    "end": "print('done')",
    "exit": "import sys; sys.exit()",
    "exit_code": "raise SystemExit(7)",
    "exit_text": "import sys; sys.exit('no more')",
    "exit_object": "import sys; sys.exit([1, 2])",
    "exit_none": "exit(None)",
    "raise": "def f():\n    g()\n\ndef g():\n    raise ValueError('wrong')\n\nf()",
    "raise_from": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('k') from error",
    "raise_group": "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
    "raise_context": "try:\n    1 / 0\nfinally:\n    nothing",
    "interrupt": "raise KeyboardInterrupt",
    "syntax": "print('never')\ndef f(:\n    pass\n",
    "recursion": "def f():\n    f()\n\nf()",
    "assertion": "assert 1 == 2, 'message'",
    "excepthook": "import sys\nsys.excepthook = lambda *args: print(args[0], args[2].tb_next)\n1 / 0",
    "last": "import sys, atexit\natexit.register(lambda: print(sys.last_value.__traceback__.tb_next))\n1 / 0",
    "atexit": "import atexit\natexit.register(print, 'first')\natexit.register(print, 'second')\nraise SystemExit(3)",
    "atexit_raises": "import atexit\natexit.register(lambda: 1 / 0)",
    "thread": "import threading\nthreading.Timer(0.1, print, ('late',)).start()\nprint('early')",
    "thread_raises": "import threading\nthreading.Thread(target=lambda: 1 / 0, name='T').start()",
    "daemon": "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
    "abrupt": "import os, sys\nprint('x', flush=True)\nos._exit(5)",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "warning": "import warnings\nwarnings.warn('old', DeprecationWarning)",
    "warning_shown": "import warnings\nwarnings.simplefilter('always')\nwarnings.warn('old', UserWarning)",
    "destructor": "class C:\n    def __del__(self):\n        print('gone')\n\nc = C()",
    "closed": "import sys, os\nsys.stderr.close()\nsys.stdout.close()",
    "no_argv": "import sys\ndel sys.argv\n",
    "no_main": "import sys\ndel sys.modules['__main__']\nraise ValueError",
}


@pytest.mark.parametrize("name", ENDS)
def test_ends(place, name):
    """exit code, traceback, threads and exit handlers, for every way in which a program may end"""
    place.write("app.py", ENDS[name] + "\n")
    check(place, "app.py")


@pytest.mark.parametrize("name", ["raise", "syntax", "exit_text", "interrupt"])
def test_ends_of_a_module(place, name):
    place.write("pkg/__init__.py", "")
    place.write("pkg/app.py", ENDS[name] + "\n")
    plain = place.python("-m", "pkg.app")
    live = place.relive("run", "-m", "pkg.app")
    frames = [f'  File "<frozen runpy>", line {line}, in {name}' for line, name in _runpy_frames(plain.stderr)]
    assert live.stderr.splitlines() == [line for line in plain.stderr.splitlines() if line not in frames]
    assert (live.stdout, live.returncode) == (plain.stdout, plain.returncode)


def _runpy_frames(text):
    for line in text.splitlines():
        if '"<frozen runpy>"' in line:
            _, number, name = line.split(", ")
            yield number.removeprefix("line "), name.removeprefix("in ")


def test_failing_package(place):
    """what a package raises while it is imported on the way to the module is shown as it is"""
    place.write("pkg/__init__.py", "def f():\n    import not_there\n\nf()\n")
    place.write("pkg/app.py", "")
    live = place.relive("run", "-m", "pkg.app")
    assert live.returncode == 1
    assert "ModuleNotFoundError: No module named 'not_there'" in live.stderr
    assert "relive" not in live.stderr
    assert live.stderr.count("File ") == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["missing.py"], 2, "missing.py"),
        (["-m", "missing"], 1, "No module named missing"),
        (["-m", "missing.part"], 1, "No module named 'missing'"),
        (["-m", "empty"], 1, "'empty' is a package and cannot be directly executed"),
        (["empty"], 1, "can't find '__main__' module"),
        (["--root", "nowhere", "app.py"], 1, "'nowhere' is neither a directory nor an importable package"),
        (["--mode", "fast", "app.py"], 2, "invalid value 'fast'"),
        (["--bogus", "app.py"], 2, "--bogus"),
        ([], 2, "missing"),
    ],
)
def test_what_cannot_be_run(place, words, code, said):
    place.write("empty/__init__.py", "")
    place.write("app.py", "print('never')")
    done = place.relive("run", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_standard_input(place):
    """the program reads what it is given, all of it"""
    place.write("app.py", "import sys\nprint(input(), sys.stdin.read(), sys.stdin.isatty())\n")
    check(place, "app.py", input="one\ntwo\nthree")


def test_pickle(place):
    """classes of the program pickle by reference"""
    place.write("app.py", "import pickle\nclass C: pass\nprint(type(pickle.loads(pickle.dumps(C()))) is C)\n")
    assert check(place, "app.py").stdout == "True\n"


def test_found_after_import_of_its_package(place):
    """a module that its package has imported already is warned of"""
    place.environment["PYTHONWARNINGS"] = "always"
    place.write("pkg/__init__.py", "import pkg.app\n")
    place.write("pkg/app.py", "print(__name__)\n")
    live = place.relive("run", "-m", "pkg.app")
    assert (live.stdout, live.returncode) == ("pkg.app\n__main__\n", 0)
    assert "RuntimeWarning: 'pkg.app' found in sys.modules" in live.stderr


def test_without_the_command(place):
    """``python OPTIONS -m relive run`` gives the interpreter options"""
    place.write("app.py", "import sys\nprint(sys.flags.optimize, sys.argv, sys.path[0])\nassert False\n")
    done = place.python("-O", "-m", "relive", "run", "app.py", "x")
    assert done.stdout == f"1 ['app.py', 'x'] {place.directory}\n"
    assert (done.stderr, done.returncode) == ("", 0)


# Ready once it sleeps: CPython 3.14 misses a signal that comes just before.
SLEEP = "import threading, time\nthreading.Timer(0.2, print, ['ready'], {'flush': True}).start()\ntime.sleep(1000)\n"
LOOP = "print('ready', flush=True)\nwhile True:\n    pass\n"


@pytest.mark.parametrize("text", [SLEEP, LOOP], ids=["sleep", "loop"])
def test_interrupt(place, text):
    """SIGINT ends the program as it ends a program of python: by the signal, after the exit handlers"""
    place.write("app.py", f"import atexit\natexit.register(print, 'bye')\n{text}")
    running = place.start("run", "app.py")
    running.out.until("ready")
    running.process.send_signal(signal.SIGINT)
    assert running.end() == -signal.SIGINT
    assert running.out.seen == ["ready", "bye"]
    assert running.err.seen[0] == "Traceback (most recent call last):"
    assert running.err.seen[-1] == "KeyboardInterrupt"
    assert len([line for line in running.err.seen if line.startswith("  File")]) == 1


def test_sigwait(place):
    """a signal that the program has blocked to wait for it reaches the program, not a thread of relive"""
    place.write(
        "app.py",
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        print("ready", flush=True)
        print(signal.sigwait({signal.SIGUSR1}).name)
        """,
    )
    running = place.start("run", "app.py")
    running.out.until("ready")
    running.process.send_signal(signal.SIGUSR1)
    assert running.end() == 0
    assert running.out.seen == ["ready", "SIGUSR1"]


def test_read_only_home(place):
    """where no socket can be made the program runs all the same, and it is said once"""
    place.home.write_text("a file")
    place.write("app.py", "print('runs')")
    done = place.relive("run", "app.py")
    assert (done.stdout, done.returncode) == ("runs\n", 0)
    assert done.stderr.startswith("relive: `relive status` will not find this session: cannot use the directory ")


def test_venv_is_not_live(place):
    """installed libraries below the root are not live"""
    library = place.write("lib/site-packages/library.py", "")
    place.write(
        "app.py",
        f"""
        import sys, relive
        sys.path.append({str(library.parent)!r})
        import library
        print(sorted(relive.session().modules()))
        """,
    )
    assert place.relive("run", "app.py").stdout == "['__main__']\n"
