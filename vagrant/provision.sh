#!/usr/bin/env bash
# Makes a bare Debian 12 the development box: RabbitMQ, a page that takes the mails, Dispatcher, Traefik, as services.
#
#     sudo bash vagrant/provision.sh
#
# What runs is this checkout. To run the script again costs seconds and changes only what has to be: a service is
# restarted where it was given something new, and started where it does not run.
set -euo pipefail

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=/opt/dispatcher/venv
UNITS=/etc/systemd/system
SERVICES=(rabbitmq-server mails dispatcher traefik)
NAMES="appserver.test appserver mailhog.appserver.test rabbit.appserver.test dispatcher.appserver.test"

MAILHOG=https://github.com/mailhog/MailHog/releases/download/v1.0.1/MailHog_linux_amd64
MAILHOG_SHA256=e2ed634ded49929f089b20045581955ed217672078fd86082dd7a6c67c5d09c7

changed=() # services that were given something new

main() {
    [ "$(id -u)" = 0 ] || fail "provision.sh sets up this machine: run it as root."
    install_packages ca-certificates curl python3 python3-venv
    grep -qs "$NAMES" /etc/hosts || echo "127.0.0.1 $NAMES" >>/etc/hosts
    install_rabbitmq
    install_dispatcher
    install_mails
    install_traefik
    start_services
    say_where_to_look
}

install_rabbitmq() {
    # The way `make demo` gets it; there it is no service, here it is.
    python3 -B "$SOURCE/helpers/rabbitmq.py" install
    if ! grep -qs rabbitmq_management /etc/rabbitmq/enabled_plugins; then
        rabbitmq-plugins enable --offline rabbitmq_management >/dev/null
        changed+=(rabbitmq-server)
    fi
    # Else guest may log in from within the box only: not from the host, whose ports lead here.
    put /etc/rabbitmq/conf.d/appserver.conf rabbitmq-server <<<"loopback_users = none"
}

install_dispatcher() {
    add_user dispatcher
    local before
    before=$(cat "$VENV/installed-from" 2>/dev/null || true)
    python3 -B "$SOURCE/helpers/install.py" "$VENV"
    [ "$before" = "$(cat "$VENV/installed-from")" ] || changed+=(dispatcher mails)
    link "$SOURCE/vagrant/dispatcher.yml" /etc/dispatcher/dispatcher.yml
    link "$SOURCE/templates" /etc/dispatcher/templates
    put $UNITS/dispatcher.service dispatcher <"$SOURCE/deploy/systemd/dispatcher.service"
    put $UNITS/dispatcher.service.d/appserver.conf dispatcher <<END
[Unit]
$(only_with_the_checkout)
END
}

install_mails() {
    local what command
    if [ "$(dpkg --print-architecture)" = amd64 ] && fetch $MAILHOG $MAILHOG_SHA256 /opt/mailhog/MailHog; then
        what=MailHog
        command=/opt/mailhog/MailHog
    else
        say "MailHog cannot be had here: Dispatcher's sandbox takes the mails, at the same ports."
        what="Dispatcher's sandbox"
        command="$VENV/bin/python $SOURCE/helpers/sandbox.py --host 0.0.0.0 --name mailhog.appserver.test"
    fi
    put $UNITS/mails.service mails <<END
[Unit]
Description=$what, which takes the mails and shows them
$(only_with_the_checkout)

[Service]
ExecStart=$command
DynamicUser=yes
Restart=on-failure

[Install]
WantedBy=multi-user.target
END
}

install_traefik() {
    add_user traefik
    link "$VENV/bin/traefik" /usr/local/bin/traefik
    put /etc/traefik/traefik.yml traefik <"$SOURCE/traefik/traefik.yml"
    local name
    for name in middlewares routes; do
        put /etc/traefik/dynamic/$name.yml traefik <"$SOURCE/traefik/$name.yml"
    done
    # dispatcher, password dispatcher: anybody may know, as this box is for one machine.
    put /etc/traefik/users traefik <"$SOURCE/deploy/container/users"
    put $UNITS/traefik.service traefik <"$SOURCE/traefik/traefik.service"
}

start_services() {
    local service
    for service in "${SERVICES[@]}"; do
        systemctl --quiet is-enabled "$service" || systemctl --quiet enable "$service"
    done
    if [ ! -d /run/systemd/system ]; then
        say "systemd does not run here: the services start when it does."
        return
    fi
    systemctl daemon-reload
    [ ${#changed[@]} = 0 ] || systemctl restart "${changed[@]}"
    systemctl start "${SERVICES[@]}"
}

say_where_to_look() {
    cat <<END

appserver.test is set up. On the machine that runs the box:
    http://localhost:8025/    the mails
    http://localhost:8080/    RabbitMQ (guest, guest)
    http://localhost:8070/    how Dispatcher is doing
With these names in its /etc/hosts, http://mailhog.appserver.test/ and http://rabbit.appserver.test/ too:
    192.168.56.10 $NAMES
A mail, from within the box, and what becomes of it:
    $VENV/bin/python $SOURCE/helpers/send.py --queue email
    journalctl --unit dispatcher --follow
END
}

# For what has to wait until Vagrant shares the checkout, after the box came up: this script starts it then.
only_with_the_checkout() {
    echo "ConditionPathExists=$SOURCE/dispatcher/main.py"
}

install_packages() {
    local name missing=()
    for name in "$@"; do
        dpkg --status "$name" >/dev/null 2>&1 || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] && return
    say "Installing Debian's ${missing[*]}"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends -y \
        "${missing[@]}" >/dev/null
}

add_user() { # NAME
    id "$1" >/dev/null 2>&1 || useradd --system --user-group --home-dir "/var/lib/$1" --shell /usr/sbin/nologin "$1"
}

# put FILE SERVICE: the file has what comes on standard input; the service is one that changed, where it had not.
put() {
    local new
    new=$(mktemp)
    cat >"$new"
    if ! cmp --silent "$new" "$1"; then
        install -D --mode=644 "$new" "$1"
        changed+=("$2")
    fi
    rm "$new"
}

link() { # TARGET NAME
    [ "$(readlink "$2")" = "$1" ] && return
    mkdir -p "$(dirname "$2")"
    ln -sfn "$1" "$2"
}

# fetch URL SHA256 PROGRAM: false where it cannot be had; one that is not the right one ends everything.
fetch() {
    [ -x "$3" ] && return
    curl --silent --fail --location --connect-timeout 10 --create-dirs --output "$3.part" "$1" || return 1
    echo "$2  $3.part" | sha256sum --check --status || fail "$1 is not what it should be: its checksum differs."
    chmod 755 "$3.part"
    mv "$3.part" "$3"
}

say() {
    echo "$*"
}

fail() {
    echo "$*" >&2
    exit 1
}

main
