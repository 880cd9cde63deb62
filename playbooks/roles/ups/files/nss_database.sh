#!/bin/sh
# Keep an NSS database with the facility's authority and, when they are given, a certificate with its key.
# Debian builds NUT with NSS, which reads no PEM files.
#
# Usage: nss_database.sh [--check] DIRECTORY CA [CERTIFICATE KEY NAME]
# Says "changed" when the database was made (--check: would be made) from other files than before.
#
# The database has no password: it would have to lie beside it.  Group nut may read it, when there is such a group.
set -eu
umask 077

check=no
if [ "$1" = --check ]; then
    check=yes
    shift
fi
directory=$1 ca=$2 certificate=${3-} key=${4-} name=${5-}

wanted=$(cat -- "$ca" ${certificate:+"$certificate"} ${key:+"$key"} 2>/dev/null | sha256sum)
if [ -e "$directory/made_from" ] && [ "$(cat "$directory/made_from")" = "$wanted $name" ]; then
    exit 0
fi
echo changed
if [ $check = yes ]; then
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/database"
certutil -N -d "sql:$work/database" --empty-password
certutil -A -d "sql:$work/database" -n authority -t CT,, -i "$ca"
if [ -n "$certificate" ]; then
    # pk12util takes a key from PKCS #12 only; it and its password live for this moment, readable for root alone.
    head -c 32 /dev/urandom | sha256sum | cut -d ' ' -f 1 >"$work/password"
    openssl pkcs12 -export -in "$certificate" -inkey "$key" -name "$name" -passout "file:$work/password" -out "$work/host.p12"
    echo >"$work/empty"
    pk12util -d "sql:$work/database" -i "$work/host.p12" -w "$work/password" -k "$work/empty" >/dev/null
fi

mkdir -p "$directory"
rm -f "$directory/made_from"
for file in cert9.db key4.db pkcs11.txt; do
    cp "$work/database/$file" "$directory/.$file"
    mv "$directory/.$file" "$directory/$file"
done
echo "$wanted $name" >"$directory/made_from"
chmod 0750 "$directory"
chmod 0640 "$directory"/*.db "$directory/pkcs11.txt"
if getent group nut >/dev/null; then
    chgrp nut "$directory" "$directory"/*.db "$directory/pkcs11.txt"
fi
