"""Ways in which a new version reaches the disk, and ways in which a module came from its file."""

import importlib
import os
import shutil
import sys
from pathlib import Path

import pytest

import relive

OLD = "X = 1\n\ndef f():\n    return 'old'\n"
NEW = "X = 2\n\ndef f():\n    return 'new'\n"


def in_place(file, text):
    """Open and write, as `>` in a shell does."""
    file.write_text(text)


def atomic_rename(file, text):
    """Write beside it and rename over it, as most editors do."""
    beside = file.with_name(f".{file.name}.tmp")
    beside.write_text(text)
    os.replace(beside, file)


def rename_from_elsewhere(file, text):
    """Move it in from a directory that nobody watches."""
    elsewhere = file.parent.parent / "elsewhere.py"
    elsewhere.write_text(text)
    os.replace(elsewhere, file)


def vim(file, text):
    """Rename the old one to a backup, write a new one, delete the backup."""
    backup = file.with_name(file.name + "~")
    os.rename(file, backup)
    file.write_text(text)
    backup.unlink()


def emacs(file, text):
    """Copy the old one to a backup that stays, with a lock file meanwhile, and write in place."""
    lock = file.with_name(f".#{file.name}")
    lock.symlink_to("user@host.1234")
    shutil.copy2(file, file.with_name(file.name + "~"))
    file.write_text(text)
    lock.unlink()


def unlink_and_create(file, text):
    """Delete it, and create it anew."""
    file.unlink()
    file.write_text(text)


def truncate_and_append(file, text):
    """Empty it, then write in small pieces."""
    with file.open("w") as stream:
        for character in text:
            stream.write(character)
            stream.flush()


def hard_link(file, text):
    """Link another file to its place."""
    beside = file.with_name("beside.txt")
    beside.write_text(text)
    file.unlink()
    os.link(beside, file)


def older(file, text):
    """Restore it with an older modification time and the same size, as `rsync -t` and `cp -p` do."""
    assert len(text) == file.stat().st_size
    file.write_text(text)
    os.utime(file, (1_000_000_000, 1_000_000_000))


def same_time(file, text):
    """Write it within the same tick of the clock, with the same size."""
    before = file.stat()
    assert len(text) == before.st_size
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def renamed_with_the_same_time(file, text):
    """Rename one over it that has the same size and time."""
    before = file.stat()
    beside = file.with_name("beside.tmp")
    beside.write_text(text)
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(beside, file)


WAYS = [
    in_place,
    atomic_rename,
    rename_from_elsewhere,
    vim,
    emacs,
    unlink_and_create,
    truncate_and_append,
    hard_link,
    older,
    same_time,
    renamed_with_the_same_time,
]


@pytest.mark.parametrize("save", WAYS, ids=lambda save: save.__name__)
def test_ways_of_saving(live, save):
    """file saved with an *older* mtime; renamed-into-place save; file deleted then re-created with new content"""
    m = live.load("m", OLD)
    n = live.load("n", "from m import X, f\n")
    for text in (NEW, OLD, NEW):
        save(live.directory / "m.py", text)
        live.update()
        expected = (2, "new") if text == NEW else (1, "old")
        assert (m.X, m.f()) == (n.X, n.f()) == expected


@pytest.mark.parametrize("save", [in_place, atomic_rename, older], ids=lambda save: save.__name__)
def test_symlinked_file(live, save):
    """symlinked save: the module is a link, and the editor saves what it leads to"""
    store = live.directory.parent / "store"
    store.mkdir()
    target = store / "original.py"
    target.write_text(OLD)
    (live.directory / "m.py").symlink_to(target)
    m = live.load("m")
    f = m.f
    for text in (NEW, OLD):
        save(target, text)
        live.update()
        assert f() == ("new" if text == NEW else "old")


def test_symlink_exchanged(live):
    """symlinked save: the link is exchanged for one to another file"""
    for name, text in (("first.txt", OLD), ("second.txt", NEW)):
        (live.directory / name).write_text(text)
    link = live.directory / "m.py"
    link.symlink_to("first.txt")
    f = live.load("m").f
    other = live.directory / "other"
    other.symlink_to("second.txt")
    os.replace(other, link)
    live.update()
    assert f() == "new"


def test_symlinked_directory(live, monkeypatch):
    """symlinked save: the directory on sys.path is a link to the one that is live"""
    link = live.directory.parent / "link"
    link.symlink_to(live.directory)
    monkeypatch.setattr(sys, "path", [str(link), *(path for path in sys.path if path != str(live.directory))])
    m = live.load("m", OLD)
    f = m.f
    assert m.__file__ == str(link / "m.py")
    live.save("m.py", NEW)
    assert f() == "new"


def test_moment_without_a_file(live):
    """unreadable moment: file deleted then re-created with new content"""
    m = live.load("m", OLD)
    f = m.f
    (live.directory / "m.py").unlink()
    report = live.session.update()
    assert {item.qualname for item in report.refused} <= {"m"}
    assert (m.f, f(), m.X) == (f, "old", 1)
    live.save("m.py", NEW)
    assert (m.f, f(), m.X) == (f, "new", 2)


def test_directory_renamed_away_and_back(live):
    """unreadable moment: the directory is exchanged for another version, as `git stash` or a deployment does"""
    live.write("pkg/__init__.py", "")
    m = live.load("pkg.m", OLD)
    f = m.f
    package = live.directory / "pkg"
    shutil.copytree(package, live.directory / "next")
    (live.directory / "next" / "m.py").write_text(NEW)
    package.rename(live.directory / "previous")
    (live.directory / "next").rename(package)
    live.update()
    assert (f(), m.X) == ("new", 2)
    live.replace("pkg/m.py", "'new'", "'newer'")
    live.update()
    assert f() == "newer"


def test_coding_cookie(live):
    """non-UTF-8 source with coding cookie"""
    file = live.directory / "m.py"
    text = "# -*- coding: latin-1 -*-\nNAME = 'é'\n\ndef f():\n    return 'ü', NAME\n"
    file.write_bytes(text.encode("latin-1"))
    m = live.load("m")
    assert m.f() == ("ü", "é")
    file.write_bytes(text.replace("'ü'", "'ß', 'new'").replace("'é'", "'ñ'").encode("latin-1"))
    live.update()
    assert m.f() == ("ß", "new", "ñ")
    file.write_bytes(b"\xef\xbb\xbf" + text.split("\n", 1)[1].replace("ü", "漢").encode())
    live.update()
    assert m.f() == ("漢", "é")


def test_undecodable(live):
    """non-UTF-8 source without a cookie: refused, the old code runs on"""
    m = live.load("m", OLD)
    before = live.snapshot(m)
    (live.directory / "m.py").write_bytes("X = 'é'\n".encode("latin-1"))
    live.update(refused=["m"])
    live.assert_unchanged(m, before)
    live.save("m.py", NEW)
    assert m.f() == "new"


@pytest.mark.parametrize("newline", ["\r\n", "\r"], ids=["dos", "mac"])
def test_line_ends(live, newline):
    """file saved with other line ends: no edit, and an edit is seen"""
    m = live.load("m", OLD)
    f = m.f
    (live.directory / "m.py").write_bytes(OLD.replace("\n", newline).encode())
    live.update()
    assert (m.f, f()) == (f, "old")
    (live.directory / "m.py").write_bytes(NEW.replace("\n", newline).encode())
    live.update()
    assert (m.f, f(), m.X) == (f, "new", 2)


def test_one_file_under_two_names(live):
    """same file imported under two names (src.m and m)"""
    live.write("src/m.py", OLD + "\n\nclass C:\n    def method(self):\n        return f()\n")
    first = live.load("src.m")
    sys.path.insert(0, str(live.directory / "src"))
    try:
        second = live.load("m")
    finally:
        sys.path.remove(str(live.directory / "src"))
    assert first is not second
    held = [first.f, second.f, first.C().method, second.C().method]
    report = live.edit("src/m.py", "'old'", "'new'")
    assert {item.qualname for item in report.applied} == {"src.m:f", "m:f"}
    live.edit("src/m.py", "X = 1", "X = 2")
    assert [call() for call in held] == ["new"] * 4
    assert (first.X, second.X) == (2, 2)
    assert first.f is not second.f


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """A directory on ``sys.path`` without a session."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    if (session := relive.session()) is not None:
        session.stop()
    for name in ("adopted", "adopting"):
        sys.modules.pop(name, None)


def test_imported_before_the_session(directory):
    """module imported before the session began: live from then on"""
    file = directory / "adopted.py"
    file.write_text(OLD + "\n\nclass C:\n    def method(self):\n        return f()\n")
    (directory / "adopting.py").write_text("from adopted import X, f as g\n")
    m = importlib.import_module("adopted")
    n = importlib.import_module("adopting")
    f, instance = m.f, m.C()
    session = relive.start(directory, auto=False)
    assert {"adopted", "adopting"} <= session.modules().keys()
    assert session.modules()["adopted"].base == "file"
    assert not session.update()
    file.write_text(file.read_text().replace("'old'", "'new'").replace("X = 1", "X = 2"))
    report = session.update()
    assert not report.refused
    assert (f(), n.g(), instance.method(), m.X, n.X) == ("new", "new", "new", 2, 2)
    assert m.f is f


def test_edited_between_import_and_start(directory):
    """module imported before the session began, and edited since: the difference is an edit not yet applied"""
    file = directory / "adopted.py"
    file.write_text(OLD)
    m = importlib.import_module("adopted")
    f = m.f
    file.write_text(NEW)
    session = relive.start(directory, auto=False)
    assert session.modules()["adopted"].base == "unknown"
    report = session.update()
    assert not report.refused
    assert (f(), m.f, m.X) == ("new", f, 2)


def test_a_lambda_that_is_gone_is_no_edit(directory):
    """module imported before the session began: of lambdas that share a name, one may have been thrown away"""
    (directory / "adopted.py").write_text("KIND = type(sorted([2, 1], key=lambda each: -each))\nf = lambda: 'kept'\n")
    importlib.import_module("adopted")
    session = relive.start(directory, auto=False)
    assert not session.update()


def test_the_standard_library_below_a_root(directory):
    """an environment inside of the project: the standard library is not the program's, unless it is the root itself"""
    library = Path(os.path.realpath(os.path.dirname(os.__file__)))
    session = relive.start(library.parent, auto=False)
    assert not [name for name, module in session.modules().items() if library in Path(module.file).parents]
    session.stop()
    session = relive.start(library / "json", auto=False)
    assert "json.decoder" in session.modules()


def test_stopped(directory):
    """a stopped session leaves the live code as it is and sees no later edit; a new one takes up what was saved"""
    file = directory / "adopted.py"
    file.write_text(OLD)
    session = relive.start(directory, auto=False)
    m = importlib.import_module("adopted")
    f = m.f
    file.write_text(NEW)
    session.update()
    session.stop()
    file.write_text(NEW.replace("new", "newest"))
    assert (f(), m.X, relive.session()) == ("new", 2, None)
    session = relive.start(directory, auto=False)
    session.update()
    assert (f(), m.f) == ("newest", f)
