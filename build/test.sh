#!/bin/sh
# Runs every test, on a fresh Debian: it installs what is missing (Debian packages as root,
# npm packages without their scripts) and needs only Go beforehand. Prints one line a part, and what failed in full.
#
# Two cores are kept busy: while one lane compiles, another waits for the network, a disk, a server or a browser. A part prints
# when it has ended, so that no two mix.
set -u
cd "$(dirname "$0")/.."
out=.out/test
rm -rf "$out"
mkdir -p "$out"
# Without paths everything is compiled as a release is, and so only once.
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="$(GOTOOLCHAIN=local go env GOFLAGS) -trimpath" STELE_TOOLS="$PWD/.out/tools" STELE_SHARED="$PWD/$out/shared"

# What tests write lies in memory where there is plenty: they kill processes, not machines, so that a disk that syncs shows nothing more, and
# build/registry, which syncs most, takes about half as long.
if [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print int($4 / 1048576) }')" -ge 8 ] 2>/dev/null &&
	[ "$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)" -ge 12 ] && memory=$(mktemp -d /dev/shm/stele.XXXXXX); then
	export TMPDIR="$memory"
	trap 'rm -rf "$memory"' EXIT
	trap 'exit 1' HUP INT TERM
fi

# part NAME COMMAND…: one part of the tests.
part() {
	name=$1; shift
	log=$(mktemp "$out/log.XXXXXX")
	began=$(date +%s)
	said=FAILED
	"$@" >"$log" 2>&1 && said=ok
	{
		flock 9
		printf '%-7s %s (%s s)\n' "$said" "$name" $(($(date +%s) - began)) | tee -a "$out/parts"
		[ "$said" = ok ] || tail -n 200 "$log" | sed 's/^/        /'
	} 9>"$out/lock"
	[ "$said" = ok ]
}

install_debian() {
	missing=
	PATH=$PATH:/usr/sbin
	for pair in chromium:chromium chromium-headless-shell:chromium-headless-shell brotli:brotli node:nodejs npm:npm git:git openssl:openssl mariadbd:mariadb-server-core my_print_defaults:mariadb-client-core softhsm2-util:softhsm2 cc:gcc \
		ssh-agent:openssh-client sqlite3:sqlite3 firefox-esr:firefox-esr WebKitWebDriver:webkit2gtk-driver Xvfb:xvfb; do
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
	others_tool github.com/a-h/templ/cmd/templ && "$STELE_TOOLS/templ" generate -path "$out/site" >/dev/null || return 1
	for f in $(cd site && find . -name '*_templ.go'); do
		# templ writes the path it was given into its comments.
		sed "s,$out/,,g" "$out/site/$f" | cmp - "site/$f" || return 1
	done
}

# With -vet=all a test compiles once what "go vet" and "go test" would each; what has no tests is vetted too. Packed as the page's program is.
wasm_js() { GOOS=js GOARCH=wasm go test -vet=all -short -exec "$PWD/build/verifier/pack/packed_exec" "$@"; }
# What takes longest is left to the runs natively and in Node, where the same code takes a fifth of the time.
wasm_wasip1() { GOOS=wasip1 GOARCH=wasm go test -short -skip '^(FuzzCheck|TestReportJSON|TestWay)$' -exec "$PWD/build/vectors/wasip1_exec" "$@"; }

in_browser() { node --test --test-reporter=spec "site/e2e/$1.test.mjs"; }

# Those that take longest come first. Two files at a time: each waits for processes, timers and disks too. STELE_WITHOUT names files that are left out.
browser_tests() {
	{
		printf '%s\n' edgegate engines together page access viewer embed drawn many epochs health links edge
		for f in site/e2e/*.test.mjs; do basename "$f" .test.mjs; done
	} | awk -v without=" ${STELE_WITHOUT:-} " '!seen[$0]++ && !index(without, " " $0 " ")' >"$out/queue"
	exec 3<"$out/queue" # both take from the same list
	take <&3 &
	take <&3
	wait $!
}

take() { while read -r name; do part "in browsers: $name" in_browser "$name" </dev/null; done; }

# What many of the browser tests begin with: the command, as a release, which compiles nothing to publish; and a demonstration that it has made.
shared() {
	mkdir -p "$STELE_SHARED" && go run ./build release -tags=cheap_passphrases -o "$STELE_SHARED/stele" &&
		XDG_CACHE_HOME="$STELE_SHARED/cache" "$STELE_SHARED/stele" demo --dir "$STELE_SHARED/demo" --once
}

# The tools of others are compiled without optimisation: they serve a few requests, and take longer to compile than everything of ours. What the
# browsers wait for comes first.
others_tool() { GOBIN="$STELE_TOOLS" nice -n 10 go install -gcflags='all=-N -l' -ldflags='-s -w' "$1"; }

# An S3 server for the tests of a registry that lies in a bucket: a Go module, not one of ours.
s3_server() { others_tool github.com/versity/versitygw/cmd/versitygw@v1.8.0; }

# A witness that is not one of ours, for the tests of our client; its list of logs is written with sqlite3.
other_witness() { others_tool filippo.io/torchwood/cmd/litewitness@v0.9.0; }

npm_packages() { npm ci --prefix site/e2e --ignore-scripts --no-audit --no-fund; }

tools() {
	part "another witness" other_witness
	part "S3 server" s3_server
}

go_tests() {
	part "templates are fresh" templates
	# Most tests wait for the disk, or for servers of their own, more than they compute.
	part "go vet and Go tests" go test -vet=all -timeout 19m -parallel 4 ./...
	part "vectors and proofs, js/wasm in Node" wasm_js ./proofs
	part "the verifier, hashes and signatures, js/wasm in Node" wasm_js ./wasm/...
	part "the edge's witness, js/wasm in Node" wasm_js ./site/edge/witness ./proofs/signer
	part "vectors and proofs, wasip1" wasm_wasip1 ./proofs
	# What the page hashes and verifies with, where the vectors of others are at hand too.
	part "proofs as in the page" go test -tags=page ./proofs
}

# What is installed comes over the network, and what is compiled meanwhile needs nothing of it.
tools &
tools=$!
part "the command and a demonstration" shared &
shared=$!
part "Debian packages" install_debian
part "npm packages" npm_packages
part "gofmt" formatted
wait $tools
go_tests &
testing=$!
wait $shared
browser_tests
wait $testing
failed=$(grep -c ^FAILED "$out/parts")
echo "$(grep -c ^ok "$out/parts") passed, $failed failed"
[ "$failed" -eq 0 ]
