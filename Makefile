# `make demo`, `make quick` and `make test` set up everything themselves, in .venv of this checkout.
PYTHON ?= python3
BATEIA := .venv/bin/bateia
DEMO := out/demo

PIP := .venv/bin/python -m pip --disable-pip-version-check install --quiet
UV := .venv/bin/uv pip install --quiet --python .venv/bin/python
PYTEST := .venv/bin/python -m pytest
PROCESSES ?= 2 # of tests at a time; each takes up to 2 GB of memory
IN_PARALLEL := -n $(PROCESSES) --dist worksteal
# Tests start thousands of processes of this code, and each would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo course quick test test-flink tests prism fuzz lint lock setup clean

setup: .venv/.demo

# The versions and files that requirements/ names, and nothing else; then Bateia itself, as it lies in this checkout.
# uv needs a fifth of pip's time; pip knows of indexes that its own configuration names, and takes over where uv fails.
.venv/.%: requirements/%.txt requirements/uv.txt setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 …" >&2; exit 2; }
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements/uv.txt
	$(UV) --require-hashes -r $< || $(PIP) --require-hashes -r $<
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

demo: setup
	$(BATEIA) demo-crawl --output $(DEMO)/warc
	$(BATEIA) run tiny --input '$(DEMO)/warc/*.warc.gz' --output $(DEMO) --workers 2 --overwrite
	@for prompt in "The history of" "A bateia é"; do echo; $(BATEIA) sample --run $(DEMO)/model --prompt "$$prompt" --tokens 60; done
	@echo
	@echo "Look:   $(DEMO)/documents/report.html, $(DEMO)/corpus/report.html, $(DEMO)/shards/report.html, $(DEMO)/model/report.html"
	@echo "Ask:    $(BATEIA) explain https://deals-deals-deals.invalid/the-best-in-town-55183 --in $(DEMO)/corpus"
	@echo "Query:  .venv/bin/python -c \"import bateia; print(bateia.documents('$(DEMO)/corpus').to_table().group_by('language').aggregate([('id', 'count')]))\""

course: setup
	$(BATEIA) course --output out/course

# Every rule, in this process: no worker processes, no runners, nothing killed, nothing that takes long.
quick: .venv/.test
	$(PYTEST) $(IN_PARALLEL) -m "not slow and not engine and not kill"

# Type checks keep one core busy for a minute, so they go on beside the tests.
test: .venv/.test
	@$(MAKE) --no-print-directory -j 2 lint tests

# What fails in the crowd is tried once more alone. A test that passes then is at fault too: it leans on time or on others.
tests: .venv/.test prism
	export PATH="$$PATH:$(abspath $(PRISM))"; $(PYTEST) $(IN_PARALLEL) || { test $$? = 1 && echo "Failed beside others; once more, alone:" && \
		$(PYTEST) --last-failed --last-failed-no-failures none --maxfail 1; }

PRISM ?= .venv/prism

# Beam's small runner in Go, of Beam's version, built once where Go and its modules are; else a line says why it is not.
prism: .venv/.test
	@.venv/bin/python tests/support/prism.py $(PRISM)

# A cluster on this machine, with processes killed in each stage; where its packages aren't served, a line says so.
test-flink: .venv/.test
	@if $(MAKE) --no-print-directory -C deploy/flink PYTHON=$(abspath .venv/bin/python); then \
		BATEIA_FLINK_JAR=$(abspath out/flink/runner.jar) $(PYTEST) -s tests/test_flink.py; \
	else echo "test-flink: skipped, as Java 17, Maven or Flink's packages can't be had here"; fi

lint: .venv/.test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright --warnings

FUZZ_CASES ?= 50000

fuzz: .venv/.test
	BATEIA_FUZZ_CASES=$(FUZZ_CASES) $(PYTEST) tests/test_fuzz.py

# The newest versions that setup.py allows, for every system and every Python from 3.11 on.
LOCK := .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock'

lock: .venv/.test
	echo uv | $(LOCK) - --output-file requirements/uv.txt
	$(LOCK) --extra dev --extra peers setup.py requirements/build.in --output-file requirements/test.txt
	$(LOCK) --extra demo setup.py requirements/build.in --constraints requirements/test.txt --output-file requirements/demo.txt

clean:
	rm -rf out .venv build *.egg-info .pytest_cache .ruff_cache
