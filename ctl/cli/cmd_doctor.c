/* vnetlab doctor: is this machine ready? Features are tried, not looked up by the kernel's version, wherever
 * they can be tried. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmds.h"
#include "doctor_kernel.h"
#include "out.h"

#include "vnetlab/base.h"
#include "vnetlab/delay.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/vpn.h"

enum status { STATUS_OK, STATUS_FALLBACK, STATUS_MISSING, STATUS_UNKNOWN, STATUS_MAX };

static const struct {
    const char *name;
    enum vnl_tone tone;
} statuses[] = {
    [STATUS_OK] = { "ok", VNL_TONE_GOOD },
    [STATUS_FALLBACK] = { "fallback", VNL_TONE_WARN },
    [STATUS_MISSING] = { "missing", VNL_TONE_BAD },
    [STATUS_UNKNOWN] = { "unknown", VNL_TONE_WARN },
};
static_assert(ARRAY_SIZE(statuses) == STATUS_MAX, "name every status");

struct finding {
    const char *name;
    bool required;
    enum status status;
    char text[VNL_DOCTOR_TEXT];
};

static void set(struct finding *finding, enum status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void set(struct finding *finding, enum status status, const char *fmt, ...)
{
    va_list args;

    finding->status = status;
    va_start(args, fmt);
    (void)vsnprintf(finding->text, sizeof(finding->text), fmt, args);
    va_end(args);
}

/* --- what needs no root --------------------------------------------------------------------------- */

/* major * 1000 + minor, as the running kernel says; 0 when it says something else. */
static int kernel_version(char release[65])
{
    struct utsname name;
    int major = 0, minor = 0;

    release[0] = '\0';
    if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2)
        return 0;
    (void)snprintf(release, 65, "%s", name.release);
    return major * 1000 + minor;
}

static void find_kernel(struct finding *finding)
{
    char release[65];

    if (kernel_version(release) >= 6001)
        set(finding, STATUS_OK, "Linux %s", release);
    else
        set(finding, STATUS_MISSING, "Linux %s: 6.1 or newer is needed", release);
}

/* BIG TCP for IPv4 came with Linux 6.3 (IFLA_GSO_IPV4_MAX_SIZE). */
static void find_big_tcp(struct finding *finding)
{
    char release[65];

    if (kernel_version(release) >= 6003)
        set(finding, STATUS_OK, "segments of 512 KB between virtual machines");
    else
        set(finding, STATUS_FALLBACK,
            "segments of 64 KB: bulk TCP is slower; Linux 6.3 or newer has larger ones");
}

/* A virtual machine takes 0.4 MB of kernel memory. */
static void find_memory(struct finding *finding)
{
    FILE *in = fopen("/proc/meminfo", "re");
    char line[128];
    long kb = -1;

    while (in && kb < 0 && fgets(line, sizeof(line), in)) {
        if (sscanf(line, "MemAvailable: %ld kB", &kb) != 1)
            kb = -1;
    }
    if (in)
        (void)fclose(in);
    if (kb < 0)
        set(finding, STATUS_UNKNOWN, "/proc/meminfo does not say");
    else
        set(finding, kb < 64 * 1024 ? STATUS_FALLBACK : STATUS_OK,
            "%ld MB available: room for about %ld virtual machines", kb / 1024, kb / 41000 * 100);
}

static void find_root(struct finding *finding)
{
    if (geteuid() == 0)
        set(finding, STATUS_OK, "running as root");
    else
        set(finding, STATUS_UNKNOWN, "not root: the kernel was not tried, 'sudo vnetlab doctor' does");
}

/* --- what is tried -------------------------------------------------------------------------------- */

static void try_feature(struct finding *finding, int (*probe)(char text[VNL_DOCTOR_TEXT]), const char *good,
                        const char *get)
{
    char text[VNL_DOCTOR_TEXT] = "";
    int r = probe(text);

    if (r >= 0)
        set(finding, STATUS_OK, "%s", *text ? text : good);
    else
        set(finding, STATUS_MISSING, "%s%s%s", *text ? text : strerror(-r), *get ? "; " : "", get);
}

static void find_netns(struct finding *finding)
{
    try_feature(finding, vnl_doctor_netns, "virtual machines are namespaces",
                "a kernel with CONFIG_NET_NS is needed");
}

static void find_veth(struct finding *finding)
{
    try_feature(finding, vnl_doctor_veth, "network interfaces",
                "modprobe veth, or a kernel with CONFIG_VETH");
}

static void find_bridge(struct finding *finding)
{
    try_feature(finding, vnl_doctor_bridge, "virtual networks",
                "modprobe bridge, or a kernel with CONFIG_BRIDGE");
}

static void find_clsact(struct finding *finding)
{
    try_feature(finding, vnl_doctor_clsact, "hook of the port program",
                "modprobe sch_ingress, or a kernel with CONFIG_NET_SCH_INGRESS");
}

static void find_bpffs(struct finding *finding)
{
    try_feature(finding, vnl_doctor_bpffs, "programs stay without a process",
                "a kernel with CONFIG_BPF_SYSCALL is needed");
}

static void find_lab(struct finding *finding)
{
    try_feature(finding, vnl_doctor_lab, "up and down", "");
}

static void find_jit(struct finding *finding)
{
    FILE *in = fopen("/proc/sys/net/core/bpf_jit_enable", "re");
    int value = in ? fgetc(in) : EOF;

    if (in)
        (void)fclose(in);
    if (value == '1' || value == '2')
        set(finding, STATUS_OK, "programs run as machine code");
    else if (value == '0')
        set(finding, STATUS_FALLBACK, "interpreter, slower: sysctl net.core.bpf_jit_enable=1");
    else
        set(finding, STATUS_FALLBACK, "interpreter, slower: this kernel has no CONFIG_BPF_JIT");
}

/* Real IKE and ESP either way; the kernel's ESP is faster. */
static void find_vpn(struct finding *finding)
{
    CLEANUP(vnl_str_free) char *why = NULL;
    enum vnl_vpn_engine engine = vnl_vpn_probe(&why);

    switch (engine) {
    case VNL_VPN_XFRM:
        set(finding, STATUS_OK, "ESP in the kernel (xfrm)");
        return;
    case VNL_VPN_LIBIPSEC:
        set(finding, STATUS_FALLBACK, "ESP in strongSwan (libipsec), slower: %s",
            why ? why : "the kernel has no ESP");
        return;
    case VNL_VPN_NONE:
    case VNL_VPN_ENGINE_MAX:
        break;
    }
    set(finding, STATUS_MISSING, "%s", why ? why : "strongSwan: apt install charon-systemd");
}

static void find_delay(struct finding *finding)
{
    switch (vnl_delay_probe()) {
    case VNL_DELAY_NETEM:
        set(finding, STATUS_OK, "latencies between regions by the kernel (netem)");
        return;
    case VNL_DELAY_TAP:
        set(finding, STATUS_FALLBACK,
            "latencies between regions by the agent: this kernel has no netem "
            "(CONFIG_NET_SCH_NETEM)");
        return;
    case VNL_DELAY_NEITHER:
        break;
    }
    set(finding, STATUS_MISSING, "no latencies between regions: modprobe sch_netem, or tun");
}

static const struct {
    const char *name;
    bool required, root;
    void (*find)(struct finding *finding);
} probes[] = {
    { "kernel", true, false, find_kernel },  { "memory", false, false, find_memory },
    { "root", false, false, find_root },     { "network namespaces", true, true, find_netns },
    { "veth", true, true, find_veth },       { "bridge", true, true, find_bridge },
    { "clsact", true, true, find_clsact },   { "bpffs", true, true, find_bpffs },
    { "BPF JIT", false, true, find_jit },    { "BIG TCP", false, false, find_big_tcp },
    { "VPN", false, true, find_vpn },        { "delays", false, true, find_delay },
    { "a small lab", true, true, find_lab },
};

/* --- tools ---------------------------------------------------------------------------------------- */

/* Packages by the family of distributions: Debian and Ubuntu, Fedora and relatives, Arch. No tool is
 * required: labs come up without, but what people type in them is not there. */
static const struct tool {
    const char *program, *deb, *rpm, *arch, *use;
} tools[] = {
    { "ip", "iproute2", "iproute", "iproute2", "to look at interfaces and routes" },
    { "ping", "iputils-ping", "iputils", "iputils", "to try whether it is reachable" },
    { "traceroute", "traceroute", "traceroute", "traceroute", "to see the hops" },
    { "curl", "curl", "curl", "curl", "to ask web servers" },
    { "python3", "python3", "python3", "python", "to be a web server" },
    { "iperf3", "iperf3", "iperf3", "iperf3", "to measure throughput" },
    { "tcpdump", "tcpdump", "tcpdump", "tcpdump", "to look at packets" },
    { "bird", "bird2", "bird", "bird", "for BGP of VPN gateways and sites" },
};

static bool in_path(const char *program)
{
    const char *env = getenv("PATH");
    CLEANUP(vnl_str_free) char *dirs = NULL;
    char path[4096], *rest = NULL;

    if (asprintf(&dirs, "%s:/usr/sbin:/sbin", env ? env : "/usr/bin:/bin") < 0)
        return false;
    for (char *dir = strtok_r(dirs, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest)) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, program);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* "apt install iputils-ping", by the package manager that is there. */
static void how_to_get(const struct tool *tool, char *buf, size_t size)
{
    if (in_path("apt-get"))
        (void)snprintf(buf, size, "apt install %s", tool->deb);
    else if (in_path("dnf"))
        (void)snprintf(buf, size, "dnf install %s", tool->rpm);
    else if (in_path("pacman"))
        (void)snprintf(buf, size, "pacman -S %s", tool->arch);
    else
        (void)snprintf(buf, size, "install the package %s", tool->deb);
}

static void find_tool(const struct tool *tool, struct finding *finding)
{
    char get[96];

    if (in_path(tool->program)) {
        set(finding, STATUS_OK, "%s", tool->use);
        return;
    }
    how_to_get(tool, get, sizeof(get));
    set(finding, STATUS_MISSING, "%s: %s", tool->use, get);
}

/* --- report --------------------------------------------------------------------------------------- */

#define FINDINGS_MAX (ARRAY_SIZE(probes) + ARRAY_SIZE(tools))

static size_t find_all(struct finding findings[FINDINGS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        if (probes[i].root && geteuid() != 0)
            continue;
        findings[n] = (struct finding){ .name = probes[i].name, .required = probes[i].required };
        probes[i].find(&findings[n++]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
        findings[n] = (struct finding){ .name = tools[i].program };
        find_tool(&tools[i], &findings[n++]);
    }
    return n;
}

static size_t count_missing(const struct finding *findings, size_t n, bool required)
{
    size_t missing = 0;

    for (size_t i = 0; i < n; i++)
        missing += findings[i].status == STATUS_MISSING && findings[i].required == required;
    return missing;
}

static struct vnl_json *finding_to_json(const struct finding *finding)
{
    struct vnl_json *item = vnl_json_object();
    bool bad = false;

    bad |= vnl_json_set(item, "name", vnl_json_str(finding->name)) < 0;
    bad |= vnl_json_set(item, "status", vnl_json_str(statuses[finding->status].name)) < 0;
    bad |= vnl_json_set(item, "required", vnl_json_bool(finding->required)) < 0;
    bad |= vnl_json_set(item, "detail", vnl_json_str(finding->text)) < 0;
    if (bad)
        vnl_json_free(&item);
    return item;
}

static int print_json(const struct finding *findings, size_t n, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *list = vnl_json_array();
    bool bad = vnl_json_set(json, "value", list) < 0;

    for (size_t i = 0; i < n; i++)
        bad |= vnl_json_push(list, finding_to_json(&findings[i])) < 0;
    bad |= vnl_json_set(json, "ready", vnl_json_bool(!count_missing(findings, n, true))) < 0;
    if (bad)
        vnl_json_free(&json);
    return vnl_out_json(json, err);
}

/* "tcpdump, bird": what is missing and labs come up without. */
static void put_missing(const struct finding *findings, size_t n)
{
    const char *between = "";

    for (size_t i = 0; i < n; i++) {
        if (findings[i].status != STATUS_MISSING || findings[i].required)
            continue;
        (void)printf("%s%s", between, findings[i].name);
        between = ", ";
    }
}

static void print_conclusion(const struct finding *findings, size_t n)
{
    size_t required = count_missing(findings, n, true), others = count_missing(findings, n, false);
    bool root = geteuid() == 0;

    (void)putchar('\n');
    if (required)
        (void)printf("labs cannot run here: %zu required %s missing\n", required,
                     required == 1 ? "thing is" : "things are");
    else if (others) {
        (void)fputs(root ? "labs run here, but without what is missing: "
                         : "nothing that every lab needs is known to be missing, but there is no ",
                    stdout);
        put_missing(findings, n);
        (void)puts(root ? "" : "; 'sudo vnetlab doctor' tries the kernel too");
    } else {
        (void)puts(root ? "labs run here"
                        : "nothing is known to be missing; 'sudo vnetlab doctor' tries the kernel too");
    }
}

static int print_text(const struct finding *findings, size_t n, struct vnl_err **err)
{
    static const char *const headers[] = { "Status", "What", "Detail" };
    CLEANUP(vnl_table_free) struct vnl_table *table = vnl_table_new(headers, ARRAY_SIZE(headers));
    int r;

    for (size_t i = 0; i < n; i++) {
        vnl_table_cell(table, statuses[findings[i].status].tone, "%s", statuses[findings[i].status].name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", findings[i].name);
        vnl_table_cell(table, VNL_TONE_PLAIN, "%s", findings[i].text);
    }
    r = vnl_table_print(stdout, table, false, err);
    if (r < 0)
        return r;
    print_conclusion(findings, n);
    return 0;
}

int vnl_cmd_doctor(const struct vnl_args *args, struct vnl_err **err)
{
    struct finding findings[FINDINGS_MAX];
    size_t n = find_all(findings);
    int r = args->json ? print_json(findings, n, err) : print_text(findings, n, err);

    if (r < 0)
        return r;
    return count_missing(findings, n, true) ? VNL_EXIT_SYSTEM : VNL_EXIT_OK;
}
