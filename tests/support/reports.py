"""One report of each kind as its JSON, with every field filled, for tests of pages."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

REPEATED = 9  # texts with copies, which are more than the corpus page shows unfolded

CURATE: Json = {
    "title": "documents",
    "recipe": {"name": "fineweb", "about": "English web text."},
    "blocklist": "ut1 of 2026-11-01",
    "nothing_kept": "",
    "counts": {
        "read": 1994,
        "kept": 312,
        "dropped": 1670,
        "unreadable": 12,
        "skipped_records": {"request": 1994, "warcinfo": 4},
    },
    "inputs": {"files": 4, "bytes": 50045990, "bad": [{"path": "x.warc.gz", "problem": "is empty"}]},
    "funnel": [
        {"stage": "read", "reached": 1994, "dropped": 14},
        {"stage": "fineweb", "reached": 1980, "dropped": 1668},
    ],
    "reasons": [
        {"stage": "read", "reason": "truncated", "fate": "unreadable", "count": 12},
        {"stage": "gopher_quality", "reason": "few_words", "fate": "dropped", "count": 1655},
        *({"stage": "c4", "reason": f"rule{n}", "fate": "dropped", "count": 1} for n in range(15)),
    ],
    "languages": [{"language": "en", "seen": 620, "kept": 312}, {"language": "", "seen": 3, "kept": 0}],
    "lengths": [{"from": 0, "to": 128, "kept": 0, "dropped": 20}, {"from": 128, "to": None, "kept": 7, "dropped": 1}],
    "domains": [{"domain": "example.org", "read": 40, "kept": 12}],
    "quality": [{"measure": "mean_word_length", "p5": 4, "p50": 4.7249, "p95": 5.4}],
    "throughput": {
        "wall_s": 31.2,
        "cpu_s": 55.0,
        "extraction_cpu_s": 40.1,
        "pages_per_s": 64.0,
        "cpu_ms_per_page": 27.6,
        "max_rss_mb": 412,
        "workers": 2,
        "units": 4,
        "units_resumed": 1,
        "runner": "in-process",
        "requests": 77,
        "fetched_bytes": 50_045_990,
    },
    "estimate": [
        {"measure": "pages", "estimated": 2000, "low": 1800, "high": 2200, "measured": 1994},
        {"measure": "documents kept", "estimated": 500, "low": 400, "high": 600, "measured": 312},
    ],
    "samples": [
        {
            "fate": fate,
            "stage": stage,
            "reason": reason,
            "pages": [
                {
                    "url": f"https://example.org/{fate}",
                    "language": "en",
                    "value": 0.5,
                    "threshold": None,
                    "detail": None,
                    "text": "A first line.\nA second, نمی‌شود.",
                }
            ],
        }
        for fate, stage, reason in (("dropped", "c4", "rule0"), ("kept", "", ""))
    ],
    "dataset_hash": "abc123",
    "versions": {"bateia": "0.1.0", "trafilatura": "2.3.1"},
    "settings": [
        {"step": "KeepGopherQuality", "name": "min_words", "value": "50", "about": "fewest", "source": "Gopher"}
    ],
}

CORPUS: Json = {
    "title": "corpus",
    "recipe": "fineweb",
    "steps": ["DropRepeatedLines", "ScrubPii", "Deduplicate"],
    "counts": {
        "read": 1_000,
        "kept": 700,
        "removed_exact": 100,
        "removed_near": 200,
        "removed_earlier": 30,
        "clusters": 90,
        "unlike": 7,
        "tokens": 123_456,
        "chars_read": 5_000_000,
        "chars_kept": 4_000_000,
        "languages": 2,
        "lines_removed": 77,
    },
    "tokenizer": {"name": "tokenizer.json", "sha256": "abc"},
    "inputs": [
        {
            "name": "documents",
            "role": "input",
            "dataset_hash": "aaa",
            "documents": 1_000,
            "recipe": "fineweb",
            "warc_files": 4,
            "warc_bytes": 50_045_990,
            "responses": 9_000,
        },
        {
            "name": "earlier",
            "role": "against",
            "dataset_hash": "bbb",
            "documents": None,
            "recipe": None,
            "warc_files": 0,
            "warc_bytes": 0,
            "responses": None,
        },
    ],
    "faults": ["something is amiss"],
    "funnel": [
        {"stage": "gopher_quality", "reached": 9_000, "dropped": 8_000},
        {"stage": "exact_duplicates", "reached": 1_000, "dropped": 100},
        {"stage": "near_duplicates", "reached": 900, "dropped": 200},
    ],
    "clusters": [
        {"from": 1, "to": 2, "kept": 610},
        {"from": 2, "to": 4, "kept": 89},
        {"from": 4, "to": 8, "kept": 0},
        {"from": 8, "to": 16, "kept": 1},
    ],
    "repeated": [
        {
            "cluster_size": 60 - n,
            "id": f"id{n}",
            "url": f"http://most{n}.example/",
            "text": f"Often.\nText {n}, نمی‌شود.",
        }
        for n in range(REPEATED)
    ],
    "removed": [
        {
            "url": f"http://{match}.example/",
            "match": match,
            "survivor_url": f"http://stays-for-{match}.example/",
            "language": language,
            "text": f"A copy, {match}.",
        }
        for match, language in (("exact", "en"), ("near", None))
    ],
    "pii": [
        {
            "type": "EMAIL_ADDRESS",
            "documents": 40,
            "spans": 50,
            "passages": [{"url": "http://scrubbed.example/", "text": "write to <EMAIL_ADDRESS>"}],
        },
        {"type": "BR_CPF", "documents": 1, "spans": 1, "passages": []},
    ],
    "languages": [
        {"language": "en", "read": 800, "kept": 600, "chars": 1, "tokens": 2},
        {"language": "no", "read": 200, "kept": 100, "chars": 1, "tokens": 2},
    ],
    "lengths": [
        {"from": 64, "to": 128, "kept": 100, "dropped": 200},
        {"from": 128, "to": 256, "kept": 600, "dropped": 100},
    ],
    "domains": [{"domain": "example.org", "read": 40, "kept": 12}],
    "dumps": [{"dump": "CC-MAIN-2026-10", "read": 1_000, "kept": 700}, {"dump": "", "read": 0, "kept": 0}],
    "throughput": {
        "runner": "in-process",
        "workers": 2,
        "wall_s": 31.2,
        "cpu_s": 55.0,
        "documents_per_s": 4_321.0,
        "cpu_ms_per_document": 27.6,
        "max_rss_mb": 412,
        "phases": [{"phase": "sign", "wall_s": 20.0}, {"phase": "match, pass 2", "wall_s": 0.0}],
    },
    "dataset_hash": "abc123",
    "versions": {"bateia": "0.1.0", "presidio-analyzer": "2.2"},
    "settings": [{"step": "Deduplicate", "name": "bands", "value": "14", "about": "bands", "source": "FineWeb"}],
    "curated_with": [
        {
            "recipe": "fineweb",
            "settings": [
                {"step": "KeepC4", "name": "least", "value": "3", "about": "fewest", "source": "C4"},
                {"step": "KeepC4", "name": "most", "value": "4", "about": "most", "source": "C4"},
            ],
        }
    ],
}

SHARDS: Json = {
    "title": "Token shards",
    "dataset_hash": "abc123",
    "versions": {"bateia": "0.1.0", "tokenizers": "0.22"},
    "tokenizer": "bpe-gpt4, trained on this input",
    "tokens": {
        "dtype": "uint16",
        "vocab_size": 32_768,
        "bos_id": 1,
        "eos_id": 2,
        "pad_id": None,
        "tokenizer_sha256": "5f" * 32,
        "layout_hash": "6f" * 32,
    },
    "counts": {
        "train": {
            "documents": 30,
            "tokens": 9_000,
            "bytes": 27_000,
            "languages": {
                name: {"documents": 5, "tokens": 3_000 - 400 * place, "bytes": 4_500}
                for place, name in enumerate(("en", "pt", "es", "fr", "de", "it"))
            },
            "dumps": {"CC-MAIN-2026-10": {"documents": 30, "tokens": 9_000, "bytes": 27_000}},
            "lengths": {"7": 10, "9": 20},
        },
        "val": {
            "documents": 2,
            "tokens": 1_000,
            "bytes": 3_000,
            "languages": {"en": {"documents": 2, "tokens": 1_000, "bytes": 3_000}},
            "dumps": {"CC-MAIN-2026-10": {"documents": 2, "tokens": 1_000, "bytes": 3_000}},
            "lengths": {"8": 2},
        },
        "slices": {
            "all": {"documents": 2, "tokens": 1_000, "bytes": 3_000},
            "domain-example.org": {"documents": 1, "tokens": 500, "bytes": 1_500},
        },
    },
    "plan": {
        "name": "main",
        "context": 256,
        "seed": 7,
        "packing": "concat",
        "epochs": None,
        "tokens": 9_000,
        "mixture": [["en", 0.75], ["pt", 0.25]],
        "by": "language",
        "documents": 30,
        "rows": 35,
        "cut": 12,
        "parts": [{"path": "rows-00000.parquet", "first_row": 0, "rows": 35}],
        "slices": {"all": 4, "domain-example.org": 2},
        "first_rows": [
            [
                {"tokens": 200, "language": "en", "url": "https://first.example/", "begins": True},
                {"tokens": 57, "language": "pt", "url": "https://second.example/", "begins": True},
            ],
            [
                {"tokens": 100, "language": "pt", "url": "https://second.example/", "begins": False},
                {"tokens": 157, "language": None, "url": None, "begins": True},
            ],
        ],
    },
    "source": [{"path": "/somewhere/corpus", "stage": "dedup", "dataset_hash": "bbb", "documents": 32}],
    "throughput": {
        "runner": "in-process",
        "workers": 2,
        "wall_s": 31.2,
        "phases": [{"phase": "encode", "wall_s": 20.0}, {"phase": "pack", "wall_s": 2.0}],
        "encode_cpu_s": 4.0,
        "tokens_per_cpu_s": 2_500.0,
        "max_rss_mb": 412,
    },
}

TRAINING: Json = {
    "title": "Training",
    "settings": {
        "model": {"vocab_size": 2_048, "context": 256, "dim": 128, "layers": 4, "tied": True, "norm_eps": 1e-05},
        "schedule": {"kind": "wsd", "peak": 0.003, "steps": 40, "warmup": 0, "decay": 0.4},
        "batch_size": 16,
        "optimizer": "muon",
        "remat": False,
    },
    "data": {"dataset_hash": "abc123", "plan": "main", "plan_hash": "aaa", "tokenizer_sha256": "bbb"},
    "parameters": 976_000,
    "flops_per_token": 7_428_864,
    "backend": "jax",
    "device": "cpu",
    "devices": 1,
    "totals": {
        "steps": 40,
        "tokens": 122_880,
        "seconds": 45.2,
        "tokens_per_s": 4_177.7,
        "mfu": 0.41,
        "waited_share": 0.01,
        "loss": 5.91,
    },
    "curve": [
        {
            "step": step,
            "waited_share": 0.01,
            "loss": 7.0 - step / 10,
            "lr": 0.003,
            "grad_norm": 1.0 + step,
            "tokens_per_s": 4_000.0 + step,
            "mfu": 0.4,
        }
        for step in range(0, 40, 10)
    ],
    "evals": [
        {
            "step": step,
            "slices": {
                name: {"bits_per_byte": bits - step / 100, "loss": 6.0, "tokens": 5_632, "bytes": 15_885, "rows": 22}
                for name, bits in (("all", 3.05), ("language-en", 2.88), ("domain-a.example", 3.5))
            },
            "by_position": [
                {"from": 0, "to": 1, "loss": 6.17, "tokens": 22},
                {"from": 1, "to": 2, "loss": None, "tokens": 0},
                {"from": 2, "to": 4, "loss": 5.8, "tokens": 44},
            ],
        }
        for step in (0, 40)
    ],
    "samples": [
        {"step": step, "prompt": prompt, "text": "Gold in\nthe pan."}
        for step in (0, 40)
        for prompt in ("", "The history of")
    ],
    "faults": [
        {
            "step": step,
            "fault": "not finite",
            "loss": None if step == 3 else 9.5,
            "rows": [
                {
                    "row": 6,
                    "loss": None,
                    "documents": [
                        {"doc_id": f"id{step}", "url": url, "warc_file": "a.warc.gz", "warc_offset": 7}
                        | {"language": "en", "cluster_id": None}
                        for url in ("https://fault.example/", None)
                    ],
                }
            ],
        }
        for step in range(3, 15)
    ],
    "code_hash": "0123456789abcdef0123",
    "versions": {"bateia": "0.1.0", "jax": "0.10"},
}

TOKENIZERS: list[Json] = [
    {
        "name": name,
        "engine": "tokenizers",
        "vocabulary": 2_048,
        "sha256": sha256,
        "languages": {
            language: {
                "documents": 10,
                "bytes": 1_000,
                "characters": 900,
                "words": 200,
                "whole_words": 90,
                "tokens": tokens,
                "part_tokens": 4,
                "unknown_tokens": 2,
                "lost": 1,
                "seconds": 0.5,
            }
            for language, tokens in (("en", few), ("pt", few + 50))
        },
        "differing": differing,
    }
    for name, sha256, few, differing in (("ours", "abc", 300, 3), ("theirs", "def", 400, None))
]

FEWSHOT: Json = {
    "run": "/runs/small",
    "step": 40,
    "shards": "/somewhere/shards",
    "shots": [0, 1, 2],
    "items": 8,
    "candidates": 4,
    "seed": 1,
    "chance": 0.25,
    "tasks": {
        name: {
            "about": about,
            "items": 8,
            "points": [
                {
                    "shots": shots,
                    "bits_per_byte": 3.65 - shots,
                    "accuracy": 0.25,
                    "exact": 0.125,
                    "bits_per_byte_se": 0.3,
                    "accuracy_se": 0.16,
                    "exact_se": 0.01,
                }
                for shots in range(measured)
            ],
        }
        for name, about, measured in (("copy", "a word, then the same word", 3), ("cycle", "four words in turn", 1))
    },
    "left_out": ["translate"],
}

MEMORIZATION: Json = {
    "run": "/runs/small",
    "step": 40,
    "shards": "/somewhere/shards",
    "documents": 100,
    "url": None,
    "prefix": 32,
    "tokens": 64,
    "seed": 1,
    "extractable": 50,
    "asked": {
        "rows": {
            "prompts": 100,
            "extracted": 40,
            "share": 0.4,
            "share_se": 0.05,
            "mean": 20.5,
            "median": 10.0,
            "longest": 64,
        },
        "trained": {
            "prompts": 100,
            "extracted": 5,
            "share": 0.05,
            "share_se": 0.02,
            "mean": 2.5,
            "median": 0.0,
            "longest": 60,
        },
        "held_out": {
            "prompts": 0,
            "extracted": 0,
            "share": None,
            "share_se": None,
            "mean": None,
            "median": None,
            "longest": None,
        },
    },
    "longest": [
        {
            "asked": "rows",
            "url": url,
            "warc_file": "a.warc.gz",
            "warc_offset": 383_378,
            "begin": 32,
            "tokens": 64,
            "bytes": 250,
            "prompt": "The pan washes",
            "text": " gold out\nof gravel.",
        }
        for url in ("https://known.example/", None)
    ],
}

SURPRISAL: Json = {
    "run": "/runs/small",
    "step": 40,
    "context": 256,
    "bytes": 13,
    "parts": [
        {
            "text": text,
            "tokens": [
                {
                    "name": name,
                    "bits": bits,
                    "rank": 1_234,
                    "likeliest": [
                        {"name": " sand", "probability": 0.4, "is_own": False},
                        {"name": name, "probability": 0.0001, "is_own": True},
                    ],
                }
                for name, bits in tokens
            ],
        }
        for text, tokens in (
            ("The", [("The", 0.5)]),
            (" gold", [(" gold", 3.25)]),
            ("é\n", [("\\xc3", 9.0), ("\\xa9", 14.0)]),
        )
    ],
}

SAMPLES: Json = {
    "run": "/runs/small",
    "step": 40,
    "prompt": "The history of",
    "samples": [
        {"seed": seed, "temperature": 0.8, "text": " gold\nand\tgravel.", "tokens": 12, "ended": seed == 1}
        for seed in (1, 2)
    ],
}

WRITTEN: Json = {
    "prompt": "The history of",
    "seed": 1,
    "temperature": 0.8,
    "pieces": [
        {
            "text": " gold\nin a",
            "source": {
                "tokens": 9,
                "url": "https://recited.example/",
                "warc_file": "a.warc.gz",
                "warc_offset": 383_378,
            },
        },
        {"text": "\tpan.", "source": None},
        {"text": " Sand", "source": {"tokens": 8, "url": None, "warc_file": None, "warc_offset": None}},
    ],
    "tokens": 12,
    "ended": True,
}

BASE: Json = {
    "run": "/runs/small",
    "step": 40,
    "least": 8,
    "dreams": [WRITTEN | {"prompt": ""}, WRITTEN | {"prompt": "", "pieces": []}],
    "dreamt_share": 0.75,
    "held_out_share": None,
    "temperatures": [WRITTEN | {"temperature": temperature} for temperature in (0, 0.5, 1.0, 1.5)],
    "asked": WRITTEN,
    "continued": [
        {"url": url, "prompt": "At first", "page": " a glacier is", "written": WRITTEN, "same": 0}
        for url in ("https://held-out.example/", None)
    ],
    "memorization": MEMORIZATION,
    "few_shot": FEWSHOT,
}

JOURNEY: Json = {
    "url": "https://page.example/",
    "notes": ["it was fetched twice"],
    "record": {
        "url": "https://page.example/",
        "warc_file": "a.warc.gz",
        "warc_offset": 383_378,
        "bytes": 2_925,
        "status": 200,
        "content_type": "text/html",
        "fate": "dropped",
        "why": "c4: too_few_sentences",
    },
    "recipe": "tiny",
    "html": "<!doctype html>\n<p>Gold",
    "html_chars": 5_388,
    "stops": [
        {"stage": "extract", "dropped": None, "about": "9 characters", "dials": [], "removed": []},
        {
            "stage": "c4",
            "dropped": "too_few_sentences: measured 3",
            "about": "",
            "dials": [
                {"rule": "too_few_sentences", "value": 3, "keep": ">=", "threshold": 5, "passed": False},
                {"rule": "curly_bracket", "value": 0, "keep": "<=", "threshold": 0, "passed": True},
            ],
            "removed": ["Read more"],
        },
    ],
    "extracted": "Gold.\nRead more",
    "text": "Gold.",
    "copies": {
        "fate": "removed as near duplicate of b",
        "shingle": 5,
        "compared": 48,
        "compared_all": True,
        "nearest": {"url": "https://nearest.example/", "similarity": 0.9, "is_survivor": True, "text": "Gold!\n"},
    },
    "tokens": {"split": "train", "shard": 4, "start": 0, "length": 1_000, "names": ["Go", "ld", "\\xc3"]},
    "plans": [{"plan": "main", "rows": "3, 7-9", "count": 4, "steps": "0", "passes": 1.5}],
    "surprisal": None,
}

COURSE: Json = {
    "language": "pt",
    "place": "section 2 of 10",
    "title": "Tokenization",
    "lead": "A model reads numbers.",
    "parts": [
        {
            "title": "How BPE merges",
            "blocks": [
                {"type": "text", "text": "Neighbours are joined."},
                {"type": "table", "caption": "Rounds", "heads": ["Pair", "Count"], "rows": [["g + o", "12"]]},
                {
                    "type": "chart",
                    "label": "Loss over the steps",
                    "unit": "steps",
                    "lines": [
                        {"name": "loss", "points": [[0, 3.5], [10, 2.5]]},
                        {"name": "chance", "points": [[0, 4], [10, 4]]},
                    ],
                    "from_zero": True,
                },
                {"type": "passage", "about": "seed 1", "begin": "The river", "text": " runs."},
                {"type": "open", "file": "tokens/type.html", "name": "Type a text", "about": "in the page"},
            ],
        }
    ],
    "tries": ["bateia tokens"],
    "papers": [
        {"title": "Units", "authors": "Sennrich et al.", "year": 2015, "url": "https://arxiv.org/abs/1508.07909"}
    ],
    "words": {"course": "The course", "tries_title": "Next", "papers_title": "Papers"},
    "before": {"file": "crawl.html", "title": "Common Crawl"},
    "after": {"file": "pretraining.html", "title": "Pretraining"},
}

ARENA: Json = {
    "baseline": "base",
    "voted": False,
    "ratings": [
        {"model": "sft", "rating": 1200.4, "low": 1100, "high": 1290.5, "accuracy": 0.75, "battles": 8},
        {"model": "base", "rating": 1000, "low": 1000, "high": 1000, "accuracy": None, "battles": 8},
    ],
    "tasks": [
        {
            "task": "multiply",
            "questions": 8,
            "right": [{"model": "sft", "right": 0.75}, {"model": "base", "right": 0}],
            "looked": True,
            "seen": {"multiply-3": "https://tables.example/"},
        }
    ],
}
