#!/bin/sh
# Makes the passwords of Redis and Grafana in secrets/, unless they are there: sh make-secrets.sh
# Compose mounts these files with their modes and owners. Marrow reads them as user 10001, Redis as redis and Grafana as 472, so each file may be
# read by all; the directory, which containers do not see, may be entered by you alone.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 0700 secrets
for name in redis grafana; do
  file=secrets/$name-password.txt
  if [ ! -s "$file" ]; then openssl rand -hex 24 >"$file"; fi
done
printf 'requirepass %s\n' "$(cat secrets/redis-password.txt)" >secrets/redis.conf.new
mv secrets/redis.conf.new secrets/redis.conf
chmod 0444 secrets/*
