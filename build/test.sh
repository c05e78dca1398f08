#!/bin/sh
# Runs every test, on a fresh Debian: it installs what is missing (Debian packages as root,
# npm packages without their scripts) and needs only Go beforehand. Prints one line a part, and what failed in full.
set -u
cd "$(dirname "$0")/.."
export GOTOOLCHAIN=local CGO_ENABLED=0 STELE_TOOLS="$PWD/.out/tools"
out=.out/test
mkdir -p "$out"
passed=0 failed=0

# part NAME COMMAND…: one part of the tests.
part() {
	name=$1; shift
	began=$(date +%s)
	if "$@" >"$out/log" 2>&1; then
		passed=$((passed + 1))
		echo "ok      $name ($(($(date +%s) - began)) s)"
	else
		failed=$((failed + 1))
		echo "FAILED  $name ($(($(date +%s) - began)) s)"
		tail -n 200 "$out/log" | sed 's/^/        /'
	fi
}

install_debian() {
	missing=
	PATH=$PATH:/usr/sbin
	for pair in chromium:chromium brotli:brotli node:nodejs npm:npm git:git openssl:openssl mariadbd:mariadb-server-core my_print_defaults:mariadb-client-core softhsm2-util:softhsm2 cc:gcc \
		ssh-agent:openssh-client sqlite3:sqlite3; do
		command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
	done
	[ -e /usr/include/stdlib.h ] || missing="$missing libc6-dev"
	[ -z "$missing" ] && return 0
	echo "installing$missing"
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing
}

formatted() { files=$(git ls-files '*.go' | grep -v '_templ\.go$' | xargs gofmt -l); [ -z "$files" ] || { echo "not gofmt'd: $files"; return 1; }; }

# The committed templates' code is what templ makes of them today. A copy is generated, so that the tree stays as it is.
templates() {
	rm -rf "$out/site" && cp -R site "$out/site" && rm -rf "$out/site/e2e"
	go tool templ generate -path "$out/site" >/dev/null || return 1
	for f in $(cd site && find . -name '*_templ.go'); do
		# templ writes the path it was given into its comments.
		sed "s,$out/,,g" "$out/site/$f" | cmp - "site/$f" || return 1
	done
}

# Packed as the page's program is.
wasm_js() { GOOS=js GOARCH=wasm go test -short -exec "$PWD/build/verifier/pack/packed_exec" "$@"; }
wasm_wasip1() { GOOS=wasip1 GOARCH=wasm go test -short -exec "$PWD/build/vectors/wasip1_exec" "$@"; }

# Two files at a time: they wait for processes, timers and disks more than they compute.
in_chromium() { node --test --test-concurrency=2 site/e2e/*.test.mjs; }

# An S3 server for the tests of a registry that lies in a bucket: a Go module, not one of ours.
s3_server() { GOBIN="$PWD/.out/tools" go install github.com/versity/versitygw/cmd/versitygw@v1.8.0; }

# A witness that is not one of ours, for the tests of our client; its list of logs is written with sqlite3.
other_witness() { GOBIN="$PWD/.out/tools" go install filippo.io/torchwood/cmd/litewitness@v0.9.0; }

npm_packages() { npm ci --prefix site/e2e --ignore-scripts --no-audit --no-fund; }

part "Debian packages" install_debian
part "npm packages" npm_packages
part "S3 server" s3_server
part "another witness" other_witness
part "gofmt" formatted
part "templates are fresh" templates
part "go vet" go vet ./...
part "go vet, js/wasm" env GOOS=js GOARCH=wasm go vet ./wasm/... ./proofs
# Most tests wait for the disk, or for servers of their own, more than they compute.
part "Go tests" go test -timeout 15m -parallel 4 ./...
part "vectors and proofs, js/wasm in Node" wasm_js ./proofs
part "vectors and proofs, wasip1" wasm_wasip1 ./proofs
# What the page hashes and verifies with, where the vectors of others are at hand too.
part "proofs as in the page" go test -tags=page ./proofs
part "vectors and proofs as in the page, wasip1" wasm_wasip1 -tags=page ./proofs
part "hashes and signatures, js/wasm in Node" wasm_js ./wasm/sha256 ./wasm/sha512 ./wasm/sha3 ./wasm/ed25519 ./wasm/mldsa44
part "the page in Chromium" in_chromium
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
