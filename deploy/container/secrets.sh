#!/bin/sh
# Makes what production.yml mounts as secrets, in deploy/container/secrets: an authority and RabbitMQ's certificate,
# passwords for Dispatcher and for publishers, and RabbitMQ's users with the hashes of these. What is there already is
# left as it is: delete a file to have it made again. The password of the SMTP server is asked for, or read from
# standard input. Needs openssl; as root it gives each file to the one user that may read it.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
days=825
mkdir -p "$folder"
cd "$folder"

dispatcher=10001 # as in the Dockerfile
rabbitmq=999     # as in RabbitMQ's image

if [ ! -e ca.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Dispatcher's authority" \
        -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem 2>/dev/null
    rm -f rabbitmq.pem
fi
if [ ! -e rabbitmq.pem ]; then
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=rabbitmq \
        -keyout rabbitmq.key -out rabbitmq.csr 2>/dev/null
    cat > rabbitmq.ext <<END
subjectAltName=DNS:rabbitmq,DNS:$(hostname)
extendedKeyUsage=serverAuth
basicConstraints=critical,CA:FALSE
authorityKeyIdentifier=keyid
END
    openssl x509 -req -in rabbitmq.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days $days -extfile rabbitmq.ext \
        -out rabbitmq.pem 2>/dev/null
    rm rabbitmq.csr rabbitmq.ext
fi
for user in rabbitmq publisher; do
    [ -e $user-password ] || openssl rand -hex 24 > $user-password
done
if [ ! -e smtp-password ]; then
    [ ! -t 0 ] || printf 'Password of dispatcher at the SMTP server: ' >&2
    read -r password || { echo "There is no password of the SMTP server on standard input." >&2; exit 1; }
    printf '%s\n' "$password" > smtp-password
fi

# RabbitMQ's own form, in base64: four bytes of salt, then SHA-256 of salt and password
# (https://www.rabbitmq.com/docs/passwords).
hash() {
    openssl rand 4 > salt
    { cat salt; { cat salt; tr -d '\n' < "$1"; } | openssl dgst -sha256 -binary; } | openssl base64 -A
    rm salt
}
# What `dispatcher permissions` prints: no right but those that each of them needs.
rm -f definitions.json
queues='(email|telegram|slack)'
cat > definitions.json <<END
{
  "vhosts": [{"name": "/", "default_queue_type": "quorum"}],
  "users": [
    {"name": "dispatcher", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": [],
     "password_hash": "$(hash rabbitmq-password)"},
    {"name": "publisher", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": [],
     "password_hash": "$(hash publisher-password)"}
  ],
  "permissions": [
    {"user": "dispatcher", "vhost": "/",
     "configure": "^(dispatcher|$queues(\\\\.retry\\\\.[0-9a-z]+|\\\\.dead)?)$",
     "write": "^(amq\\\\.default|$queues)$",
     "read": "^(dispatcher|$queues(\\\\.retry\\\\.[0-9a-z]+)?)$"},
    {"user": "publisher", "vhost": "/", "configure": "^$", "write": "^dispatcher$", "read": "^$"}
  ]
}
END

chmod 400 ./*
if [ "$(id -u)" = 0 ]; then
    chown $dispatcher rabbitmq-password smtp-password
    chown $rabbitmq rabbitmq.pem rabbitmq.key definitions.json
    # Not secret: both read it, and publishers need it.
    chmod 444 ca.pem
else
    echo "Run by root, this gives each file to who reads it: now containers cannot." >&2
fi
