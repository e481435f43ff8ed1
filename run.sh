#!/usr/bin/env bash
# Parlour: one door to everything. Sets itself up in .venv beside this file the first time, and sets nothing elsewhere.
set -u

HERE=$(cd -- "$(dirname -- "$(readlink -f -- "$0" 2>/dev/null || printf '%s' "$0")")" && pwd -P) || exit 1
VENV=$HERE/.venv
DATA=${PARLOUR_DATA:-$HERE/var}
START_SECONDS=30 # for a server in the background to be ready; it takes one

usage() {
    cat <<'TEXT'
Parlour: chat for the terminal, on a server of your own.

  ./run.sh                 chat: starts a server in the background if none runs, and opens the client on it
                           (options: those of serve, for the server that it may start, and --lines --plain --back
                           --name NAME --room ROOM, for the client)
  ./run.sh serve           run the server here until Ctrl-C   (--host --port --data --config --set KEY=VALUE)
  ./run.sh stop            end the server                     (--data DIR)
  ./run.sh status          what runs, and where               (--data DIR)
  ./run.sh client …        the client                         (./run.sh client --help)
  ./run.sh admin rooms     every room, its process and load   (--data DIR --json --wide)
  ./run.sh admin room ROOM one room: why it ended, its last words, where its files are
  ./run.sh admin restart|stop|drain|start ROOM                (drain: --seconds N)
  ./run.sh admin upgrade   all processes to the code that is here now, while people chat
  ./run.sh admin limit ROOM KEY=VALUE…   memory_mib, files, core_mib, nice of its process; keep_days, keep_lines
  ./run.sh admin export ROOM [FILE]   all its lines, to standard output or a new file  (--format jsonl|text)
  ./run.sh admin import FILE ROOM     a new room from such a file  (--owner NAME)
  ./run.sh admin announce TEXT   say something to everybody who is here  (--room ROOM: to its members)
  ./run.sh admin audit     what admins and operator did: who, when, what, to whom  (--last N --json)
  ./run.sh admin rotate-keys     sign tickets and sessions with a new key; nobody notices
  ./run.sh admin user …    accounts: list, add, passwd, code, role, lock, unlock, delete, import  (./run.sh admin user --help)
  ./run.sh admin user edit the user db in your editor, checked  (--data DIR)
  ./run.sh admin mail NAME… --subject TEXT   standard input as a mail; 'everyone' is all accounts
  ./run.sh admin mailbox export|import NAME PATH   somebody's mail as mbox or Maildir (export: --format)
  ./run.sh bench [NAME…]   measure, and write a report to var/bench  (./run.sh bench --help)
  ./run.sh chaos           kill and break every kind of process under load, and check what was promised
  ./run.sh test            all checks and tests; further words go to pytest
  ./run.sh --help          this text

Exit codes of all of them: 0 done, 1 what was given is wrong (words, configuration, a file), 2 no server answers,
3 refused (chaos: a promise was broken); those of 'test' are pytest's.
State is kept in var/ beside the code, or in PARLOUR_DATA, or in --data DIR.
PYTHON=/path/to/python names the Python to set up with; it has to be 3.11 or newer.
TEXT
}

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

no_server() {
    say "$*"
    exit 2
}

# --- set-up

# The first Python that is new enough and can make virtual environments; says what is missing when there is none.
find_python() {
    local name path old="" bare=""
    for name in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3; do
        path=$(command -v -- "$name" 2>/dev/null) || continue
        if ! "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            old=$name
        elif ! "$path" -c 'import ensurepip, venv' 2>/dev/null; then
            bare=$name
        else
            printf '%s' "$path"
            return 0
        fi
    done
    if [ -n "$bare" ]; then
        say "$bare has no venv module, which Parlour is set up with. On Debian and Ubuntu: sudo apt install python3-venv"
    elif [ -n "$old" ]; then
        say "Parlour needs Python 3.11 or newer; $old is $("$old" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null || echo 'not a Python')." \
            "Install one, or name it: PYTHON=/path/to/python3.12 ./run.sh"
    else
        say "Parlour needs Python 3.11 or newer, and there is none. On Debian and Ubuntu: sudo apt install python3 python3-venv"
    fi
    return 1
}

# One run.sh at a time, until `unlock` or our end. flock on this directory leaves no file behind; macOS has none.
lock() {
    if command -v flock >/dev/null 2>&1; then
        exec 9<"$HERE"
        flock -n 9 || { say "Waiting for another run.sh …" && flock 9; }
        return
    fi
    mkdir -p -m 700 "$HERE/var"
    until mkdir "$HERE/var/.setting-up" 2>/dev/null; do
        kill -0 "$(cat "$HERE/var/.setting-up/pid" 2>/dev/null || echo $$)" 2>/dev/null || rm -rf "$HERE/var/.setting-up"
        sleep 0.2
    done
    echo $$ >"$HERE/var/.setting-up/pid"
    trap 'rm -rf "$HERE/var/.setting-up"' EXIT
}

unlock() {
    if command -v flock >/dev/null 2>&1; then
        exec 9<&-
    else
        rm -rf "$HERE/var/.setting-up"
        trap - EXIT
    fi
}

# installed LOCKFILE: whether .venv holds what the file names. No network, no Python: a few milliseconds.
installed() {
    local have=""
    [ -x "$VENV/bin/python" ] && [ -r "$VENV/$1.installed" ] && read -r have <"$VENV/$1.installed"
    [ -n "$have" ] && [ "$have" = "$(cksum <"$HERE/$1")" ]
}

# install LOCKFILE: hash-pinned, with a line that shows how far it is.
install() {
    local total count=0 line log=$VENV/setup.log
    total=$(grep -c '^[a-z].*==' "$HERE/$1")
    rm -f "$VENV/$1.installed"
    "$VENV/bin/python" -m pip install --require-hashes --no-deps --no-input --no-cache-dir --disable-pip-version-check \
        --progress-bar off --retries 2 -r "$HERE/$1" 2>&1 | tee "$log" | while IFS= read -r line; do
        case $line in
        Collecting*)
            count=$((count + 1))
            line=${line#Collecting }
            [ -t 2 ] && printf '\r\033[K  package %d of %d: %s' "$count" "$total" "${line%% *}" >&2
            ;;
        esac
    done
    local ended=("${PIPESTATUS[@]}")
    [ -t 2 ] && printf '\r\033[K' >&2
    if [ "${ended[0]}" -ne 0 ]; then
        tail -n 5 "$log" >&2
        die "Setting up failed: the packages of $1 could not be installed (is there a network?). All of it: $log"
    fi
    cksum <"$HERE/$1" >"$VENV/$1.new" && mv "$VENV/$1.new" "$VENV/$1.installed"
}

# set_up LOCKFILE…: see that .venv holds them.
set_up() {
    local file python missing=""
    for file in "$@"; do installed "$file" || missing=1; done
    [ -z "$missing" ] && return
    lock
    if ! "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(find_python) || exit 1
        say "Setting up Parlour in $VENV with $("$python" --version 2>&1), once; this takes half a minute …"
        rm -rf "$VENV"
        "$python" -m venv "$VENV" >&2 || die "Setting up failed: $python could not make $VENV."
    fi
    for file in "$@"; do # again: another run.sh may have done it while we waited
        installed "$file" && continue
        say "Installing the packages of $file …"
        install "$file"
        say "Done."
    done
    unlock
}

# python ARGUMENT…: the .venv's, with Parlour importable and nothing of the working directory (-P).
python() { PYTHONPATH=$HERE "$VENV/bin/python" -P "$@"; }

become() {
    export PYTHONPATH=$HERE
    exec "$VENV/bin/python" -P "$@"
}

# --- a server in the background

address() { python -m lobby status --address --data "$DATA" 2>/dev/null; }

# start_server OPTION…: in a session of its own, so that it survives this terminal; returns when it is ready.
start_server() {
    local pid log=$DATA/log/serve.log waited=0 detach=nohup where=""
    [ "$DATA" = "${PARLOUR_DATA:-$HERE/var}" ] || where=" --data $DATA"
    command -v setsid >/dev/null 2>&1 && detach="setsid nohup"
    { mkdir -p -m 700 "$DATA" "$DATA/log" && : >"$log"; } 2>/dev/null || die "Cannot write to the data directory $DATA."
    PYTHONPATH=$HERE $detach "$VENV/bin/python" -P -m lobby serve "$@" --data "$DATA" </dev/null >"$log" 2>&1 9<&- &
    pid=$!
    until grep -q '^Lobby listening on ' "$log"; do
        if ! kill -0 "$pid" 2>/dev/null || [ "$waited" -ge $((START_SECONDS * 10)) ]; then
            address >/dev/null && return # somebody else's `serve` was faster
            cat "$log" >&2
            say "The server did not start; its log directory is $DATA/log."
            kill -0 "$pid" 2>/dev/null && exit 2
            wait "$pid"
            exit $? # it says whose fault it is
        fi
        sleep 0.1
        waited=$((waited + 1))
    done
    say "A server now runs in the background; it stays until ./run.sh stop$where (its log: $log)."
}

# unheeded OPTION…: says which options came too late, as the server runs already.
unheeded() {
    local word after="" late=""
    for word in "$@"; do
        case $after:$word in
        --data:* | *:--data | *:--data=*) ;; # which server, not how it runs
        *) late="$late $word" ;;
        esac
        after=$word
    done
    [ -z "$late" ] || say "A server runs already on $DATA; not heeded:$late (./run.sh stop ends it)."
}

# client OPTION…: the client; where no server is named, one of this checkout's own that runs is told to it.
client() {
    local word after="" where
    for word in "$@"; do
        case $after:$word in
        --name:* | --room:* | *:--name | *:--room | *:--name=* | *:--room=*) ;;
        *:--lines | *:--plain | *:--back | *:--say | *:--follow | *:--json) ;;
        *) become -m client "$@" ;; # a server, a word that names one, or --help
        esac
        after=$word
    done
    [ -S "$DATA/run/guardian.sock" ] && where=$(address) && export PARLOUR_HERE=$where
    become -m client "$@"
}

# chat OPTION…: the client, on a server that runs or is started with these options.
chat() {
    local where word after="" serve=() client=()
    for word in "$@"; do
        [ "$after" = --data ] && DATA=$word
        case $word in --data=*) DATA=${word#--data=} ;; esac
        case $after:$word in # --lines and its like are the client's, all else is for the server
        --name:* | --room:* | *:--lines | *:--plain | *:--back | *:--name | *:--name=* | *:--room | *:--room=*) client+=("$word") ;;
        *) serve+=("$word") ;;
        esac
        after=$word
    done
    set -- ${serve[@]+"${serve[@]}"}
    if where=$(address); then
        unheeded "$@"
    else
        lock # two at the same moment start one
        where=$(address) && unheeded "$@"
        [ -n "$where" ] || { start_server "$@" && where=$(address); } || no_server "The server does not answer; see $DATA/log."
        unlock
    fi
    become -m client --server "$where" ${client[@]+"${client[@]}"}
}

check() {
    cd "$HERE" || exit 1
    unset PYTHONDONTWRITEBYTECODE # each worker and each server of a test would compile all of it again
    python -m pytest --collect-only >/dev/null 2>&1 & # so it is there when four workers look for it at the same time
    python -m ruff check . && python -m ruff format --check . && python -m mypy && wait &&
        become -m pytest -n 4 --dist worksteal "$@"
}

command=${1-}
[ $# -gt 0 ] && shift
case $command in
"") set_up requirements.lock && chat ;;
--help | -h | help) usage ;;
-*) set_up requirements.lock && chat "$command" "$@" ;;
serve | stop | status | admin) set_up requirements.lock && become -m lobby "$command" "$@" ;;
client) set_up requirements.lock && client "$@" ;;
chaos) set_up requirements.lock && become -m bench.chaos "$@" ;;
bench) set_up requirements.lock && become -m bench "$@" ;;
test) set_up requirements.lock requirements-dev.lock && check "$@" ;;
*)
    usage >&2
    die "./run.sh has no command '$command'."
    ;;
esac
