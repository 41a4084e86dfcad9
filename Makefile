# Clone, one command, look: `make demo`. Clone, one command, green: `make test`.
# Both do their own set-up; scripts/setup says what is missing where it cannot.

# Where scripts/setup puts a Node.js when the machine has none that is new enough.
export PATH := $(HOME)/.cargo/bin:$(CURDIR)/target/tools/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench week setup web web-check web-test screenshots

help: ## Show what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf '  make %-11s %s\n' "$$name" "$$what"; done

demo: ## Start Postgres, a simulated Microsoft 365 and Tenantry, and say where to click (ARGS="…" is handed on)
	@scripts/setup demo
	@$(MAKE) --no-print-directory web
	cargo run --locked -- demo $(ARGS)

test: ## Check the style, then run every test
	@scripts/setup test
	@$(MAKE) --no-print-directory web-check
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --locked
	@$(MAKE) --no-print-directory web-test

lint: ## Check the style and, where cargo-deny is installed, the dependencies
	@scripts/setup lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check; else echo 'cargo-deny is not installed: the dependencies were not checked'; fi

bench: ## Measure, with the optimised build (ARGS="sync" or "evidence" for one of them)
	@scripts/setup bench
	cargo bench --locked --bench figures -- $(ARGS)

# The company page. The server builds and runs without it; a debug build reads web/dist when it is asked for.

WEB_SOURCES := $(shell find web/src web/public -type f) web/index.html web/vite.config.ts

web: ## Build the company page, where there is a Node.js
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web/dist/index.html; \
	else echo 'There is no Node.js: / will be a simple page. See web/README.md.'; fi

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run --silent build -- --logLevel warn

web-check: web/node_modules/.package-lock.json
	cd web && npm run --silent check && npm test --silent

web-test: web/dist/index.html
	cd web && npm run --silent e2e

screenshots: web/dist/index.html ## Photograph the company page in each of its states, into web/screenshots
	cargo build --locked
	cd web && npm run --silent screenshots

week: ## Simulate a week of 2,000 companies on a moved clock (ARGS="companies days places seed")
	@scripts/setup bench
	cargo bench --locked --bench week -- $(ARGS)
