"""What is wrong with the configuration, said so that it can be put right."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`message` says what is wrong and what to do; it never holds a secret's value."""

    name: str
    message: str


class ConfigurationError(Exception):
    """The service cannot start; `problems` lists every reason at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = (f"  {problem.name}: {problem.message}" for problem in self.problems)
        return "\n".join((f"The configuration has {count}:", *lines))


class Unacceptable(ValueError):
    """A setting's text cannot be used; the message is a predicate such as "is not a whole number"."""
