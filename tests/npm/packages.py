"""Whether Node and the pinned packages are here; the packages are installed where they can be."""

import json
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLDEST_NODE = (18, 19)


def missing() -> str:
    """Say what the client cannot run without; nothing when all is there."""
    if not shutil.which("node"):
        return "node is not installed"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(map(int, version.lstrip("v").split(".")[:2])) < OLDEST_NODE:
        return f"node {version} is too old: these tests need 18.19 or newer"
    # npm writes its own record of what it installed last of all, so a half-finished installation has none.
    if _versions(HERE / "node_modules" / ".package-lock.json") == _versions(HERE / "package-lock.json"):
        return ""
    return _install()


def _versions(lock: Path) -> dict[str, str]:
    if not lock.exists():
        return {}
    packages = json.loads(lock.read_text())["packages"]
    return {name: package["version"] for name, package in packages.items() if name}


def _install() -> str:
    if not shutil.which("npm"):
        return "the npm packages of these tests are not installed, and neither is npm"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120, check=False)
    return f"npm ci failed: {done.stderr.strip()[-300:]}" if done.returncode else ""
