"""The floors of the two programs, as tests/check-floors sees to them."""

import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def tree(tmp_path):
    for program in ("cgi", "renewer"):
        shutil.copytree(
            TOP / program,
            tmp_path / program,
            ignore=lambda folder, names: [
                name
                for name in names
                if not name.endswith((".c", ".h"))
                and not (pathlib.Path(folder) / name).is_dir()
            ],
        )
    return tmp_path


def check(tree):
    return subprocess.run(
        [TOP / "tests/check-floors", tree],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def include(path, header):
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{text}\n#include "{header}"\n', encoding="utf-8")


def test_the_tree_is_clean(tree):
    done = check(tree)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("file", "header", "fault"),
    [
        (
            "cgi/base/text.c",
            "store/batch.h",
            "cgi/base/text.c: includes store/batch.h, "
            "which is on a higher floor",
        ),
        (
            "cgi/receiver/receiver.h",
            "web/query.h",
            "cgi/receiver/receiver.h: includes web/query.h, "
            "which is on a higher floor",
        ),
        (
            "renewer/http/response.c",
            "graph/graph.h",
            "renewer/http/response.c: includes graph/graph.h, "
            "which is on a higher floor",
        ),
        # In one folder, by way of a third.
        ("cgi/store/database.h", "store/batch.h", "store/batch -> store/"),
        ("cgi/attic/old.c", "base/text.h", "the folder attic/ is on no floor"),
        ("cgi/base/text.c", "base/none.h", "there is no cgi/base/none.h"),
    ],
)
def test_a_planted_include_is_found(tree, file, header, fault):
    include(tree / file, header)
    done = check(tree)
    assert done.returncode == 1
    assert fault in done.stderr
