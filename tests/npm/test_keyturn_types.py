"""The types of keyturn.js are sound, and name what the module has."""

import re
import subprocess

from tests.npm.bridge import HERE, Bridge

ROOT = HERE.parents[1]
STRICT = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]


def test_an_application_is_checked_against_the_types(bridge: Bridge) -> None:
    """`bridge` is asked for because it sees to it that the packages are here."""
    command = ["node", "node_modules/typescript/bin/tsc", *STRICT, "keyturn_types.ts"]
    checked = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_types_and_module_have_the_same_members() -> None:
    module = (ROOT / "app/pages/keyturn.js").read_text("utf-8")
    types = (ROOT / "app/pages/keyturn.d.ts").read_text("utf-8")
    written = re.findall(
        r"^    (?:async |get )?(\w+)[:(]", between(module, "const keyturn = {", "\n  };"), re.MULTILINE
    )
    declared = re.findall(
        r"^  (?:readonly )?(\w+)[:(<]", between(types, "interface Keyturn {", "\n}"), re.MULTILINE
    )
    assert written == declared
    told = set(re.findall(r'"(signedin|signedout|refreshed|mfarequired)"', module))
    assert told == set(
        re.findall(r"^  (\w+):", between(types, "interface KeyturnEvents {", "\n}"), re.MULTILINE)
    )
    exported = r"^export (?:declare )?(?:class|function) (\w+)"
    assert re.findall(exported, module, re.MULTILINE) == re.findall(exported, types, re.MULTILINE)


def between(text: str, begin: str, end: str) -> str:
    return text.partition(begin)[2].partition(end)[0]
