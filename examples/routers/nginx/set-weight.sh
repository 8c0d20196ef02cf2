#!/bin/sh
# Shares the traffic of nginx between two releases, as the `command` of a deployment's router:
#
#   router:
#     command:
#       set: [./set-weight.sh]
#
# Writes the file that nginx.conf includes, has nginx check it, and then read it again; requests under way end where
# they began. A file that nginx refuses is taken back, and the program fails, so that the deployment is rolled back.
#
# SHARES: the file. NGINX: how nginx is called, with its settings, e.g. `nginx -c /etc/nginx/nginx.conf`.
set -eu
shares=${SHARES:-/etc/nginx/shares.conf}
nginx=${NGINX:-nginx}

# nginx takes no part of 0 %, and of 100 % nothing is left for others.
part() {
    case $MAINSTAY_WEIGHT in
    0) printf '    * orders_%s;\n' "$MAINSTAY_OLD_VERSION" ;;
    100) printf '    * orders_%s;\n' "$MAINSTAY_VERSION" ;;
    *) printf '    %s%% orders_%s;\n    * orders_%s;\n' "$MAINSTAY_WEIGHT" "$MAINSTAY_VERSION" "$MAINSTAY_OLD_VERSION" ;;
    esac
}

[ -e "$shares" ] && cp "$shares" "$shares.before"
{
    # By the user, so that who once came to the new release stays there while its share rises.
    printf 'split_clients "$http_x_user" $orders {\n'
    part
    printf '}\n'
} > "$shares.new"
mv "$shares.new" "$shares"
if ! $nginx -t; then
    [ -e "$shares.before" ] && mv "$shares.before" "$shares"
    exit 1
fi
$nginx -s reload
