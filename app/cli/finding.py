"""What the configuration doctor says of one thing."""

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """Only a PROBLEM makes the check fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """One line of the report."""

    topic: str
    verdict: Verdict
    message: str
