# Clone, one command, look: `make demo`. Clone, one command, green: `make test`.
# Both do their own set-up; scripts/setup says what is missing where it cannot.

# Where scripts/setup puts a Node.js when the machine has none that is new enough.
export PATH := $(HOME)/.cargo/bin:$(CURDIR)/target/tools/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench week setup

help: ## Show what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf '  make %-6s %s\n' "$$name" "$$what"; done

demo: ## Start Postgres, a simulated Microsoft 365 and Tenantry, and say where to click (ARGS="…" is handed on)
	@scripts/setup demo
	cargo run --locked -- demo $(ARGS)

test: ## Check the style, then run every test
	@scripts/setup test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --locked

lint: ## Check the style and, where cargo-deny is installed, the dependencies
	@scripts/setup lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check; else echo 'cargo-deny is not installed: the dependencies were not checked'; fi

bench: ## Measure, with the optimised build (ARGS="people rounds")
	@scripts/setup bench
	cargo bench --locked --bench sync -- $(ARGS)

week: ## Simulate a week of 2,000 companies on a moved clock (ARGS="companies days places seed")
	@scripts/setup bench
	cargo bench --locked --bench week -- $(ARGS)
