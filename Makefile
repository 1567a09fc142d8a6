# make run needs only Go. See README.md.

.PHONY: help run test race test-redis e2e check imports bench fuzz proof package screenshots

help:
	@echo 'make run          serve on 127.0.0.1:8080 (ARGS="-h" explains the flags)'
	@echo 'make test         run all tests in random order, where it matters with the race detector'
	@echo 'make race         test the rest with the race detector'
	@echo 'make test-redis   test redisstore on another server (REDIS_SERVER=/path/to/redis-server)'
	@echo 'make e2e          test the page in a browser (needs chromium, firefox-esr and npm)'
	@echo 'make check        check formatting, vet, staticcheck, go.mod and imports'
	@echo 'make bench        measure what the README promises (ROWS="lock" measures a part)'
	@echo 'make proof        show that no seat is sold twice despite failures (ARGS="-h" explains the flags)'
	@echo 'make package      make the zips of the Lambda functions in dist (ARGS="-h" explains the flags)'
	@echo 'make screenshots  make the pictures of the README'
	@echo 'make fuzz         fuzz requests and event files (FUZZTIME=1m each)'

# Not "go run", which reports every Ctrl-C as an error.
run:
	@go build -o bin/seatlock ./local
	@exec bin/seatlock $(ARGS)

# Without a C compiler there is no race detector.
RACE = $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && command -v $$(go env CC) >/dev/null && echo -race)
# A test that is skipped because a program is missing adds a line to this file.
SKIPPED = bin/skipped
GOTEST = SKIPPED=$(CURDIR)/$(SKIPPED) go test -shuffle=on
# Packages that have no goroutines, that test programs in processes of their own, or whose
# code runs under the race detector in the tests of other packages. With the detector
# they take several times as long, so only make race runs them under it.
PLAIN = deploy/[a-z]+|functions|functions/booking/apitest|functions/payment(/.*)?|functions/venue(/.*)?|local/tools/.*|lockstore/storetest|lockstore/(pgstore|redisstore)(/.*)?
SERVERS = redistest|pgtest
TESTS = go list -f '{{.ImportPath}} {{.TestImports}}{{.XTestImports}}' ./... | grep -v '^seatlock/local/tools/e2e '
RACED = $(TESTS) | grep -vE '^seatlock/($(PLAIN)) '
UNRACED = $(TESTS) | grep -E '^seatlock/($(PLAIN)) '
ALONE = grep -E '$(SERVERS)' | cut -d' ' -f1
TOGETHER = grep -vE '$(SERVERS)' | cut -d' ' -f1

# Packages whose tests start servers are tested one at a time, because a server
# must answer in time. They are compiled first, in parallel.
test:
	@test -n "$(RACE)" || { echo 'make test: there is no C compiler, so races are NOT detected (in CI this fails)' >&2; test -z "$$CI"; }
	@mkdir -p bin; rm -f $(SKIPPED)
	go list $(RACE) -export -test $$($(RACED) | cut -d' ' -f1) >/dev/null
	go list -export -test $$($(UNRACED) | cut -d' ' -f1) >/dev/null
	$(GOTEST) $(RACE) -p 2 $$($(RACED) | $(TOGETHER))
	$(GOTEST) -p 2 $$($(UNRACED) | $(TOGETHER))
	$(GOTEST) $(RACE) -p 1 -parallel 4 $$($(RACED) | $(ALONE))
	$(GOTEST) -p 1 -parallel 4 $$($(UNRACED) | $(ALONE))
	@test ! -s $(SKIPPED) || { echo 'make test: SKIPPED, with the number of tests:' >&2; sort $(SKIPPED) | uniq -c >&2; }

race:
	go test -race -shuffle=on -p 1 -parallel 4 -timeout 30m $$($(UNRACED) | cut -d' ' -f1)

# REDIS_SERVER is a path, or a program in PATH. RUN selects tests by name. make test
# looks for races.
test-redis: RUN = .
test-redis: export REDIS_SERVER := $(if $(findstring /,$(REDIS_SERVER)),$(abspath $(REDIS_SERVER)),$(REDIS_SERVER))
test-redis:
	@test -n "$$REDIS_SERVER" || { echo 'make test-redis: REDIS_SERVER must name a server' >&2; exit 1; }
	@"$$REDIS_SERVER" --version
	go test -shuffle=on -count=1 -p 1 -parallel 4 -run '$(RUN)' ./lockstore/redisstore/...

# -v shows what the tests measure. The race detector is off because the program runs in
# a process of its own.
e2e: local/tools/e2e/node_modules
	go test -count=1 -parallel 3 -timeout 20m -v ./local/tools/e2e

local/tools/e2e/node_modules: local/tools/e2e/package-lock.json
	npm --prefix local/tools/e2e ci --ignore-scripts --no-audit --no-fund
	@touch $@

screenshots:
	E2E_SCREENSHOTS=$(CURDIR)/local/web/screenshots go test -count=1 -run TestScreenshots ./local/tools/e2e

check: imports
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go vet -tags postgres ./functions/...
	go tool staticcheck -tests=false ./...
	go mod tidy -diff
	go vet -C local/tools/e2e/issuer .
	go mod tidy -C local/tools/e2e/issuer -diff
	@# only faults.Need may skip a test, since it is loud and fails in CI
	@! grep -rnE '\.Skip(f|Now)?\(' --include='*.go' . | grep -v '^./lockstore/storetest/faults/need.go:'

# The import rules, one per line. A broken rule prints the offending imports.
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
	@# stores: imported only by the mains, boot and the tools that start one
	@! go list -f '{{.ImportPath}} {{.Imports}}' ./functions/... ./local/... ./deploy/... | grep -E 'lockstore/($(subst $() ,|,$(STORES)))[] ]' | grep -vE '^seatlock/(local|local/tools/[a-z]+|functions/internal/boot) '
	@# problem: no package of this module
	@! $(DEPS) ./functions/problem | $(OURS) | grep -vx seatlock/functions/problem
	@# venue and seatlist: no HTTP
	@! $(DEPS) ./functions/venue/... ./functions/seatlist | grep -x net/http
	@# best: no HTTP and no store
	@! $(DEPS) ./functions/venue/best | $(OURS) | grep -vE '^seatlock/(lockstore|functions/venue(|/best))$$'
	@# booking: only these packages, and none of them imports booking
	@! go list -f '{{join .Imports "\n"}}' ./functions/booking | $(OURS) | grep -vE '^seatlock/(lockstore|functions/(access|payment|venue|venue/best|seatlist|sheet|static|telemetry|problem))$$'
	@! $(DEPS) ./functions/access/... ./functions/seatlist ./functions/venue ./functions/telemetry/... ./functions/settings | grep -x seatlock/functions/booking
	@# payment: lockstore and its own packages, no store and no provider
	@! $(DEPS) ./functions/payment ./functions/payment/till | $(OURS) | grep -vE '^seatlock/(lockstore|functions/payment(/till)?)$$'
	@! $(DEPS) ./functions/payment ./functions/booking | grep -E '^seatlock/functions/payment/'
	@# settings: no store, no HTTP, no Lambda
	@! $(DEPS) ./functions/settings | grep -E '^(net/http|github.com/|seatlock/lockstore/)'
	@# client: the standard library and lockstore
	@! $(DEPS) ./functions/client | grep -E '^[^/]*\.|^seatlock/' | grep -vxE 'seatlock/(lockstore|functions/client)'
	@# go-oidc: access/oidc alone
	@! go list -f '{{.ImportPath}} {{.Imports}}' ./... | grep go-oidc | grep -vE '^seatlock/functions/access/oidc(/issuertest)? '
	@# esbuild and the QR code: local/web alone
	@! go list -f '{{.ImportPath}} {{.Imports}}' ./... | grep -E 'evanw/esbuild|rsc.io/qr' | grep -v '^seatlock/local/web '
	@# stripe-go: payment/stripe alone
	@! go list -f '{{.ImportPath}} {{.Imports}}' ./... | grep stripe-go | grep -v '^seatlock/functions/payment/stripe '
	@# Lambda functions that take no payments: neither go-oidc nor stripe-go
	@for tag in redis postgres; do ! $(DEPS) -tags $$tag ./functions/lock ./functions/confirm ./functions/release ./functions/list ./functions/operate | grep -E 'go-oidc|stripe-go' || exit 1; done
	@# the Lambda function that takes them: no sign-in, and not the till
	@for tag in redis postgres; do ! $(DEPS) -tags $$tag ./functions/checkout | grep -E 'go-oidc|payment/till' || exit 1; done
	@# the fake of Stripe, and what it is compared with: tests and tools
	@! $(DEPS) ./local ./functions/internal/boot ./functions/payment/stripe | grep -E 'stripe/fake|stripe-mock|kin-openapi'

bench:
	go run ./local/tools/bench $(ROWS)

# Not "go run", which does not return the status of the program.
proof:
	@go build -o bin/proof ./local/tools/proof
	@exec bin/proof $(ARGS)

package:
	go run ./deploy/package $(ARGS)

FUZZTIME ?= 1m
fuzz:
	go test -run='^$$' -fuzz=FuzzRequest -fuzzminimizetime=1x -fuzztime=$(FUZZTIME) ./functions/booking
	go test -run='^$$' -fuzz=FuzzReadEvents -fuzzminimizetime=1x -fuzztime=$(FUZZTIME) ./functions/venue
	go test -run='^$$' -fuzz=FuzzImport -fuzzminimizetime=1x -fuzztime=$(FUZZTIME) ./functions/venue/importer
	go test -run='^$$' -fuzz=FuzzSameAsNetHTTP -fuzzminimizetime=1x -fuzztime=$(FUZZTIME) ./functions/internal/lambdahttp
