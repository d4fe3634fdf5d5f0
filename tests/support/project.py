"""What the tests take from the project: its programs, its SQL, its samples."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "cgi" / "callhook"
RENEWER = ROOT / "renewer" / "callhook-renewer"
INSTALL_SQL = ROOT / "sql" / "install.sql"
UNINSTALL_SQL = ROOT / "sql" / "uninstall.sql"
DATA = ROOT / "tests" / "data"
SUPPORT = ROOT / "tests" / "support"


def sanitized():
    """Whether the programs were built with a sanitizer, and are slow."""
    return (ROOT / "build" / "mode").read_text().strip() != "release"
