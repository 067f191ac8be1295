#!/bin/sh
# Starts the managed Postgres, from any image that holds its programs.
set -eu

home=/var/lib/ragwright
data=$home/data
config=/etc/ragwright/postgres/postgresql.conf
password_file=/etc/ragwright/postgres-secret/password

if ! command -v postgres >/dev/null; then
  for folder in /usr/lib/postgresql/*/bin; do PATH=$folder:$PATH; done
fi

# Single-user mode takes SQL from stdin: no password in an argument, in a log or over a socket.
run_sql() {
  postgres --single -D "$1" -c "config_file=$config" -c log_min_error_statement=panic "$2" >/dev/null
}

if [ ! -d "$data" ]; then
  # Made beside and moved at the end, so that a start that was killed half-way begins anew.
  rm -rf "$home/new"
  initdb -D "$home/new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --auth=reject
  run_sql "$home/new" postgres <<SQL
CREATE ROLE ragwright LOGIN
CREATE DATABASE ragwright OWNER ragwright
SQL
  mv "$home/new" "$data"
fi

made_by=$(cat "$data/PG_VERSION")
if [ "$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" != "$made_by" ]; then
  echo "the volume holds data of PostgreSQL $made_by, the image is $(postgres --version)." >&2
  echo "Set the operator's Postgres image to one with PostgreSQL $made_by." >&2
  exit 1
fi

run_sql "$data" ragwright <<SQL
ALTER ROLE ragwright PASSWORD '$(cat "$password_file")'
CREATE EXTENSION IF NOT EXISTS vector
ALTER EXTENSION vector UPDATE
SQL

exec postgres -D "$data" -c "config_file=$config"
