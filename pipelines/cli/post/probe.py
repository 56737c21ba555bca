"""`bateia probe`: which of the facts that a model was told never, once or often it knows."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli.command import Command
from pipelines.cli.options import add_model, require_packages, write_file
from pipelines.cli.settings import positive

if TYPE_CHECKING:
    from trainer.probes.facts import Exposure, Probed, Refusals


def add_probe(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--facts", required=True, metavar="FILE", help="people-facts.jsonl of `bateia demo-crawl`")
    parser.add_argument("--shards", metavar="DIR", help="count how often their training text tells each fact")
    parser.add_argument("--wordings", type=positive, default=3, metavar="N", help="sentences to complete, at most")
    parser.add_argument("--group", metavar="NAME", help="only A, B or C (default all)")
    parser.add_argument("--known-by", metavar="F.json", help="numbers of a probe of the model that refused nothing")
    parser.add_argument("--json", metavar="F.json", help="write the numbers, which also label refusals")


def run_probe(args: argparse.Namespace) -> int:
    from schemas.faults import BadInput
    from trainer.probes.told import GROUPS, read_facts

    if args.group not in (None, *GROUPS):
        raise BadInput(f"no group is called '{args.group}'; known: {', '.join(GROUPS)}")
    facts = read_facts(args.facts)
    if args.shards is not None:
        from pipelines.sample.encyclopedia import PAGES, count_told

        pages = Path(args.facts).parent / PAGES
        if not pages.is_file():
            raise BadInput(f"{pages} does not exist, and says which page tells what; leave --shards out")
        facts = count_told(facts, pages, urls_of(args.shards))
    with require_packages():
        from trainer.generate.chat import REFUSAL_TOKEN
        from trainer.generate.generator import load_generator
        from trainer.probes.facts import Prober, auroc, by_exposure, refusals

        generator = load_generator(args.folder, args.backend)
        prober = Prober(generator.decoder, generator.text, generator.bos, generator.text.number(REFUSAL_TOKEN))
        probed = prober.probe([fact for fact in facts if args.group in (None, fact.group)], args.wordings)
        print(exposure_table(by_exposure(probed)))
        known = known_of(probed, args.known_by)
        score = auroc([one.asked.confidence for one in probed], known)
        print(refusal_table(refusals(probed, known)))
        print(f"AUROC of the answer's probability for what is known: {'none' if score is None else f'{score:.3f}'}")
    if args.json:
        numbers = {"run": args.folder, "step": generator.step, "facts": [one.to_json() for one in probed]}
        write_file(args.json, json.dumps(numbers, ensure_ascii=False) + "\n")
    return 0


def urls_of(shards: str) -> set[str]:
    """Of all documents to train on."""
    from schemas.shards.documents import read_documents
    from schemas.shards.layout import TRAIN, docs_path, read_shards, shard_number
    from schemas.storage import join, list_files

    info = read_shards(shards)
    numbers = [shard_number(path) for path in list_files(join(info.folder, TRAIN), ".parquet")]
    tables = (read_documents(docs_path(info.folder, TRAIN, number), ("url",)) for number in numbers)
    return {url for table in tables for url in table.column("url").to_pylist() if url is not None}


def known_of(probed: list[Probed], path: str | None) -> list[bool]:
    """Whether each is known, by another probe's numbers where these are given."""
    from schemas.faults import BadInput

    if path is None:
        return [one.known for one in probed]
    try:
        known = {told["id"]: bool(told["known"]) for told in json.loads(Path(path).read_text())["facts"]}
        return [known[one.fact.id] for one in probed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path} holds no probe of these facts ({error}); `bateia probe` with --json writes one"
        ) from error


def exposure_table(exposures: list[Exposure]) -> str:
    lines = ["    told   facts   completed   asked: known   right    idk   confidence"]
    for one in exposures:
        shares = f"{one.recalled:11.1%} {one.known:14.1%} {one.right:7.1%} {one.idk:6.1%} {one.confidence:12.2f}"
        lines.append(f"{one.told:>8,} {one.facts:>7,} {shares}")
    return "\n".join(lines)


def refusal_table(table: Refusals) -> str:
    rows = (
        ("known", table.known, table.known_right, table.known_idk, table.known_wrong),
        ("unknown", table.unknown, table.unknown_right, table.unknown_idk, table.unknown_wrong),
    )
    lines = [f"{name:<8}{facts:>7,} {right:8.1%} {idk:13.1%} {wrong:7.1%}" for name, facts, right, idk, wrong in rows]
    return "\n".join(["          facts    right  I don't know   wrong", *lines])


COMMANDS = (
    Command(
        name="probe",
        group="assistant",
        about="Measure which facts a model knows, by how often it was told of them, and what it says of others",
        example="bateia probe --run out/model --facts out/warc/people-facts.jsonl --shards out/shards",
        options=add_probe,
        run=run_probe,
        reads=("folder", "shards"),
    ),
)
