# `make demo` and `make test` set up everything themselves, in .venv of this checkout.
PYTHON ?= python3
BATEIA := .venv/bin/bateia
DEMO := out/demo

PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test fuzz lint setup clean

setup: .venv/.installed

.venv/.installed: setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 …" >&2; exit 2; }
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) -e '.[dev]'
	touch $@

# PyTorch and transformers, which the demo does without.
.venv/.peers: .venv/.installed
	$(PIP) -e '.[dev,peers]'
	touch $@

demo: setup
	$(BATEIA) sample --output $(DEMO)/warc
	$(BATEIA) run --recipe tiny --input '$(DEMO)/warc/*.warc.gz' --output $(DEMO) --context 256 --val-fraction 0.1 --workers 2 --overwrite
	$(BATEIA) train --shards $(DEMO)/shards --model nano --steps 60 --output $(DEMO)/run --overwrite
	@for prompt in "The history of" "A bateia é"; do echo; $(BATEIA) sample --run $(DEMO)/run --prompt "$$prompt" --tokens 60; done
	@echo
	@echo "Look:   $(DEMO)/documents/report.html, $(DEMO)/corpus/report.html, $(DEMO)/shards/report.html, $(DEMO)/run/report.html"
	@echo "Ask:    $(BATEIA) explain https://deals-deals-deals.invalid/the-best-in-town-55183 --in $(DEMO)/corpus"
	@echo "Query:  .venv/bin/python -c \"import duckdb; print(duckdb.sql(\\\"select language, count(*) from '$(DEMO)/corpus/data/*/*.parquet' group by 1\\\"))\""

lint: .venv/.peers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright --warnings

test: lint
	.venv/bin/python -m pytest

FUZZ_CASES ?= 50000

fuzz: setup
	BATEIA_FUZZ_CASES=$(FUZZ_CASES) .venv/bin/python -m pytest tests/test_fuzz.py

clean:
	rm -rf out .venv build *.egg-info .pytest_cache .ruff_cache
