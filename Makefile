# make run needs nothing but Go. See README.md.

.PHONY: help run test e2e check imports bench fuzz proof package screenshots

help:
	@echo 'make run    serve on 127.0.0.1:8080 (ARGS="-h" explains the flags)'
	@echo 'make test   all tests, in random order, with the race detector where there is a C compiler'
	@echo 'make e2e    the page in a real browser (needs chromium and npm)'
	@echo 'make check  formatting, vet, staticcheck, tidy go.mod, what imports what'
	@echo 'make bench  measure what the README promises (ROWS="lock" for some of it)'
	@echo 'make proof  show that no seat is sold twice, whatever breaks (ARGS="-h" explains the flags)'
	@echo 'make package  the zips of the Lambda functions, in dist (ARGS="-events FILE" puts an event file in, "-store postgres" is for PostgreSQL)'
	@echo 'make screenshots  the pictures of the README'
	@echo 'make fuzz   look for requests and event files that break something (FUZZTIME=1m each)'

# Not "go run", which makes an error of every Ctrl-C.
run:
	@go build -o bin/seatlock ./local
	@exec bin/seatlock $(ARGS)

# Without a C compiler there is no race detector.
RACE = $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && command -v $$(go env CC) >/dev/null && echo -race)
# Tests that miss a program add a line to this file.
SKIPPED = bin/skipped
GOTEST = SKIPPED=$(CURDIR)/$(SKIPPED) go test $(RACE) -shuffle=on
TESTS = go list -f '{{.ImportPath}} {{.TestImports}}{{.XTestImports}}' ./... | grep -v '^seatlock/local/tools/e2e '
SERVERS = redistest|pgtest

# Packages whose tests start servers go one after the other: a server has to
# answer in time.
test:
	@test -n "$(RACE)" || { echo 'make test: there is no C compiler, so races are NOT detected (in CI this fails)' >&2; test -z "$$CI"; }
	@mkdir -p bin; rm -f $(SKIPPED)
	go list $(RACE) -export -test ./... >/dev/null
	$(GOTEST) -p 2 $$($(TESTS) | grep -Ev '$(SERVERS)' | cut -d' ' -f1)
	$(GOTEST) -p 1 -parallel 4 $$($(TESTS) | grep -E '$(SERVERS)' | cut -d' ' -f1)
	@test ! -s $(SKIPPED) || { echo 'make test: SKIPPED, with the number of tests:' >&2; sort $(SKIPPED) | uniq -c >&2; }

# -v: what it measures is worth reading. The race detector has nothing to look
# at here, since the program runs by itself.
e2e: local/tools/e2e/node_modules
	go test -count=1 -v ./local/tools/e2e

local/tools/e2e/node_modules: local/tools/e2e/package-lock.json
	npm --prefix local/tools/e2e ci --ignore-scripts --no-audit --no-fund
	@touch $@

screenshots:
	E2E_SCREENSHOTS=$(CURDIR)/local/web/screenshots go test -count=1 -run TestScreenshots ./local/tools/e2e

check: imports
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go vet -tags postgres ./functions/...
	go tool staticcheck ./...
	go mod tidy -diff

# What may import what, a rule a line. A rule that is broken prints the imports.
DEPS = go list -deps
OURS = grep '^seatlock/'
STORES = memstore boltstore redisstore pgstore
imports:
	@# lockstore: the standard library only
	@! $(DEPS) ./lockstore | grep -E '^[^/]*\.|^seatlock/' | grep -vx seatlock/lockstore
	@# a store: lockstore and its internals
	@for s in $(STORES); do ! $(DEPS) ./lockstore/$$s | $(OURS) | grep -vE "^seatlock/lockstore(|/$$s|/internal/.*)$$" || exit 1; done
	@# the suites: lockstore, no store
	@! $(DEPS) ./lockstore/storetest/... | grep -E '/($(subst $() ,|,$(STORES)))$$'
	@# a store is imported by the mains, boot and the tools that start one
	@! go list -f '{{.ImportPath}} {{.Imports}}' ./functions/... ./local/... ./deploy/... | grep -E 'lockstore/($(subst $() ,|,$(STORES)))[] ]' | grep -vE '^seatlock/(local|local/tools/[a-z]+|functions/internal/boot) '
	@# problem: nothing of ours
	@! $(DEPS) ./functions/problem | $(OURS) | grep -vx seatlock/functions/problem
	@# venue and seatlist: no HTTP
	@! $(DEPS) ./functions/venue ./functions/seatlist | grep -x net/http
	@# booking: these rooms and no other, and none of them booking
	@! go list -f '{{join .Imports "\n"}}' ./functions/booking | $(OURS) | grep -vE '^seatlock/(lockstore|functions/(access|payment|venue|seatlist|telemetry|problem))$$'
	@! $(DEPS) ./functions/access/... ./functions/seatlist ./functions/venue ./functions/telemetry/... ./functions/settings | grep -x seatlock/functions/booking
	@# settings: no store, no HTTP, no Lambda
	@! $(DEPS) ./functions/settings | grep -E '^(net/http|github.com/|seatlock/lockstore/)'
	@# client: the standard library and lockstore
	@! $(DEPS) ./functions/client | grep -E '^[^/]*\.|^seatlock/' | grep -vxE 'seatlock/(lockstore|functions/client)'
	@# go-oidc: access/oidc alone, and no Lambda function
	@! go list -f '{{.ImportPath}} {{.Imports}}' ./... | grep go-oidc | grep -vE '^seatlock/functions/access/oidc(/issuertest)? '
	@for tag in redis postgres; do ! $(DEPS) -tags $$tag ./functions/lock ./functions/confirm ./functions/release ./functions/list | grep go-oidc || exit 1; done

bench:
	go run ./local/tools/bench $(ROWS)

# As a program of its own, since "go run" does not pass on its status.
proof:
	@go build -o bin/proof ./local/tools/proof
	@exec bin/proof $(ARGS)

package:
	go run ./deploy/package $(ARGS)

FUZZTIME ?= 1m
fuzz:
	go test -run='^$$' -fuzz=FuzzRequest -fuzzminimizetime=1x -fuzztime=$(FUZZTIME) ./functions/booking
	go test -run='^$$' -fuzz=FuzzReadEvents -fuzzminimizetime=1x -fuzztime=$(FUZZTIME) ./functions/venue
	go test -run='^$$' -fuzz=FuzzSameAsNetHTTP -fuzzminimizetime=1x -fuzztime=$(FUZZTIME) ./functions/internal/lambdahttp
