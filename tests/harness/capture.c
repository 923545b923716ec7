#include "capture.h"

#include <stdlib.h>

#include "cli.h"

#define FILES "\"$VNETLAB_STATE_DIR/../%s."

/* Every packet goes to the file at once (-U), and is seen at once (--immediate-mode). */
void capture_start(const char *name, const char *guest, const char *device)
{
    sh_ok("ip netns exec %s.%s tcpdump -n -U --immediate-mode -i %s -w " FILES "pcap\" 2> " FILES
          "said\" & echo $! > " FILES "pid\"; for i in $(seq 100); do grep -q 'listening on' " FILES
          "said\" && exit 0; sleep 0.05; done; cat " FILES "said\" >&2; exit 1",
          cli_lab(), guest, device, name, name, name, name, name);
}

void capture_stop(const char *name)
{
    sh_ok("pid=$(cat " FILES
          "pid\"); kill -INT \"$pid\"; for i in $(seq 100); do kill -0 \"$pid\" 2> /dev/null || "
          "exit 0; sleep 0.05; done; exit 1",
          name);
}

long capture_count(const char *name, const char *filter)
{
    sh_ok("tcpdump -n -r " FILES "pcap\" '%s' 2> /dev/null | wc -l", name, filter);
    return atol(cli_out);
}
