# Builds medbuild and the engine beside it, runs the tests and the quickstart.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
BUILDKIT := $(shell go list -m -f '{{.Version}}' github.com/moby/buildkit)
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN     := golang.org/x/vuln/cmd/govulncheck@v1.9.0
RELEASER := github.com/goreleaser/goreleaser/v2@v2.15.1

.PHONY: build test test-long quickstart lint lint-go lint-shell lint-files lint-vulnerabilities bench fuzz golden tools snapshot release clean

build: bin/medbuild bin/buildkitd

# The Go command knows best what changed.
.PHONY: bin/medbuild
bin/medbuild:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $@ ./cmd/medbuild

# The daemon needs four times the modules of its client: it has a module of its
# own, at the same version of BuildKit.
bin/buildkitd: internal/engine/daemon/go.mod internal/engine/daemon/go.sum
	cd internal/engine/daemon && CGO_ENABLED=0 go build -trimpath \
		-ldflags '-s -w -X github.com/moby/buildkit/version.Version=$(BUILDKIT)' \
		-o $(CURDIR)/$@ github.com/moby/buildkit/cmd/buildkitd

# As many packages at a time as there are processors, the longest first. No result
# is taken from Go's cache, which does not know what the tests on an engine depend
# on.
test: tools build
	go test -count=1 -timeout 40m ./integration/images ./integration/... ./...

# The tests on an engine, with those that make test leaves out for their length.
test-long: tools build
	MEDBUILD_TEST_LONG=1 go test -count=1 -timeout 90m ./integration/...

quickstart: tools build
	examples/quickstart/run.sh

lint: lint-go lint-shell lint-files lint-vulnerabilities

lint-go:
	go run $(LINT) run ./...
	for system in darwin windows; do GOOS=$$system go build -o /dev/null ./cmd/medbuild || exit; done
	cd internal/lint && go run $(LINT) run ./...
	gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go') | (! grep .)

# Installs shellcheck where it is missing.
lint-shell:
	internal/lint/shell.sh

# Workflows, issue forms and the like. They lie outside of the tests' module, so
# that a result that is kept says nothing.
lint-files: lint-shell
	cd internal/lint && go test -count=1 ./...

# Needs the database of vulnerabilities, and says so where it cannot be reached.
lint-vulnerabilities:
	internal/lint/vulnerabilities.sh $(VULN)

golden:
	go test ./stages/... ./internal/assemble ./internal/base ./internal/config ./internal/osparc ./cmd/medbuild -update

# Every fuzz target there is, one after the other, each for FUZZTIME. Without its
# own limit, one input is made smaller for as long as all the rest takes.
FUZZTIME ?= 60s
FUZZ := go test -run '^$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $(FUZZFLAGS)
fuzz:
	@git grep -oE '^func Fuzz[A-Za-z0-9]+' -- '*_test.go' | sed -E 's|^(.*)/[^/]*:func (.*)|\2 ./\1|' | \
	while read -r target package; do \
		echo "$$target $$package"; \
		$(FUZZ) -fuzz "^$$target$$" "$$package" </dev/null || exit 1; \
	done

# Large sources have 64 MB each; MEDBUILD_BENCH_BYTES=10G has them as large as
# FreeSurfer is. They are made while they are sent.
bench: build
	go test -p 1 -timeout 80m -run '^$$' -bench . -benchtime 1x ./...

# What the machine lacks: runc and git for the engine, mmdebstrap for the base.
tools:
	@integration/tools.sh

# What a release has, made here in dist and not published.
snapshot:
	BUILDKIT=$(BUILDKIT) go run $(RELEASER) release --snapshot --clean

# Publishes what a tag names, with its section of the changelog; the release
# workflow runs it.
release:
	mkdir -p out
	awk -v tag="$$(git describe --exact-match --tags)" \
		'/^## / { ours = index($$2, "[" substr(tag, 2) "]"); next } ours' CHANGELOG.md >out/notes.md
	grep -q . out/notes.md
	BUILDKIT=$(BUILDKIT) go run $(RELEASER) release --clean --release-notes out/notes.md

clean:
	rm -rf bin dist out
