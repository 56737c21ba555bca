"""Elements of a tree that meet a rule; each distinct combination of attributes is judged once."""

from __future__ import annotations

from typing import Any

from lxml.etree import XPath

from transforms.steps.extract.trafilatura_231.rules import Rule

MAX_VERDICTS = 4096  # remembered by a rule; then all are forgotten
MAX_KEY_CHARS = 300  # of attributes together: longer ones are judged each time, so that what is remembered is bounded

Key = tuple[tuple[str, str], ...]  # the attributes that a rule looks at, in the order of the source


class Finder:
    """What a rule said of attributes, and how it judges others."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.names = frozenset(rule.attributes)
        self.verdicts: dict[Key, bool] = {}

    def judged(self, key: Key) -> bool:
        verdict = bool(self.rule.test(dict(key)))
        if sum([len(value) for _, value in key]) <= MAX_KEY_CHARS:
            if len(self.verdicts) >= MAX_VERDICTS:
                self.verdicts.clear()
            self.verdicts[key] = verdict
        return verdict


class FindAll(Finder):
    """Takes an XPath expression's place: the elements below one that meet a rule, in the order of the document."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        tags = " or ".join(f"self::{tag}" for tag in rule.tags)
        present = " or ".join(f"@{name}" for name in rule.attributes)
        self.candidates = XPath(f".//*[{tags}][{present}]" if tags else f".//*[{present}]")

    def __call__(self, tree: Any) -> list[Any]:
        names, known, judged = self.names, self.verdicts.get, self.judged
        found = []
        for element in self.candidates(tree):
            key = tuple([item for item in element.items() if item[0] in names])
            verdict = known(key)
            if judged(key) if verdict is None else verdict:
                found.append(element)
        return found


class FindFirst(Finder):
    """As FindAll, but the first such element alone, in a list that is empty without one."""

    def __call__(self, tree: Any) -> list[Any]:
        names, known, judged = self.names, self.verdicts.get, self.judged
        for element in tree.iterdescendants(*self.rule.tags):
            key = tuple([item for item in element.items() if item[0] in names])
            verdict = known(key)
            if key and (judged(key) if verdict is None else verdict):
                return [element]
        return []
