"""The spool's folder and its files are ours, or they are not used."""

import os
import pathlib
import pwd
import resource
import shutil
import subprocess

import pytest

from support.notification import collection
from support.project import PROGRAM
from support.receiver import cgi_variables
from support.service import minimal_environment

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give files to others")

# A file of 3 GiB that takes no room on the disk.
SPARSE = 3 << 30
# More than the program and libpq take, less than any file of SPARSE bytes;
# the address sanitizer takes its share.
MEMORY = 400 << 20


class Place:
    """A spool of user postgres, and the program as that user."""

    def __init__(self, home, database):
        self.user = pwd.getpwnam("postgres")
        self.home = home
        self.program = home / "callhook"
        self.spool = home / "spool"
        shutil.copy(PROGRAM, self.program)
        for path in (home, self.program):
            path.chmod(0o755)
        self.spool.mkdir(mode=0o700)
        os.chown(self.spool, self.user.pw_uid, self.user.pw_gid)
        self.database = database
        self.subscription = database.subscribe()

    def run(self, *arguments, given=b"", root=False, **settings):
        """callhook as that user, or as root; its end."""
        user = {} if root else {"user": self.user.pw_uid,
                                "group": self.user.pw_gid,
                                "extra_groups": []}
        started = subprocess.Popen(
            [self.program, *arguments], cwd="/", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **user,
            env=minimal_environment(
                {**self.database.environment(),
                 "CALLHOOK_SPOOL": str(self.spool)}, settings))
        out, err = started.communicate(given, timeout=60)
        return started.returncode, out.decode(), err.decode()

    def spool_one(self, **changes):
        """An item that is answered while no database is there."""
        item = self.subscription.item(**changes)
        body = collection(item)
        _, out, err = self.run(
            given=body, **cgi_variables("POST", "", body),
            PGHOST=str(self.home / "nowhere"),
            CALLHOOK_CLIENT_STATE=self.subscription.secret)
        return item, out, err

    def stored(self):
        return [row["call_id"]
                for row in self.database.rows(self.subscription)]


@pytest.fixture
def place(tmp_path, database):
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        pathlib.Path(folder).chmod(0o755)
    yield Place(tmp_path, database)


@pytest.mark.parametrize("wrong, words", [
    ("mode 0777", "others can write to it"),
    ("mode 0770", "others can write to it"),
    ("owner", "it belongs to another user"),
])
def test_a_folder_that_is_not_ours_alone(place, wrong, words):
    """Nothing is put there, and nothing that is there is read."""
    item, out, _ = place.spool_one()
    assert out.startswith("Status: 202")
    if wrong == "owner":
        os.chown(place.spool, pwd.getpwnam("daemon").pw_uid, -1)
        place.spool.chmod(0o755)
    else:
        place.spool.chmod(int(wrong.split()[1], 8))
    status, _, err = place.run("--drain")
    assert status == 1
    assert words in err
    assert place.stored() == []
    _, out, err = place.spool_one()
    assert out.startswith("Status: 503")
    assert words in err
    place.spool.chmod(0o700)
    os.chown(place.spool, place.user.pw_uid, -1)
    assert place.run("--drain")[0] == 0
    assert place.stored() == [item["resourceData"]["id"]]


@pytest.mark.parametrize("wrong, words", [
    ("owner", "it belongs to another user"),
    ("mode", "others can write to it"),
    ("kind", "it is no regular file"),
])
def test_a_file_that_is_not_ours(place, wrong, words):
    """It stays, is named, and holds up no other."""
    place.spool_one()
    [alien] = place.spool.iterdir()
    if wrong == "owner":
        alien.chmod(0o644)
        os.chown(alien, pwd.getpwnam("daemon").pw_uid, -1)
    elif wrong == "mode":
        alien.chmod(0o666)
    else:
        alien.unlink()
        os.mkfifo(alien, 0o600)
        os.chown(alien, place.user.pw_uid, -1)
    good, _, _ = place.spool_one()
    status, _, err = place.run("--drain")
    assert status == 1
    assert words in err
    assert place.stored() == [good["resourceData"]["id"]]
    assert list(place.spool.iterdir()) == [alien]


def test_what_root_puts_aside_is_the_users(place):
    """Root may drain for somebody else, who must be able to go on."""
    place.database.alter("""ALTER TABLE callhook_store.notifications
        ADD CONSTRAINT no_such CHECK (resource <> 'refuse')""")
    place.spool_one(resource="refuse")
    assert place.run("--drain", root=True)[0] == 0
    rejected = place.spool / "rejected"
    made = [rejected, *rejected.iterdir()]
    assert len(made) == 3
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {
        (place.user.pw_uid, place.user.pw_gid)}
    # and the user himself finds room there
    body = collection(place.subscription.item(resource="refuse"))
    _, out, err = place.run(given=body, **cgi_variables("POST", "", body))
    assert out.startswith("Status: 202"), err


@pytest.mark.parametrize("head", [b"", b"callhook spool 1\n"])
@pytest.mark.parametrize("size", [SPARSE, 300 << 20])
def test_a_huge_file_takes_no_memory(place, head, size):
    good, _, _ = place.spool_one()
    path = place.spool / "0006000000000000-1.trusted"
    with open(path, "wb") as sparse:
        sparse.write(head)
        sparse.truncate(size)
    path.chmod(0o600)
    os.chown(path, place.user.pw_uid, -1)
    status, _, err = place.run("--drain")
    assert status == 1, err                     # one was set aside
    assert place.stored() == [good["resourceData"]["id"]]
    aside = sorted(each.name for each in
                   (place.spool / "rejected").iterdir())
    assert aside == [path.name, path.name + ".reason"]
    # the most that any of our children took, in kB
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert children.ru_maxrss << 10 < MEMORY
