#!/bin/sh
# Everything a person does with this tree. ./do help lists it; CONTRIBUTING.md explains it.
#
# It needs Go and git. What else is missing (PostgreSQL, Chromium, certificates) it
# installs with the system's package manager, after saying what and why. It asks
# nothing, may be repeated, and may run twice at once.
set -eu
unset CDPATH GREP_OPTIONS
LC_ALL=C.UTF-8
GOWORK=off    # a go.work further up is about somebody else's modules
CGO_ENABLED=0 # no C compiler needed, and every command shares what is compiled
export LC_ALL GOWORK CGO_ENABLED

here=$PWD
root=$(cd -- "$(dirname -- "$0")" && pwd -P)
cache=$root/.cache

say() { printf '%s\n' "$*"; }
fail() {
	printf 'do: %s\n' "$*" >&2
	exit 1
}
now() { date +%s; }
have() { command -v "$1" >/dev/null 2>&1; }

help() {
	cat <<'END'
usage: ./do COMMAND [ARGUMENTS]

  run     start cofounder; arguments go to "cofounder serve"
  test    is generated code current, then all tests, then a kill at each fault point;
          arguments go to "go test", and then only what they name is run
  check   everything that can be said without running the tests
  fmt     format all code and write generated code again
  bench   measure what docs/PROOFS.md claims: ./do bench [p12 …]
  e2e     the whole program in a real browser; arguments go to "go test"
  help    this page

Needed: Go (the version in go.mod, or 1.21 and newer, which fetches it) and git.
run, test, bench and e2e install PostgreSQL and Chromium where they are missing.
END
}

# --- Go ---------------------------------------------------------------------

need_go() {
	have go || PATH=$PATH:/usr/local/go/bin:/usr/lib/go/bin
	have go || fail "Go is not installed. Get it from https://go.dev/dl/ (or your package manager, 1.21 or newer), then run this again."
	export PATH
	want=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' "$root/go.mod")
	got=$(cd / && GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -n 's/^go\([0-9]*\.[0-9]*\).*/\1/p')
	[ -n "$got" ] || fail "This Go does not say its version ($(command -v go)). Get $want or newer from https://go.dev/dl/."
	minor=${got#*.}
	[ "$minor" -ge "${want#*.}" ] && return
	[ "$minor" -ge 21 ] || fail "Go $got is too old: $want or newer is needed. Get it from https://go.dev/dl/."
	case $(cd / && go env GOTOOLCHAIN) in
	local*) fail "Go $got is here, $want is needed, and GOTOOLCHAIN=local forbids fetching it. Run this with GOTOOLCHAIN=auto, or get Go from https://go.dev/dl/." ;;
	*) say "Go $got is here and fetches Go $want for this project." ;;
	esac
}

# build OUTPUT PACKAGE: compiles without a word about modules being fetched.
build() {
	mkdir -p "$cache/bin"
	stamp=
	git -C "$root" rev-parse HEAD >/dev/null 2>&1 || stamp=-buildvcs=false # not a clone, or somebody else's
	# shellcheck disable=SC2086 # an empty stamp is no argument
	if ! go build -C "$root" $stamp -o "$1" "$2" 2>"$1.log"; then
		grep -v '^go: downloading' "$1.log" >&2 || :
		explain_go "$1.log"
	fi
}

# modules: fetches what the packages named need, tests included, so that a missing
# network is one line here and not a hundred later. What does not compile is said by
# whoever compiles it.
modules() {
	mkdir -p "$cache"
	go -C "$root" list -deps -test "$@" >/dev/null 2>"$cache/modules.log" || ! offline "$cache/modules.log" ||
		explain_go "$cache/modules.log"
}

offline() { grep -qE 'dial tcp|no such host|i/o timeout|connection re|TLS handshake|x509|proxyconnect' "$1"; }

# explain_go LOG: ends with one line that says what a failed build needs.
explain_go() {
	if offline "$1"; then
		fail "Go modules could not be fetched: check the network (or GOPROXY), then run this again."
	fi
	if grep -q 'no space left' "$1"; then
		fail "The disk is full: $(go env GOCACHE) needs about 1 GB."
	fi
	fail "That does not compile; the lines above say why."
}

tool() { go -C "$root" tool -modfile="$root/tools/go.mod" "$@"; }

# --- packages of the system --------------------------------------------------

system() {
	case $(uname -s) in
	Linux) if have apt-get && have dpkg; then echo debian; else echo linux; fi ;;
	Darwin) echo macos ;;
	*) echo other ;;
	esac
}

name_of_system() {
	if [ -r /etc/os-release ]; then
		# shellcheck source=/dev/null
		(. /etc/os-release && printf '%s' "${PRETTY_NAME:-${NAME:-this Linux}}")
	else
		uname -s
	fi
}

find_postgres() {
	# The program looks in the same places (internal/platform/db/private/places_*.go).
	for dir in /usr/lib/postgresql/*/bin /usr/lib/postgresql*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* \
		/usr/local/pgsql*/bin /opt/postgresql*/bin /home/linuxbrew/.linuxbrew/opt/postgresql@*/bin \
		/opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
		/Applications/Postgres.app/Contents/Versions/*/bin; do
		[ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && return
	done
	have postgres && have initdb
}

find_chromium() {
	for name in chromium chromium-browser google-chrome google-chrome-stable chrome headless_shell headless-shell; do
		have "$name" && return
	done
	[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] ||
		[ -x /Applications/Chromium.app/Contents/MacOS/Chromium ]
}

# as_root COMMAND …: the sudo of whoever has one.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -- "$@"; fi
}

# may_root PACKAGE: ends with what to do for a person who cannot become root.
may_root() {
	[ "$(id -u)" -eq 0 ] && return
	have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; } && return
	more=$1
	[ "$1" = postgresql ] || find_postgres || more="$more postgresql"
	[ "$1" = chromium ] || find_chromium || more="$more chromium"
	fail "$1 is missing and installing it needs root: run \"apt-get install $more\" as root (or get sudo), then run this again."
}

can_install() { apt-cache show --no-all-versions "$1" 2>/dev/null | grep -q '^Filename:'; }

# size_of PACKAGE: what has to be fetched, for a sentence.
size_of() {
	apt-get install -y -qq --no-install-recommends --print-uris "$1" 2>/dev/null |
		awk '$3 ~ /^[0-9]+$/ { n += $3 } END { if (n > 0) printf " %.0f MB.", n / 1e6 + 0.5 }'
}

# apt_lists PACKAGE: makes sure that this machine knows what can be installed.
apt_lists() {
	can_install "$1" && return
	may_root "$1"
	say "Fetching the list of packages of $(name_of_system)."
	as_root "$root/do" _apt update >"$cache/apt.log" 2>&1 || explain_apt "$cache/apt.log" "$1"
	can_install "$1" || ! cut_off "$cache/apt.log" || explain_apt "$cache/apt.log" "$1"
}

# apt_install PACKAGE WHY: in the foreground.
apt_install() {
	mkdir -p "$cache"
	may_root "$1"
	apt_lists "$1"
	can_install "$1" || fail "$(name_of_system) has no package $1. Install it by hand, then run this again."
	say "Installing $1: $2$(size_of "$1")"
	as_root "$root/do" _apt install "$1" >"$cache/apt.log" 2>&1 || explain_apt "$cache/apt.log" "$1"
}

cut_off() { grep -qE 'Temporary failure|Could not (resolve|connect)|Unable to connect|Failed to fetch|unreachable|timed out' "$1"; }

# explain_apt LOG PACKAGE: ends with one line for a failed installation.
explain_apt() {
	if cut_off "$1"; then
		fail "$2 could not be fetched: check the network, then run this again. ($1)"
	fi
	if grep -qE 'No space left|enough free space' "$1"; then
		fail "$2 does not fit: the disk is full. ($1)"
	fi
	if grep -qE 'password is required|not in the sudoers|incorrect password' "$1"; then
		fail "$2 is missing and sudo refused: run \"apt-get install $2\" as root, then run this again."
	fi
	fail "$2 could not be installed; $1 says why: $(tail -n 1 "$1")"
}

# The rest of apt runs as root in a process of its own: ./do _apt update|install.
# One at a time: apt waits for dpkg's lock by itself, but not for the lists'.
apt_as_root() {
	if [ "${COFOUNDER_APT_LOCKED:-}" != yes ]; then
		COFOUNDER_APT_LOCKED=yes exec flock -o /run/cofounder-apt.lock "$root/do" _apt "$@"
	fi
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	case $1 in
	update) apt_update ;;
	install)
		# A list that is too old names files that are gone: fetch it and try once more.
		apt_get "$2" || { apt_update && apt_get "$2"; }
		;;
	esac
}

apt_update() {
	tries=0
	until apt-get -q update -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 2>&1 |
		tee /dev/stderr | awk '/Could not get lock/ { locked = 1 } END { exit locked }'; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || return 1
		sleep 5
	done
}

apt_get() {
	if [ "$1" = postgresql ]; then apt_get_postgres; else apt_get_one "$1"; fi
}

apt_get_one() {
	apt-get -y -q install --no-install-recommends -o DPkg::Lock::Timeout=900 -o Acquire::Retries=2 "$1"
}

# Debian's server package makes a cluster of its own and starts it. We want only the
# programs: cofounder starts a private server in its data folder. So the package is
# told not to, and its configuration is put back as it was.
apt_get_postgres() {
	conf=/etc/postgresql-common/createcluster.conf
	apt_get_one postgresql-common || return
	cp -p "$conf" "$conf.cofounder" || return
	trap 'mv -f "$conf.cofounder" "$conf"' EXIT
	trap 'exit 1' HUP INT TERM
	sed -i '/^[[:space:]]*create_main_cluster/d' "$conf" && echo 'create_main_cluster = false' >>"$conf" || return
	apt_get_one postgresql
}

need_certificates() {
	[ "$(system)" = debian ] || return 0
	[ -z "${SSL_CERT_FILE:-}" ] && [ -z "${SSL_CERT_DIR:-}" ] || return 0
	[ -s /etc/ssl/certs/ca-certificates.crt ] ||
		apt_install ca-certificates "Go fetches its modules over HTTPS and needs to know whom to trust."
}

need_postgres() {
	find_postgres && return
	why="it keeps your projects."
	case $(system) in
	debian) apt_install postgresql "$why" ;;
	macos)
		have brew || fail "PostgreSQL is missing: install it from https://postgresapp.com or with https://brew.sh, then run this again."
		say "Installing postgresql@17 with Homebrew: $why"
		mkdir -p "$cache"
		HOMEBREW_NO_AUTO_UPDATE=1 brew install -q postgresql@17 >"$cache/brew.log" 2>&1 ||
			fail "Homebrew could not install PostgreSQL; $cache/brew.log says why: $(tail -n 1 "$cache/brew.log")"
		;;
	*) fail "PostgreSQL is missing and this is neither Debian, Ubuntu nor macOS: install its server with your package manager, then run this again." ;;
	esac
	find_postgres || fail "PostgreSQL was installed, but its server is nowhere to be found."
}

no_chromium() {
	say "Chromium is missing: $1 Everything but pictures and browser tests works."
}

# chromium_package: the package that is the browser. Ubuntu's is only a door to snap.
chromium_package() {
	for p in chromium chromium-browser; do
		case $(apt-cache show --no-all-versions "$p" 2>/dev/null) in
		*snap*) ;;
		*Filename:*) echo "$p" && return ;;
		esac
	done
	return 1
}

# need_chromium WHY: in the foreground, or not at all.
need_chromium() {
	find_chromium && return
	case $(system) in
	debian)
		package=$(chromium_package) || apt_lists chromium
		if package=$(chromium_package); then
			apt_install "$package" "$1"
		elif have snap; then
			may_root chromium
			say "Installing chromium as a snap: $1"
			as_root snap install chromium >"$cache/snap.log" 2>&1 ||
				fail "Chromium could not be installed; $cache/snap.log says why: $(tail -n 1 "$cache/snap.log")"
			PATH=$PATH:/snap/bin
			export PATH
		fi
		;;
	macos)
		have brew || fail "Chrome is missing: get it from https://www.google.com/chrome/, then run this again."
		say "Installing google-chrome with Homebrew: $1"
		mkdir -p "$cache"
		HOMEBREW_NO_AUTO_UPDATE=1 brew install -q --cask google-chrome >"$cache/brew.log" 2>&1 ||
			fail "Homebrew could not install Chrome; $cache/brew.log says why: $(tail -n 1 "$cache/brew.log")"
		;;
	esac
	find_chromium || fail "Chromium is missing and $(name_of_system) has no package of it: install Chromium or Google Chrome by hand, then run this again."
}

# later_chromium WHY: in the background; nothing waits for it and Ctrl-C does not
# reach it, since a half-installed package is worse than a late one.
later_chromium() {
	find_chromium && return
	case $(system) in
	debian) ;;
	macos) no_chromium "get Chrome from https://www.google.com/chrome/." && return ;;
	*) no_chromium "install Chromium with your package manager." && return ;;
	esac
	if ! package=$(chromium_package); then
		no_chromium "install Chromium or Google Chrome by hand."
	elif [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
		no_chromium "run \"apt-get install $package\" as root."
	else
		log=$cache/chromium.log
		mkdir -p "$cache"
		as_root setsid -f "$root/do" _apt install "$package" >"$log" 2>&1 </dev/null
		say "Installing $package in the background: $1$(size_of "$package") See $log"
	fi
}

# --- commands ----------------------------------------------------------------

run() {
	[ "$(system)" != macos ] || say "On macOS everything works except running the code of built apps: that needs Linux."
	need_go
	need_certificates
	[ -n "${DATABASE_URL:-}" ] || need_postgres
	later_chromium "it takes pictures of what was built and tries it out."
	first=
	[ -x "$cache/bin/cofounder" ] || first=yes
	[ -z "$first" ] || say "Compiling cofounder: a minute or two the first time."
	begun=$(now)
	build "$cache/bin/cofounder" ./cmd/cofounder
	[ -z "$first" ] || say "Compiled in $(($(now) - begun)) s."
	cd "$here"
	exec "$cache/bin/cofounder" serve "$@"
}

# stage NAME COMMAND …: runs it, says how long it took, remembers whether it failed.
failed=
stage() {
	title=$1
	shift
	say "--- $title"
	begun=$(now)
	if "$@"; then verdict=ok; else
		verdict=FAILED
		failed="$failed $title"
	fi
	say "--- $title: $verdict, $(($(now) - begun)) s"
}

finish() {
	[ -z "$failed" ] || fail "failed:$failed"
}

# generated: the Go that templ would write now is the Go that is committed. It is
# written into a copy, so that a look changes nothing.
generated() {
	copy=$(mktemp -d)
	# shellcheck disable=SC2064 # this copy, not a later one
	trap "rm -rf '$copy'" EXIT
	(
		cd "$root"
		git ls-files -z -co --exclude-standard -- '*.templ' '*_templ.go' go.mod |
			xargs -0 tar -cf - -- | tar -xf - -C "$copy"
	)
	templ=$(tool -n templ) || return
	(cd "$copy" && "$templ" generate -log-level error) || return
	wrong=
	(cd "$copy" && find . -name '*_templ.go') >"$copy/list"
	while IFS= read -r file; do
		if ! cmp -s "$copy/$file" "$root/$file" || [ ! -e "$copy/${file%_templ.go}.templ" ]; then
			say "${file#./} is not what templ writes from ${file%_templ.go}.templ"
			wrong=yes
		fi
	done <"$copy/list"
	rm -rf "$copy"
	[ -z "$wrong" ] || {
		say "Run ./do fmt."
		return 1
	}
}

tests() {
	cd "$root"
	for arg in "$@"; do
		if [ "$arg" = -race ]; then
			have "${CC:-gcc}" || fail "-race needs a C compiler: install gcc, then run this again."
			CGO_ENABLED=1
		fi
	done
	for arg in "$@"; do
		case $arg in
		./* | cofounder/* | ... | all)
			go test "$@"
			return
			;;
		esac
	done
	go test "$@" ./...
}

# fault_files: the tests that only a build with the tag fault has. They kill the program
# at each of its fault points.
fault_files() { grep -rl --include='*_test.go' '^//go:build fault$' cmd internal bench e2e; }

fault_packages() { fault_files | sed 's|^|./|; s|/[^/]*$||' | sort -u; }

faults() {
	cd "$root"
	names=$(fault_files | xargs sed -n 's/^func \(Test[A-Za-z0-9_]*\)(.*/\1/p' | sort -u | paste -sd '|' -)
	[ -n "$names" ] || return
	# shellcheck disable=SC2046 # one argument each
	go test -tags fault -run "^($names)\$" $(fault_packages)
}

test_all() {
	need_go
	need_certificates
	need_postgres
	need_chromium "the browser tests drive it."
	modules ./...
	stage "generated code" generated
	stage tests tests "$@"
	[ $# -gt 0 ] || stage "fault points" faults
	finish
}

shell_scripts() {
	if have shellcheck; then
		(cd "$root" && shellcheck ./do .ci/run infra/ci/first-run)
	else
		say "shellcheck is not installed: left out here, not in continuous integration"
	fi
}

vet() { go -C "$root" vet ./...; }
vet_faults() {
	cd "$root"
	# shellcheck disable=SC2046 # one argument each
	go vet -tags fault ./internal/base/faultpoint/... $(fault_packages)
}
vet_macos() { GOOS=darwin GOARCH=arm64 go -C "$root" vet ./cmd/...; }
tidy() { go -C "$root" mod tidy -diff; }
lint() { (cd "$root" && tool golangci-lint run --allow-parallel-runners ./...); }
# actionlint has a module of its own: its YAML library is not golangci-lint's.
workflows() { (cd "$root" && go tool -modfile=tools/actionlint/go.mod actionlint && go test ./infra/...); }
floors() { (cd "$root" && go test ./internal/importtest/); }

check() {
	[ $# -eq 0 ] || fail "check takes no arguments."
	need_go
	need_certificates
	modules ./...
	stage "go.mod" tidy
	stage "generated code" generated
	stage vet vet
	stage "vet for macOS" vet_macos
	stage "vet of fault points" vet_faults
	stage floors floors
	stage workflows workflows
	stage "shell scripts" shell_scripts
	stage lint lint
	finish
}

format() {
	need_go
	need_certificates
	cd "$root"
	tool templ fmt -log-level error .
	tool templ generate -log-level error
	tool golangci-lint fmt
}

bench() {
	need_go
	need_certificates
	need_postgres
	need_chromium "some measurements look at real pages."
	build "$cache/bin/bench" ./bench
	cd "$root"
	exec "$cache/bin/bench" "$@"
}

e2e() {
	need_go
	need_certificates
	need_postgres
	need_chromium "it is the browser of these tests."
	modules ./e2e/...
	cd "$root"
	exec go test -v -count=1 "$@" ./e2e/...
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
run) run "$@" ;;
test) test_all "$@" ;;
check) check "$@" ;;
fmt) format ;;
bench) bench "$@" ;;
e2e) e2e "$@" ;;
help | -h | --help) help ;;
_apt) apt_as_root "$@" ;;
*)
	help >&2
	fail "there is no command \"$command\"."
	;;
esac
