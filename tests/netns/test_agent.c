/* The platform's namespace and the agent that serves it: on a real lab, by the command line. Guests of the platform are played inside its
 * namespace, by their addresses there; the way from a VM's port is the program's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/cli.h"

#include "vnetlab/base.h"

#define LAB                                                                                                  \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets:\n"                                                                                               \
    "  vnet-1: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}\n"                                   \
    "  vnet-2: {addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}}\n"                                   \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/s}\n"                                                                           \
    "  vm-2: {subnet: vnet-1/s}\n"                                                                           \
    "  vm-3: {subnet: vnet-2/s}\n"
#define LARGER LAB "  vm-4: {subnet: vnet-1/s}\n"

/* DNS SOURCE NAME [tcp]: asks for A and prints the rcode and the last four bytes as an address. */
static const char resolver[] =
    "import socket,struct,sys\n"
    "src,name=sys.argv[1:3]\n"
    "q=struct.pack('!HHHHHH',7,256,1,0,0,0)+b''.join(bytes([len(l)])+l.encode() for l in name.split('.'))\n"
    "q+=b'\\0'+struct.pack('!HH',1,1)\n"
    "if len(sys.argv)>3:\n"
    " s=socket.create_connection(('168.63.129.16',53),5,(src,0)); s.sendall(struct.pack('!H',len(q))+q)\n"
    " a=s.recv(512)[2:]\n"
    "else:\n"
    " s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(5); s.bind((src,0))\n"
    " s.sendto(q,('168.63.129.16',53)); a=s.recv(512)\n"
    "print(a[3]&15, socket.inet_ntoa(a[-4:]) if a[7] else '-')\n";

/* Runs in the lab's _platform namespace. */
#define IN "nsenter --net=\"$VNETLAB_RUN_DIR\"/%s/ns/_platform "

static void bring_up(const char *text)
{
    cli_ok("up %s", cli_file("lab.yaml", text));
}

/* So that the namespace itself can play the guests of the first slots. */
static void play_guests(void)
{
    for (int slot = 0; slot < 4; slot++)
        sh_ok(IN "ip addr add 100.96.0.%d/32 dev lo", cli_lab(), slot);
}

static void assert_resolves(const char *from, const char *name, const char *more, const char *answer)
{
    sh_ok(IN "python3 %s %s %s %s", cli_lab(), cli_file("dns.py", resolver), from, name, more);
    assert_string_equal(cli_out, answer);
}

static void assert_metadata(const char *from, const char *path, const char *value)
{
    sh_ok(IN "curl -s -m 5 --interface %s -H Metadata:true "
             "'http://169.254.169.254/metadata/instance/%s?api-version=2021-02-01&format=text'",
          cli_lab(), from, path);
    assert_string_equal(cli_out, value);
}

/* 0: none. */
static int agent_pid(void)
{
    (void)sh("pgrep -f 'vnetla[b]-agent %s '", cli_lab());
    return atoi(cli_out);
}

/* Until it has gone, ten seconds at most. */
static bool agent_ends(int pid)
{
    return sh("for i in $(seq 1000); do kill -0 %d 2>/dev/null || exit 0; sleep 0.01; done; exit 1", pid) ==
           0;
}

/* --- serving -------------------------------------------------------------------------------------- */

static void guests_are_told_apart(void **state)
{
    (void)state;
    bring_up(LAB);
    play_guests();
    assert_resolves("100.96.0.0", "vm-2", "", "0 10.0.0.5\n");
    assert_resolves("100.96.0.0", "vm-2", "tcp", "0 10.0.0.5\n");
    assert_resolves("100.96.0.0", "vm-3", "", "3 -\n");
    assert_resolves("100.96.0.2", "vm-3", "", "0 10.1.0.4\n");
    assert_resolves("168.63.129.16", "vm-3", "", "5 -\n"); /* no guest */
    assert_metadata("100.96.0.0", "compute/name", "vm-1");
    assert_metadata("100.96.0.2", "network/interface/0/ipv4/ipAddress/0/privateIpAddress", "10.1.0.4");
    sh_ok(IN "curl -s -m 5 -o /dev/null -w '%%{http_code} %%{content_type}' --interface 100.96.0.0 "
             "http://169.254.169.254/metadata/instance?api-version=2021-02-01",
          cli_lab());
    assert_string_equal(cli_out, "400 application/json; charset=utf-8");
    sh_ok(IN "curl -s -m 5 -o /dev/null -w '%%{http_code}' -X POST -d x=1 --interface 100.96.0.0 "
             "-H Metadata:true http://169.254.169.254/metadata/instance?api-version=2021-02-01",
          cli_lab());
    assert_string_equal(cli_out, "405");
}

static const char greedy[] =
    "import socket,struct\n"
    "def to(me,host,port): return socket.create_connection((host,port),5,(me,0))\n"
    "dns,imds='168.63.129.16','169.254.169.254'\n"
    "kept=to('100.96.0.1',dns,53)\n"
    "held=[to('100.96.0.0',*there) for i in range(200) for there in ((dns,53),(imds,80))]\n"
    "q=struct.pack('!HHHHHH',7,256,1,0,0,0)+b'\\4vm-2\\0'+struct.pack('!HH',1,1)\n"
    "kept.sendall(struct.pack('!H',len(q))+q)\n"
    "print(socket.inet_ntoa(kept.recv(512)[-4:]))\n"
    "s=to('100.96.0.1',imds,80)\n"
    "s.sendall(b'GET /metadata/instance/compute/name?api-version=2021-02-01&format=text HTTP/1.1\\r\\n'\n"
    "          b'Host: x\\r\\nMetadata: true\\r\\nConnection: close\\r\\n\\r\\n')\n"
    "print(s.makefile('rb').read().split(b'\\r\\n\\r\\n')[-1].decode())\n";

static void a_greedy_guest_keeps_nobody_out(void **state)
{
    (void)state;
    bring_up(LAB);
    play_guests();
    sh_ok(IN "timeout 20 python3 %s", cli_lab(), cli_file("greedy.py", greedy));
    assert_string_equal(cli_out, "10.0.0.5\nvm-2\n");
}

/* From a VM's own port, past a group that denies everything (spec 3.8). */
static void a_virtual_machine_reaches_the_platform(void **state)
{
    (void)state;
    bring_up(LAB);
    sh_ok("\"$VNETLAB\" exec vm-1 -- python3 %s 10.0.0.4 vm-2", cli_file("dns.py", resolver));
    assert_string_equal(cli_out, "0 10.0.0.5\n");
    sh_ok("\"$VNETLAB\" exec vm-3 -- python3 %s 10.1.0.4 vm-3 tcp", cli_file("dns.py", resolver));
    assert_string_equal(cli_out, "0 10.1.0.4\n");
    sh_ok("\"$VNETLAB\" exec vm-3 -- curl -s -m 5 -H Metadata:true "
          "'http://169.254.169.254/metadata/instance/compute/name?api-version=2021-02-01&format=text'");
    assert_string_equal(cli_out, "vm-3");
}

static void a_changed_lab_is_served_when_up_returns(void **state)
{
    int pid;

    (void)state;
    bring_up(LAB);
    play_guests();
    pid = agent_pid();
    assert_int_not_equal(pid, 0);
    assert_resolves("100.96.0.0", "vm-4", "", "3 -\n");
    bring_up(LARGER);
    assert_resolves("100.96.0.0", "vm-4", "", "0 10.0.0.6\n");
    assert_int_equal(agent_pid(), pid);
    bring_up(LAB);
    assert_resolves("100.96.0.0", "vm-4", "", "3 -\n");
}

#define BACKEND                                                                                              \
    "    subnet: vnet-1/s\n"                                                                                 \
    "    run:\n"                                                                                             \
    "      - >-\n"                                                                                           \
    "        exec python3 -c \"import socket, http.server as h;\n"                                           \
    "        H = type('H', (h.BaseHTTPRequestHandler,), {'do_GET': lambda s: (s.send_response(200),\n"       \
    "        s.end_headers(), s.wfile.write(socket.gethostname().encode()))});\n"                            \
    "        h.HTTPServer(('', 80), H).serve_forever()\"\n"
#define BALANCED                                                                                             \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "vnets: {vnet-1: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}}}\n"                            \
    "loadBalancers:\n"                                                                                       \
    "  ilb:\n"                                                                                               \
    "    frontendIPConfigurations: {fe: {subnet: vnet-1/s, privateIPAddress: 10.0.0.100}}\n"                 \
    "    backendAddressPools: {pool: [web-1, web-2]}\n"                                                      \
    "    probes: {http: {protocol: Http, port: 80, requestPath: /, intervalInSeconds: 5}}\n"                 \
    "    loadBalancingRules: {http: {protocol: Tcp, frontendPort: 80, backendPort: 80, probe: http}}\n"      \
    "virtualMachines:\n"                                                                                     \
    "  client: {subnet: vnet-1/s}\n"                                                                         \
    "  web-1:\n" BACKEND "  web-2:\n" BACKEND

/* Sixteen connections to the frontend: which backends answer, "web-1 web-2 " when both do. Until it is so. */
static void assert_answered_by(const char *backends)
{
    sh_ok("for i in $(seq 30); do seen=$(\"$VNETLAB\" exec client -- sh -c 'for i in $(seq 16); do "
          "curl -s -m 1 http://10.0.0.100/; echo; done' | grep . | sort -u | tr '\\n' ' '); "
          "[ \"$seen\" = '%s' ] && exit 0; sleep 0.5; done; echo \"$seen\"; exit 1",
          backends);
}

/* By probes that really go from the platform to the VMs. */
static void a_dead_backend_gets_no_connections(void **state)
{
    (void)state;
    bring_up(BALANCED);
    assert_answered_by("web-1 web-2 ");
    sh_ok("\"$VNETLAB\" exec web-1 -- pkill python3");
    assert_answered_by("web-2 ");
    sh_ok("for i in $(seq 150); do grep '/loadBalancingRules/http: backend 0 is down$' "
          "\"$VNETLAB_RUN_DIR\"/%s/agent.log && exit 0; sleep 0.1; done; exit 1",
          cli_lab());
    assert_answered_by("web-2 ");
}

/* --- living and dying ----------------------------------------------------------------------------- */

static void the_next_up_brings_a_dead_or_hung_agent_back(void **state)
{
    static const char *const signals[] = { "KILL", "TERM", "STOP" };

    (void)state;
    bring_up(LAB);
    play_guests();
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        int pid = agent_pid();

        sh_ok("kill -%s %d", signals[i], pid);
        assert_true(i == 2 || agent_ends(pid));
        bring_up(LAB);
        assert_has(cli_out, "nothing to change");
        assert_int_not_equal(agent_pid(), pid);
        assert_resolves("100.96.0.0", "vm-2", "", "0 10.0.0.5\n");
    }
}

static void down_ends_it_whatever_it_does(void **state)
{
    static const char *const signals[] = { "CONT", "STOP" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        int pid;

        bring_up(LAB);
        pid = agent_pid();
        sh_ok("kill -%s %d", signals[i], pid);
        cli_ok("down %s --wait", cli_lab());
        assert_true(agent_ends(pid));
        assert_int_not_equal(
            sh("ls -d /run/netns/%s._platform \"$VNETLAB_RUN_DIR\"/%s", cli_lab(), cli_lab()), 0);
    }
}

static void it_ends_by_itself_when_the_lab_is_gone(void **state)
{
    int pid;

    (void)state;
    bring_up(LAB);
    pid = agent_pid();
    sh_ok("umount -l \"$VNETLAB_RUN_DIR\"/%s", cli_lab());
    assert_true(agent_ends(pid));
}

/* Nothing of the caller's: no file, no terminal, no directory. */
static void it_holds_nothing_of_its_starter(void **state)
{
    int pid;

    (void)state;
    sh_ok("cd \"$(dirname \"$VNETLAB_STATE_DIR\")\"; exec 9<.; \"$VNETLAB\" up %s",
          cli_file("lab.yaml", LAB));
    pid = agent_pid();
    sh_ok("readlink /proc/%d/cwd; ps -o tty=,sid= -p %d | awk '{ print $1, ($2 == %d) }'", pid, pid, pid);
    assert_has(cli_out, "/\n?");
    sh_ok("ls -l /proc/%d/fd | grep -c \"$(dirname \"$VNETLAB_STATE_DIR\")\" || true", pid);
    assert_string_equal(cli_out, "0\n");
}

static void a_lab_without_machines_has_none(void **state)
{
    (void)state;
    bring_up("name: %s\nlocation: eastus\nvnets: {vnet-1: {addressSpace: [10.0.0.0/16], subnets: {s: "
             "10.0.0.0/24}}}\n");
    assert_int_equal(agent_pid(), 0);
    assert_int_not_equal(sh("ip netns | grep %s._platform", cli_lab()), 0);
}

/* The program belongs beside vnetlab; a test's copy may name another. */
static void without_its_program_up_says_so(void **state)
{
    const char *file = cli_file("lab.yaml", LAB);

    (void)state;
    sh_ok("mkdir \"$VNETLAB_STATE_DIR.bin\" && cp \"$VNETLAB\" \"$VNETLAB_STATE_DIR.bin/\"");
    assert_int_equal(sh("unset VNETLAB_AGENT; \"$VNETLAB_STATE_DIR.bin/vnetlab\" up %s", file), 3);
    assert_has(cli_err, "vnetlab: the agent of lab '");
    assert_has(cli_err, ".bin/vnetlab-agent': No such file or directory (it belongs beside vnetlab)\n");
    assert_int_equal(agent_pid(), 0);
    sh_ok("VNETLAB_AGENT=\"${VNETLAB}-agent\" \"$VNETLAB_STATE_DIR.bin/vnetlab\" up %s", file);
    assert_int_not_equal(agent_pid(), 0);
}

/* --- delays --------------------------------------------------------------------------------------- */

#define FAR                                                                                                  \
    "name: %s\n"                                                                                             \
    "location: eastus\n"                                                                                     \
    "latency: [{between: [eastus, westus], rtt: 20ms}]\n"                                                    \
    "vnets:\n"                                                                                               \
    "  vnet-1:\n"                                                                                            \
    "    addressSpace: [10.0.0.0/16]\n"                                                                      \
    "    subnets: {s: 10.0.0.0/24}\n"                                                                        \
    "    peerings: {p: {remoteVirtualNetwork: vnet-2}}\n"                                                    \
    "  vnet-2:\n"                                                                                            \
    "    location: westus\n"                                                                                 \
    "    addressSpace: [10.1.0.0/16]\n"                                                                      \
    "    subnets: {s: 10.1.0.0/24}\n"                                                                        \
    "    peerings: {p: {remoteVirtualNetwork: vnet-1}}\n"                                                    \
    "virtualMachines:\n"                                                                                     \
    "  vm-1: {subnet: vnet-1/s}\n"                                                                           \
    "  vm-2: {subnet: vnet-2/s}\n"
#define IN_FABRIC "nsenter --net=\"$VNETLAB_RUN_DIR\"/%s/ns/_fabric "

/* The first packet after `up`, each time: also over a port that was made anew. */
static void a_delayed_packet_passes_when_up_returns(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        bring_up(FAR);
        sh_ok("\"$VNETLAB\" exec vm-1 -- ping -c 1 -W 1 10.1.0.4 | grep -E 'time=[2-9][0-9]'");
        sh_ok(IN_FABRIC "ip -o link | grep -o 'delay1' | head -1", cli_lab());
        assert_has(cli_out, "delay1");
        sh_ok(IN_FABRIC "ip link del delay1", cli_lab());
    }
}

/* --- the namespace -------------------------------------------------------------------------------- */

/* counted: `up` says that there was something to repair. */
static void what_is_broken_is_repaired(void **state)
{
    static const struct {
        const char *damage;
        bool counted;
    } rows[] = {
        { IN_FABRIC "ip link del platform", true },
        { IN_FABRIC "ip link set platform down", true },
        { IN_FABRIC "ip link set platform alias ''", true },
        { IN_FABRIC "tc qdisc del dev platform clsact", true },
        { IN_FABRIC "ip link set platform name other", true },
        { IN_FABRIC "ip link set platform mtu 1400", true },
        { IN "ip addr flush dev eth0", false },
        { IN "ip link set eth0 arp on", false },
        { IN "ip link set eth0 down", false },
        { "umount \"$VNETLAB_RUN_DIR\"/%s/ns/_platform", true },
        { IN "ip link del eth0", true },
    };

    (void)state;
    bring_up(LAB);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        sh_ok(rows[i].damage, cli_lab());
        bring_up(LAB);
        if (rows[i].counted)
            assert_has(cli_out, "repaired");
        /* The one in a namespace that has lost its name looks for it every few seconds. */
        sh_ok("for i in $(seq 1000); do [ \"$(pgrep -c -f 'vnetla[b]-agent %s ')\" = 1 ] && exit 0; "
              "sleep 0.01; done; exit 1",
              cli_lab());
        bring_up(LAB);
        assert_has(cli_out, "nothing to change");
        (void)sh(IN "ip addr add 100.96.0.0/32 dev lo", cli_lab());
        assert_resolves("100.96.0.0", "vm-2", "", "0 10.0.0.5\n");
        sh_ok(IN "ip -o link show eth0 | grep NOARP,UP; " IN "ip route | grep 'default dev eth0'; " IN
                 "ip -o -4 addr show eth0 | wc -l",
              cli_lab(), cli_lab(), cli_lab());
        assert_has(cli_out, "2\n");
        sh_ok(IN_FABRIC "tc filter show dev platform ingress | grep direct-action", cli_lab());
        sh_ok(IN_FABRIC "ip -o link show platform | grep -v master | grep 'alias vnetlab %s platform'",
              cli_lab(), cli_lab());
    }
}

/* Killed at any moment, the next one makes it whole. */
static void a_killed_up_is_finished_by_the_next(void **state)
{
    char file[128];

    (void)state;
    (void)snprintf(file, sizeof(file), "%s", cli_file("lab.yaml", LAB));
    for (int ms = 5; ms <= 95; ms += 10) {
        (void)sh("timeout -s KILL 0.%03d \"$VNETLAB\" up %s", ms, file);
        cli_ok("up %s", file);
        cli_ok("up %s", file);
        assert_has(cli_out, "nothing to change");
        play_guests();
        assert_resolves("100.96.0.2", "vm-3", "", "0 10.1.0.4\n");
        sh_ok("pgrep -af 'vnetla[b]-agent %s '", cli_lab());
        if (strchr(cli_out, '\n') != strrchr(cli_out, '\n'))
            fail_msg("killed after %d ms: %s", ms, cli_out);
        cli_ok("down %s --wait", cli_lab());
    }
}

/* VNL_PROBE_PORT_MIN: the program takes ports from there on for probes' answers. */
static void probes_come_from_high_ports(void **state)
{
    (void)state;
    bring_up(LAB);
    sh_ok(IN "cat /proc/sys/net/ipv4/ip_local_port_range", cli_lab());
    assert_int_equal(atoi(cli_out), 32768);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(guests_are_told_apart, cli_down_all),
        cmocka_unit_test_teardown(a_greedy_guest_keeps_nobody_out, cli_down_all),
        cmocka_unit_test_teardown(a_virtual_machine_reaches_the_platform, cli_down_all),
        cmocka_unit_test_teardown(a_changed_lab_is_served_when_up_returns, cli_down_all),
        cmocka_unit_test_teardown(a_dead_backend_gets_no_connections, cli_down_all),
        cmocka_unit_test_teardown(the_next_up_brings_a_dead_or_hung_agent_back, cli_down_all),
        cmocka_unit_test_teardown(down_ends_it_whatever_it_does, cli_down_all),
        cmocka_unit_test_teardown(it_ends_by_itself_when_the_lab_is_gone, cli_down_all),
        cmocka_unit_test_teardown(it_holds_nothing_of_its_starter, cli_down_all),
        cmocka_unit_test_teardown(a_lab_without_machines_has_none, cli_down_all),
        cmocka_unit_test_teardown(without_its_program_up_says_so, cli_down_all),
        cmocka_unit_test_teardown(a_delayed_packet_passes_when_up_returns, cli_down_all),
        cmocka_unit_test_teardown(what_is_broken_is_repaired, cli_down_all),
        cmocka_unit_test_teardown(a_killed_up_is_finished_by_the_next, cli_down_all),
        cmocka_unit_test_teardown(probes_come_from_high_ports, cli_down_all),
    };

    return cmocka_run_group_tests(tests, cli_setup, cli_teardown);
}
