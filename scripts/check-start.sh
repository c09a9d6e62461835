#!/usr/bin/env bash
# The two README commands in the clean clone given as $1: `npm ci`, then `npm start` twice. Prints
# how long each took and fails when the server does not come up or does not end cleanly.
set -euo pipefail
cd "$1"
port=24917
export LATCHKEY_ORIGIN="http://localhost:$port" LATCHKEY_DATA_DIR="$PWD/check-data"
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true' EXIT
if curl -fs "$LATCHKEY_ORIGIN/healthz" >/dev/null 2>&1; then echo "something already answers at $LATCHKEY_ORIGIN"; exit 1; fi
now() { date +%s%3N; }

begin=$(now)
npm ci >npm-ci.log 2>&1 || { cat npm-ci.log; exit 1; }
echo "npm ci: $(($(now) - begin)) ms"

start_once() {
  local begin limit=$2
  begin=$(now)
  npm start >"start-$1.log" 2>&1 &
  pid=$!
  until curl -fs "$LATCHKEY_ORIGIN/readyz" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || [ $(($(now) - begin)) -gt "$limit" ]; then
      echo "npm start ($1) was not ready within $limit ms:"; cat "start-$1.log"; exit 1
    fi
    sleep 0.05
  done
  echo "npm start ($1): ready after $(($(now) - begin)) ms"
  curl -fs "$LATCHKEY_ORIGIN/" | grep -q '<div id="root"' || { echo 'the console is not served'; exit 1; }
  # npm passes the signal on to the server it runs.
  kill -TERM "$pid"
  wait "$pid" && code=0 || code=$?
  pid=''
  case $code in 0 | 143) ;; *) echo "npm start ($1) ended with $code:"; cat "start-$1.log"; exit 1 ;; esac
  # npm may be gone a moment before the server has closed everything.
  local end=$(($(now) + 3000))
  while curl -fs "$LATCHKEY_ORIGIN/healthz" >/dev/null 2>&1; do
    [ "$(now)" -lt "$end" ] || { echo 'it still answers 3 s after SIGTERM'; exit 1; }
    sleep 0.05
  done
}
start_once first 60000
grep -q '/operator/claim#' start-first.log || { echo 'no operator link was printed'; cat start-first.log; exit 1; }
start_once second 20000
