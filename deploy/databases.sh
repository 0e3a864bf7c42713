#!/bin/sh
# Runs once, when PostgreSQL is first made: two databases in two roles, neither of which may enter the other's.
set -eu
for name in airflow cutover; do
  if [ "$name" = airflow ]; then password=$AIRFLOW_DB_PASSWORD; else password=$CUTOVER_DB_PASSWORD; fi
  psql -v ON_ERROR_STOP=1 -v name="$name" -v password="$password" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
-- A killed scheduler's workers can hold its connection, and its locks, open for ever.
ALTER ROLE :"name" SET idle_in_transaction_session_timeout = '60s';
SQL
done
