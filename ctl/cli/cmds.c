/* The command table. Usage, --help, completion, man pages and docs/cli.md are printed from it. */
#include "cmds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/lab.h"

const struct vnl_cmd vnl_cmds[] = {
    {
        .name = "doctor",
        .operands = "",
        .summary = "check this machine: kernel and tools",
        .flags = CMD_JSON,
        .details = "Probes the kernel and looks for the tools that labs use. Each line is 'ok', 'fallback' "
                   "(works, and "
                   "what is used instead) or 'missing' (and how to get it).\n\n"
                   "As root it also makes a lab of two virtual machines, where nobody else sees it, and "
                   "removes it again. "
                   "Without root the kernel is not tried.\n\n"
                   "Exit status is 3 when something is missing that labs cannot do without.",
        .examples = "$ sudo vnetlab doctor          # everything, the kernel too\n"
                    "$ vnetlab doctor -o json       # for scripts",
        .run = vnl_cmd_doctor,
    },
    {
        .name = "validate",
        .operands = "FILE...",
        .summary = "check lab files without touching anything",
        .flags = CMD_JSON,
        .details = "Reads each lab file and checks it as Azure would when everything in it is created from "
                   "nothing. All "
                   "mistakes are reported in one run, each with file, line and column. Needs no root.",
        .examples = "$ vnetlab validate lab.yaml              # one file\n"
                    "$ vnetlab validate scenarios/*/lab.yaml  # many",
        .run = vnl_cmd_validate,
    },
    {
        .name = "plan",
        .operands = "FILE",
        .summary = "show what 'up' would change",
        .flags = CMD_JSON,
        .opts = vnl_plan_opts,
        .details = "Compares the lab file with the lab as it is stored and prints what 'vnetlab up FILE' "
                   "would create (+), "
                   "change (~) and delete (-). Changes nothing. Without root the stored lab usually cannot "
                   "be read; then "
                   "everything is shown as new.",
        .examples = "$ sudo vnetlab plan lab.yaml    # what would change\n"
                    "$ vnetlab plan --full lab.yaml  # every interface, address and route of the lab",
        .run = vnl_cmd_plan,
    },
    {
        .name = "up",
        .operands = "FILE",
        .summary = "create the lab, or change it to what FILE says",
        .flags = CMD_ROOT | CMD_JSON,
        .opts = vnl_up_opts,
        .details =
            "Makes the lab equal to the file: creates it, or changes it in place while traffic that "
            "is not concerned "
            "goes on. Running it again changes nothing; it also repairs what was broken by hand or "
            "left unfinished "
            "by a command that was killed. What it repairs is the lab's: namespaces, bridges, ports and "
            "their settings, programs and tables, run commands that ended with their VM's init. What was "
            "changed inside a VM (addresses, routes, sysctls) is the guest's own business and stays.\n\n"
            "A change that fails is taken back: the lab is then as it was before.\n\n"
            "A file with mistakes changes nothing.\n\n"
            "At the end it waits until the VPN connections whose both ends are in the lab and the clients "
            "are "
            "Connected and BGP sessions are up, and says why one is not. That is no failure of 'up'.",
        .examples = "$ sudo vnetlab up lab.yaml  # create\n"
                    "$ sudo vnetlab up lab.yaml  # after editing it: change in place\n"
                    "$ sudo vnetlab up --no-wait lab.yaml  # do not wait for VPN connections",
        .run = vnl_cmd_up,
    },
    {
        .name = "down",
        .operands = "[LAB]",
        .summary = "remove a lab and everything it made",
        .flags = CMD_ROOT | CMD_JSON | CMD_LAB,
        .opts = vnl_down_opts,
        .details =
            "Ends every process of the lab and removes its namespaces, interfaces, programs and files, also "
            "after a "
            "crash. LAB is a lab's name or the path of its lab file; the file is not needed any more.\n\n"
            "It returns when nothing of the lab can be reached; the kernel frees memory in the background. "
            "--wait waits for that too.",
        .examples = "$ sudo vnetlab down            # the only lab\n"
                    "$ sudo vnetlab down hub-spoke  # by name\n"
                    "$ sudo vnetlab down --all      # all of them",
        .run = vnl_cmd_down,
    },
    {
        .name = "ls",
        .operands = "",
        .summary = "list the labs",
        .flags = CMD_JSON,
        .details = "States: 'up'; 'changing' (another vnetlab is at work on it); 'unfinished' (an 'up' was "
                   "interrupted: run it "
                   "again); 'stopped' (stored, but not running, for instance after a reboot: 'up' starts "
                   "it); 'left over' "
                   "(running, but nothing is stored: 'down' removes it).",
        .examples = "$ sudo vnetlab ls",
        .run = vnl_cmd_ls,
    },
    {
        .name = "show",
        .operands = "[RESOURCE]",
        .summary = "show a lab's resources, addresses and states",
        .flags = CMD_JSON | CMD_LAB,
        .details =
            "Without RESOURCE: the virtual networks, virtual machines and peerings of the lab. With "
            "it: a summary of that resource; of a running lab also what was counted: packets dropped at a "
            "virtual machine, by "
            "reason, and new flows that a security rule decided. -o json prints it in Azure's JSON.\n\n"
            "RESOURCE 'connections' lists the VPN connections: status (Unknown, Connecting, Connected, "
            "NotConnected), bytes of "
            "inner packets that the gateway got and sent, since when, and the reason of those that are not "
            "connected; below one with several tunnels a row for each; then the clients. What was negotiated "
            "is with each connection: 'show VNet1ToVNet4'.\n\n"
            "Else RESOURCE is a name (vm-1), a path (vnets/vnet-1, vnet-1/subnet-1, vnet-1/peering-name, "
            "nsgs/web, web/allow-http) "
            "or a full resource id.",
        .examples = "$ sudo vnetlab show                  # the whole lab\n"
                    "$ sudo vnetlab show vm-1             # one virtual machine\n"
                    "$ sudo vnetlab show vnet-1/to-vnet-2 # one peering link\n"
                    "$ sudo vnetlab show nsgs/web         # a network security group with its hits\n"
                    "$ sudo vnetlab show connections      # VPN connections: status, bytes, why one is down\n"
                    "$ sudo vnetlab show VNet1ToVNet4     # one of them, with what was negotiated",
        .run = vnl_cmd_show,
    },
    {
        .name = "exec",
        .operands = "VM [-- COMMAND...]",
        .summary = "run a command, or a shell, inside a virtual machine",
        .flags = CMD_ROOT | CMD_LAB,
        .opts = vnl_exec_opts,
        .details = "The command sees the virtual machine's network, host name, /etc/hosts and processes, and "
                   "the files of this "
                   "machine. Without COMMAND: an interactive shell.\n\n"
                   "VM may also be an internet host, a client, a site or its host, or a VPN gateway "
                   "(VNet1GW.1: its second instance).\n\n"
                   "The exit status is the command's; 127 when it was not found, 128 plus the signal's "
                   "number when a "
                   "signal ended it.",
        .examples = "$ sudo vnetlab exec vm-1                           # a shell\n"
                    "$ sudo vnetlab exec vm-1 -- ping -c 4 10.1.0.4     # one command\n"
                    "$ sudo vnetlab exec -l hub-spoke nva -- ip route   # in another lab\n"
                    "$ sudo vnetlab exec VNet1GW -- tcpdump -nni any esp or udp port 4500",
        .run = vnl_cmd_exec,
    },
    {
        .name = "run",
        .operands = "VM -- COMMAND...",
        .summary = "run a command in a virtual machine by the platform's own channel",
        .flags = CMD_ROOT | CMD_JSON | CMD_LAB,
        .details = "As Azure's run-command does: no rule, route or address matters to it, so it works where "
                   "nothing else gets "
                   "in. Output and exit status are the command's; -o json prints the output in the shape of "
                   "'az vm run-command invoke', the last 4096 bytes of each kind.",
        .examples = "$ sudo vnetlab run vm-1 -- ip route\n"
                    "$ sudo vnetlab run vm-1 -o json -- sh -c 'ping -c 1 10.1.0.4'",
        .run = vnl_cmd_run,
    },
    {
        .name = "bastion",
        .operands = "VM [-- COMMAND...]",
        .summary = "open a shell in a virtual machine, if Bastion reaches it",
        .flags = CMD_ROOT | CMD_JSON | CMD_LAB,
        .opts = vnl_bastion_opts,
        .details =
            "Asks whether a session to TCP 22 from AzureBastionSubnet, of the virtual machine's network or "
            "of one that is "
            "peered with it, would pass security rules and peerings. Then it opens a shell, or runs COMMAND, "
            "as 'exec' does. Else it says everything that blocks the session, and the smallest change that "
            "would open each, and the exit status is 1. With -o json it only answers.",
        .examples = "$ sudo vnetlab bastion vm-1                 # a shell\n"
                    "$ sudo vnetlab bastion vm-1 -- hostname     # one command\n"
                    "$ sudo vnetlab bastion --rdp vm-1 -- true   # would a desktop session get there?",
        .run = vnl_cmd_bastion,
    },
    {
        .name = "logs",
        .operands = "VM",
        .summary = "print what a virtual machine's 'run' commands wrote",
        .flags = CMD_ROOT | CMD_LAB,
        .opts = vnl_logs_opts,
        .details =
            "Output and errors of the commands that the lab file starts in the virtual machine (its 'run').",
        .examples = "$ sudo vnetlab logs web-1",
        .run = vnl_cmd_logs,
    },
    {
        .name = "routes",
        .operands = "VM",
        .summary = "list a virtual machine's effective routes",
        .flags = CMD_JSON | CMD_LAB,
        .opts = vnl_routes_opts,
        .details = "The table that 'az network nic show-effective-route-table' prints. It is computed from "
                   "the lab as stored; "
                   "the packets are routed by the same table.",
        .examples = "$ sudo vnetlab routes vm-1             # of a lab that was brought up\n"
                    "$ vnetlab routes --file lab.yaml vm-1  # of a file, without root\n"
                    "$ sudo vnetlab routes nva --nic inside # of its second network interface",
        .run = vnl_cmd_routes,
    },
    {
        .name = "next-hop",
        .operands = "VM ADDRESS",
        .summary = "say where a virtual machine's packets to an address go next",
        .flags = CMD_JSON | CMD_LAB,
        .opts = vnl_next_hop_opts,
        .details =
            "What 'az network watcher show-next-hop' says: type and address of the next hop, and the route "
            "table that the "
            "route is from, or 'System Route'. As in Azure, no security rule is asked, and not whether an "
            "appliance forwards; 'verify' does that.\n\n"
            "Exit status is 1 when the next hop is None.",
        .examples = "$ sudo vnetlab next-hop vm-1 10.2.0.4\n"
                    "$ vnetlab next-hop --file lab.yaml vm-1 8.8.8.8  # of a file, without root",
        .run = vnl_cmd_next_hop,
    },
    {
        .name = "rules",
        .operands = "VM",
        .summary = "list a virtual machine's effective security rules",
        .flags = CMD_JSON | CMD_LAB,
        .opts = vnl_rules_opts,
        .details = "The rules of the network security groups on the virtual machine's subnet and network "
                   "interface, default rules "
                   "included, with service tags and application security groups expanded, as 'az network nic "
                   "list-effective-nsg' "
                   "has them. Without a group there is nothing to list: nothing is filtered then.",
        .examples = "$ sudo vnetlab rules vm-1             # of a lab that was brought up\n"
                    "$ vnetlab rules --file lab.yaml vm-1  # of a file, without root",
        .run = vnl_cmd_rules,
    },
    {
        .name = "verify",
        .operands = "SRC DST PROTO[:PORT]",
        .summary = "say whether a new flow passes, and everything that blocks it",
        .flags = CMD_JSON | CMD_LAB,
        .opts = vnl_verify_opts,
        .details =
            "Follows the first packet of a new flow through the plan, hop by hop: security rules of the "
            "sender's network "
            "interface and subnet, route, translation by public IP, NAT or load balancer, peering, rules of "
            "the receiver's subnet and network interface, what an appliance does with it, and the same for "
            "the way of the reply. Names the rule or route that decides at each step, all blockers and not "
            "only the first, and the smallest change that would open each. Nothing is sent.\n\n"
            "SRC is a virtual machine, an internet host, a site's host, a VPN gateway or a client, DST one "
            "of "
            "these, a public IP's name "
            "or an address; PROTO is icmp, tcp:PORT, udp:PORT, esp or ah. What an appliance's guest does "
            "beside "
            "forwarding (its own NAT or firewall) is not looked at. Of a VPN connection the plan knows "
            "whether both "
            "ends are there; when the lab runs, its status is told too. As root, and when the lab runs, the "
            "loaded program is asked too; that the two disagree is an error.\n\n"
            "Exit status is 1 when the flow is blocked.",
        .examples =
            "$ sudo vnetlab verify vm-1 vm-2 tcp:80               # of a lab that was brought up\n"
            "$ sudo vnetlab verify example web-ip tcp:443         # from the internet to a public IP\n"
            "$ vnetlab verify -f lab.yaml vm-1 10.1.0.4 icmp      # of a file, without root",
        .run = vnl_cmd_verify,
    },
    {
        .name = "drops",
        .operands = "[VM]",
        .summary = "show dropped packets as it happens",
        .flags = CMD_ROOT | CMD_JSON | CMD_LAB,
        .opts = vnl_drops_opts,
        .details =
            "Prints a line for each packet that is dropped, from now on: time, virtual machine, direction "
            "(outbound at the "
            "sender, inbound at the receiver), packet, reason and, for a network security group, the rule. "
            "With VM: only what "
            "is dropped there. The kernel limits the rate, so a flood costs nothing; how many packets were "
            "not shown is said "
            "at the end.\n\n"
            "Ends with ^C, --count or --timeout, with a summary. With -o json each packet is one line.",
        .examples = "$ sudo vnetlab drops                          # all virtual machines, until ^C\n"
                    "$ sudo vnetlab drops web-1 --count 1 -o json  # wait for one",
        .run = vnl_cmd_drops,
    },
    {
        .name = "set",
        .operands = "PATH VALUE",
        .summary = "change one property of a lab",
        .flags = CMD_ROOT | CMD_JSON | CMD_LAB,
        .details =
            "The same as editing the lab file and saying 'up': the lab is checked as a whole, changed "
            "in place and stored. What "
            "changed is printed. The file is not touched.\n\n"
            "PATH is where the property stands in a lab file, with dots: "
            "vnets.VNET.addressSpace, vnets.VNET.subnets.SUBNET.networkSecurityGroup, "
            "vnets.VNET.peerings.PEERING.allowForwardedTraffic, vms.VM.enableIPForwarding, "
            "nsgs.NSG.rules.RULE.access, gateways.GATEWAY.activeActive, "
            "connections.CONNECTION.enableBgp and the "
            "like; ARM's longer names of the sections are fine too. VALUE is as in a lab file; 'null' "
            "takes away what may be "
            "absent. nsgs.NSG.rules.RULE with a VALUE such as "
            "'{priority: 200, direction: Inbound, access: Allow, protocol: Icmp}' makes that rule, or "
            "changes "
            "those fields of it; routeTables.TABLE.routes.ROUTE likewise.\n\n"
            "Other new resources, whole sections (latency, semantics, expect), the hosts of the "
            "internet, point-to-site, a load balancer's backendAddressPools, and what Azure fixes when "
            "it makes a resource (location, vnet) are for the lab file and 'up'.",
        .examples = "$ sudo vnetlab set nsgs.web.rules.http.access Deny         # new flows only\n"
                    "$ sudo vnetlab set vms.vm-1.networkSecurityGroup null      # take it away\n"
                    "$ sudo vnetlab set vnets.hub.peerings.to-a.allowForwardedTraffic true\n"
                    "$ sudo vnetlab set gateways.VNet1GW.bgpSettings '{asn: 65010}'",
        .run = vnl_cmd_set,
    },
    {
        .name = "set-key",
        .operands = "CONNECTION KEY",
        .summary = "change the shared key of a VPN connection",
        .flags = CMD_ROOT | CMD_LAB,
        .details = "What 'az network vpn-connection shared-key update' does: stored, given to the gateway at "
                   "once, and the tunnel is "
                   "negotiated anew; the new status is printed. The key must be the same at both ends: in "
                   "the connection of the "
                   "other gateway, or in the site.\n\n"
                   "KEY '-' reads it from standard input, so that it is in no process list.",
        .examples = "$ sudo vnetlab set-key VNet4ToVNet1 - < key.txt\n"
                    "$ sudo vnetlab set-key VNet4ToVNet1 aabbcc",
        .run = vnl_cmd_set_key,
    },
    {
        .name = "vpn",
        .operands = "log|reset|bgp|learned|advertised GATEWAY|CONNECTION [PEER]",
        .summary = "read a VPN gateway's IKE log, negotiate anew, see its BGP",
        .flags = CMD_ROOT | CMD_JSON | CMD_LAB,
        .opts = vnl_vpn_opts,
        .details = "'vpn log GATEWAY' prints what the gateway, a site's device or a point-to-site client "
                   "said while it negotiated. "
                   "'vpn reset' ends the tunnels of one of these, or both ends of one connection, and "
                   "negotiates anew; it prints the "
                   "new status.\n\n"
                   "'vpn bgp' prints the BGP sessions of a gateway or site, 'vpn learned' the routes it "
                   "knows, its own among them, "
                   "'vpn advertised' what it announces to each neighbor, or to PEER alone: as 'az network "
                   "vnet-gateway list-bgp-peer-status', "
                   "'list-learned-routes' and 'list-advertised-routes' do. Only these have -o json.\n\n"
                   "Of an active-active gateway both instances are meant; GATEWAY.1 is the second alone.",
        .examples = "$ sudo vnetlab vpn log VNet1GW          # why does it not connect?\n"
                    "$ sudo vnetlab vpn log -f VNet1GW       # as it happens\n"
                    "$ sudo vnetlab vpn reset VNet1ToVNet4   # one connection\n"
                    "$ sudo vnetlab vpn bgp VNet1GW          # is its session up?\n"
                    "$ sudo vnetlab vpn advertised VNet1GW 10.42.255.30",
        .run = vnl_cmd_vpn,
    },
    {
        .name = "check",
        .operands = "[FILE...]",
        .summary = "send real packets and grade the lab's 'expect' list",
        .flags = CMD_ROOT | CMD_JSON | CMD_LAB,
        .opts = vnl_check_opts,
        .details =
            "Sends the packets that the lab file expects to pass or to be dropped, and compares. With FILE: "
            "the lab "
            "that the file describes. When it is not running it is brought up for this and taken down "
            "afterwards; when it is running it is graded as it runs, also when the file says something "
            "else by now.\n\n"
            "Exit status is 1 when an expectation is not met.",
        .examples = "$ sudo vnetlab check                       # the running lab\n"
                    "$ sudo vnetlab check scenarios/*/lab.yaml  # each of these",
        .run = vnl_cmd_check,
    },
    {
        .name = "sync",
        .operands = "VNET/PEERING",
        .summary = "bring a peering up to date with its remote address space",
        .flags = CMD_ROOT | CMD_JSON | CMD_LAB,
        .details =
            "After a virtual network's address space has changed, its peerings still use the old one until "
            "they are "
            "synced, as 'az network vnet peering sync' does. A link that is Disconnected becomes Initiated.",
        .examples = "$ sudo vnetlab sync vnet-2/vnet-2-to-vnet-1",
        .run = vnl_cmd_sync,
    },
    {
        .name = "help",
        .operands = "[COMMAND]",
        .summary = "explain a command",
        .details = "The same as 'vnetlab COMMAND --help'. Without COMMAND: the list of commands.",
        .examples = "$ vnetlab help up",
        .run = vnl_cmd_help,
    },
    {
        .name = "completion",
        .operands = "bash|zsh|fish",
        .summary = "print the shell's completion script",
        .details = "Completes commands, options, labs and the names of virtual machines and other resources.",
        .examples =
            "$ source <(vnetlab completion bash)                                   # bash, this shell\n"
            "$ vnetlab completion zsh > ~/.zfunc/_vnetlab                          # zsh, a directory of "
            "fpath\n"
            "$ vnetlab completion fish > ~/.config/fish/completions/vnetlab.fish   # fish",
        .run = vnl_cmd_completion,
    },
    {
        .name = "complete",
        .operands = "[-- WORD...]",
        .summary = "what could stand in place of the last word",
        .flags = CMD_HIDDEN,
        .details = "Called by the completion scripts.",
        .run = vnl_cmd_complete,
    },
    {
        .name = "manual",
        .operands = "man|markdown [DIR]",
        .summary = "write the man pages or docs/cli.md",
        .flags = CMD_HIDDEN,
        .details = "Called by the build.",
        .run = vnl_cmd_manual,
    },
};
const size_t vnl_n_cmds = ARRAY_SIZE(vnl_cmds);

const struct vnl_cmd *vnl_cmd_lookup(const char *name)
{
    for (size_t i = 0; i < vnl_n_cmds; i++) {
        if (!strcmp(vnl_cmds[i].name, name))
            return &vnl_cmds[i];
    }
    return NULL;
}

int vnl_cmd_fail_unknown(const char *word, struct vnl_err **err)
{
    const char *names[64];
    CLEANUP(vnl_str_free) char *hint = NULL;
    const char *nearest;
    size_t n = 0;

    for (size_t i = 0; i < vnl_n_cmds && n < ARRAY_SIZE(names); i++) {
        if (!(vnl_cmds[i].flags & CMD_HIDDEN))
            names[n++] = vnl_cmds[i].name;
    }
    nearest = vnl_nearest(word, names, n);
    if (nearest ? asprintf(&hint, "did you mean '%s'?", nearest) < 0
                : asprintf(&hint, "'vnetlab help' lists the commands") < 0)
        hint = NULL;
    return vnl_fail_at(err, EINVAL, NULL, NULL, NULL, hint, "unknown command '%s'", word);
}
