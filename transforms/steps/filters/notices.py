"""Pages that hold a notice alone: nothing was found, one has to sign in, a browser lacks something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from transforms.steps.step import DocumentStep, judge

PHRASES = (
    *("enable javascript", "javascript is disabled", "javascript to be enabled", "enable cookies", "accept cookies"),
    *("page not found", "page cannot be found", "page you requested", "page you are looking for", "no longer exists"),
    *("no longer available", "access denied", "permission to access", "you must be logged in", "please log in"),
    *("please sign in", "log in to continue", "sign in to continue", "verify you are human", "not a robot"),
    *("browser is not supported", "old browser", "outdated browser", "upgrade your browser", "under maintenance"),
    *("account has been suspended", "domain is for sale", "no results found", "no posts found", "coming soon"),
    *("ative o javascript", "habilite o javascript", "javascript desabilitado", "página não encontrada"),
    *("página que você procura", "acesso negado", "faça login", "inicie sessão para", "navegador não é compatível"),
    *("não sou um robô", "em manutenção", "nenhum resultado encontrado", "não está mais disponível"),
)
NOTICE = re.compile("|".join(map(re.escape, PHRASES)), re.IGNORECASE)


@dataclass(frozen=True)
class DropNotices(DocumentStep):
    """Drops a short document of which a large part are lines with a notice, in English or Portuguese.

    An article may quote such a line; a page of nothing else was an error, a gate or a shell without its text.
    """

    stage: ClassVar[str] = "notices"
    measures: ClassVar[tuple[str, ...]] = ("notice_share",)

    max_chars: int = setting(1500, "characters of a document that may be a notice", "ours")
    max_share: float = setting(0.3, "max share of characters in lines with a notice", "ours")

    def checks(self, document: Document) -> Iterator[Check]:
        text = document.text
        share = 0.0
        if len(text) <= self.max_chars and NOTICE.search(text):
            share = sum(len(line) for line in text.split("\n") if NOTICE.search(line)) / max(len(text), 1)
        yield Check("notice", "notice_share", share, "<=", self.max_share)

    def __call__(self, document: Document) -> Document | Drop:
        return judge(document, self.stage, self.checks(document))
