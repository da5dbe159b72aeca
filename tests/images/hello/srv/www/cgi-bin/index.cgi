#!/bin/sh
echo >>/var/lib/hello/visits
printf 'Content-Type: text/plain\r\n\r\nHello %s, this is version %s, visit %d\n' "$RECEIVER" "$(cat /etc/hello-version)" "$(wc -l </var/lib/hello/visits)"
