# Read by the setup of the Python peers: makes a virtual environment in the
# directory given from the peer's requirements.txt, unless it is there already.
#   make_venv PEER_FOLDER DIR
# PYTHON names the interpreter; without it python3 from the path is taken.
make_venv() {
    local here=$1 dir=$2 python=${PYTHON:-python3} peer stamp
    peer=$(basename "$here")
    if ! command -v "$python" >/dev/null; then
        echo "$peer setup: no $python found; install Python 3.11 or set PYTHON to one." >&2
        exit 1
    fi
    if ! "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'; then
        echo "$peer setup: $("$python" --version) will not do; set PYTHON to a Python 3.10, 3.11 or 3.12 (3.11 is the one tried)." >&2
        exit 1
    fi
    stamp=$( (cat "$here/setup" "$here/requirements.txt" "${BASH_SOURCE[0]}"; "$python" --version) |
        sha256sum | cut -d' ' -f1)
    [ "$(cat "$dir/stamp" 2>/dev/null || true)" = "$stamp" ] && return 0
    rm -rf "$dir/venv" "$dir/stamp"
    mkdir -p "$dir"
    if ! "$python" -m venv "$dir/venv"; then
        echo "$peer setup: $python -m venv failed (Debian: apt-get install python3-venv)." >&2
        exit 1
    fi
    if ! "$dir/venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"; then
        echo "$peer setup: the packages of $here/requirements.txt could not be installed." >&2
        exit 1
    fi
    echo "$stamp" >"$dir/stamp"
}
